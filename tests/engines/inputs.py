"""Inputs with one fault each, as functions that make their members."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.engines.archives import (
    Members,
    docker_members,
    hybrid_members,
    layout_members,
)
from tests.engines.test_prediction import zstd
from tests.image_files import layout_files
from tests.images import (
    Made,
    encode,
    make_blob,
    make_config,
    make_image,
    make_layer,
    make_manifest,
    make_source,
)

NAME = "docker.io/lab/app:1"
LAYER = make_layer("base")
KEY = "org.opencontainers.image.ref.name"


def config(**fields: object) -> bytes:
    return make_config("linux/amd64", [LAYER], **fields)


def saved(*names: str, **fields: object) -> Callable[[], Members]:
    """An archive as docker saved it before version 25."""
    return lambda: docker_members(config(**fields), [LAYER], names)


def image(
    *layers: Made, raw: bytes | None = None, media_type: str = media_types.OCI_MANIFEST
) -> Made:
    config_blob = make_blob(media_types.OCI_CONFIG, config() if raw is None else raw)
    parts = layers or (make_blob(media_types.OCI_LAYER, LAYER),)
    return make_manifest(config_blob, parts, media_type).named(NAME)


def with_config(content: bytes, media_type: str = media_types.OCI_CONFIG) -> Made:
    """An image whose config is these bytes, of this type."""
    layer = make_blob(media_types.OCI_LAYER, LAYER)
    return make_manifest(make_blob(media_type, content), [layer]).named(NAME)


def layout(*tops: Made) -> Callable[[], Members]:
    return lambda: layout_members(*tops)


def hybrid(*tops: Made) -> Callable[[], Members]:
    return lambda: hybrid_members(*tops)


def named(*annotations: Mapping[str, str]) -> Callable[[], Members]:
    """A layout of one image, with an entry for each of these annotations."""
    made = image().named()
    return lambda: layout_members(*(made.annotated(each) for each in annotations))


def ref(*names: str) -> Callable[[], Members]:
    return named(*({KEY: name} for name in names))


def typed(media_type: str, content: bytes = LAYER) -> Made:
    return image(make_blob(media_type, content))


def edited(make: Callable[[], Members], **changes: object) -> Callable[[], Members]:
    """The same with members replaced, or left out by None; `__` in a name is a dot, `_` a dash."""

    def change() -> Members:
        members = make()
        for key, content in changes.items():
            name = key.replace("__", ".").replace("_", "-")
            members.pop(name, None)
            if content is not None:
                members[name] = content  # type: ignore[assignment]
        return members

    return change


def relisted(edit: Callable[[dict[str, object]], object]) -> Callable[[], Members]:
    """A layout of one image whose entry in index.json is edited."""

    def make() -> Members:
        files = layout_files(make_source(image()))
        index = json.loads(files["index.json"])
        edit(index["manifests"][0])
        return {**files, "index.json": encode(index)}

    return make


def linked(member: str, flag: bytes) -> Callable[[], Members]:
    """A Docker archive with one of its members moved, and a link in its place."""

    def make() -> Members:
        members = docker_members(config(), [LAYER], ("lab/app:1",))
        name = next(each for each in members if each.endswith(member))
        content = members.pop(name)
        below = "/" in name and flag == b"2"
        return {"moved": content, **members, name: (flag, "../moved" if below else "moved")}

    return make


def stray_link() -> Members:
    members = docker_members(config(), [LAYER], ("lab/app:1",))
    return {**members, "other/layer.tar": (b"2", "nowhere.tar")}


def with_backslashes() -> Members:
    """As old daemons on Windows named layers."""
    files = {
        name: content
        for name, content in docker_members(config(), [LAYER], ("lab/app:1",)).items()
        if isinstance(content, bytes)
    }
    return {**files, "manifest.json": files["manifest.json"].replace(b"/", b"\\\\", 1)}


def below_top(members: Members) -> Members:
    return {f"image/{name}": content for name, content in members.items()}


def artifact() -> Made:
    empty = make_blob(media_types.OCI_EMPTY, b"{}")
    data = make_blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"chart")
    return make_manifest(empty, [data], artifactType="application/vnd.cncf.helm.config.v1+json")


def saved_layer(layer: bytes, pack: Callable[[bytes], bytes] = bytes) -> Callable[[], Members]:
    """A Docker archive of one layer, which is packed."""
    raw = make_config("linux/amd64", [layer])
    return lambda: docker_members(raw, [pack(layer)], ("lab/app:1",))


def gnu_sparse(layer: bytes) -> bytes:
    """The layer with its first member of GNU tar's type S."""
    block = bytearray(layer[:BLOCK])
    block[156:157] = b"S"
    block[148:156] = b" " * 8
    block[148:156] = f"{sum(block):06o}\0 ".encode()
    return bytes(block) + layer[BLOCK:]


def pax_sparse() -> bytes:
    """A layer with a sparse member as bsdtar writes it (GNU.sparse 1.0)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("GNUSparseFile.0/big")
        stored = b"1\n4096\n4\n".ljust(BLOCK, b"\0") + b"data"
        member.size = len(stored)
        member.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": "big",
            "GNU.sparse.realsize": "4100",
        }
        tar.addfile(member, io.BytesIO(stored))
    return out.getvalue()


def cut(members: Members) -> Members:
    """The members, with the largest blob of gzip cut in the middle."""
    name = next(n for n, c in members.items() if isinstance(c, bytes) and c[:2] == b"\x1f\x8b")
    content = members[name]
    assert isinstance(content, bytes)
    return {**members, name: content[: len(content) // 2]}


def spoiled(made: Made, word: bytes) -> Members:
    """A layout in which the document with this word has other bytes than its digest says."""
    digest = next(digest for digest, content in made.contents.items() if word in content)
    content = made.contents[digest].replace(word, word.swapcase())
    return {**layout_members(made), digest.blob_path: content}


BLOCK = 512
OCI_PLAIN, OCI_GZIP = media_types.OCI_LAYER, f"{media_types.OCI_LAYER}+gzip"
GZIP = make_blob(OCI_GZIP, gzip.compress(LAYER, mtime=0))
PACKED: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstd,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
OTHER_CONFIG = make_config("linux/amd64", [make_layer("others")])
SHA512 = {"type": "layers", "diff_ids": [str(Digest.of(LAYER, "sha512"))]}
STEPS = [{"created_by": "one"}, {"created_by": "two"}]
TWO = make_config("linux/amd64", [LAYER, make_layer("more")])
OTHER = make_image(layers=[make_layer("other")])
