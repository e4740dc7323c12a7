"""Archives whose members are links, twice there, elsewhere, or at odds with one another."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile import tars, zstd_frames
from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    SAID,
    WARN,
    Builder,
    Case,
    case,
    file_of,
    tar_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    REMOVED,
    SECOND_TAR,
    Files,
    changed,
    docker_archive,
    encode,
    hybrid,
    layout,
    plain_layer,
    replaced,
)

PLAIN = (plain_layer(FIRST_TAR), plain_layer(SECOND_TAR))
LAYER = "0" * 64 + "/layer.tar"


def docker(encoder: Any = encode, **documents: Any) -> Builder:
    return tar_of(partial(docker_archive, PLAIN, manifest=encoder, **documents))


def linked(*members: bytes, listed: str = LAYER) -> Builder:
    """A Docker archive whose first layer is `listed`, with the given members in front."""

    def content() -> bytes:
        files = docker_archive(PLAIN, manifest=changed("0.Layers.0", listed))
        return b"".join(members) + tars.tar(files.items())

    return file_of(content)


def real_layer() -> str:
    return next(name for name in docker_archive(PLAIN) if name.endswith("/layer.tar"))


def host_paths() -> Iterator[Case]:
    threat = "a path of manifest.json read from the host"
    # As seen from the archive's own folder, and from the current one.
    for name, path in {
        "beside": "../outside/layer.tar",
        "from-here": "outside/layer.tar",
        "absolute": "/etc/passwd",
        "empty": "",
        "dot": ".",
    }.items():
        yield case(f"docker-layer-{name}", threat, docker(changed("0.Layers.0", path)))
        yield case(f"docker-config-{name}", threat, docker(changed("0.Config", path)))


def links() -> Iterator[Case]:
    threat = "a layer that is a link to the host"
    for name, target in {
        "absolute": "/etc/passwd",
        "beside": "../../outside/layer.tar",
        "from-here": "../outside/layer.tar",
        "to-nothing": "../nothing/layer.tar",
        "to-itself": "layer.tar",
    }.items():
        for kind, flag in {"symlink": b"2", "hard-link": b"1"}.items():
            yield case(f"docker-{kind}-{name}", threat, linked(tars.link(LAYER, target, kind=flag)))
    threat = "a layer that is no file"
    for kind, flag in {"character": b"3", "block": b"4", "folder": b"5", "fifo": b"6"}.items():
        yield case(f"docker-layer-{kind}-device", threat, linked(tars.member(LAYER, kind=flag)))
    yield case("docker-layer-unknown-kind", threat, linked(tars.member(LAYER, kind=b"Z")))


def chained(hops: int) -> Builder:
    names = [LAYER, *(f"hop/{number}" for number in range(hops - 1)), real_layer()]
    chain = (tars.link(here, f"../{there}") for here, there in itertools.pairwise(names))
    return linked(*chain)


def legal_links() -> Iterator[Case]:
    threat = "links of older archives, which resolve to members of the same archive"
    yield case("docker-legacy-symlink", threat, chained(1), ACCEPT)
    yield case("docker-chain-of-3", threat, chained(3), EITHER)
    yield case("docker-chain-of-40", threat, chained(40))
    hard = linked(tars.link(LAYER, real_layer(), kind=b"1"))
    yield case("docker-hard-link", threat, hard, EITHER)
    loop = linked(tars.link(LAYER, "../a/b"), tars.link("a/b", f"../{LAYER}"))
    yield case("docker-loop-of-2", threat, loop)
    yield case("docker-symlink-at-the-end", threat, file_of(late_link), ACCEPT)


def late_link() -> bytes:
    files = docker_archive(PLAIN, manifest=changed("0.Layers.0", LAYER))
    body = tars.tar(files.items()).removesuffix(tars.END)
    return body + tars.link(LAYER, f"../{real_layer()}") + tars.END


def again(name: str, alias: str = "", content: bytes | None = None) -> Builder:
    """A layout in a tar, with one member again, or another one under its name."""

    def build() -> bytes:
        files = hybrid()
        path = next(iter(sorted(files))) if name == "blob" else name
        shown = alias.replace("NAME", path) or path
        other = files[path] if content is None else content
        return tars.member(shown, other) + tars.tar(files.items())

    return file_of(build)


def duplicates() -> Iterator[Case]:
    threat = "a member twice: parsers take the first, or the last"
    for name in ("index.json", "manifest.json", "oci-layout", "blob"):
        yield case(f"tar-{name}-twice", threat, again(name))
        yield case(f"tar-{name}-twice-other", threat, again(name, content=b"{}"))
        yield case(f"tar-{name}-with-dot", threat, again(name, "./NAME", b"{}"))
    for alias in ("blobs/../NAME", ".//NAME", "/NAME", "NAME/"):
        shown = alias.replace("/", "!")
        yield case(f"tar-index-also-as-{shown}", threat, again("index.json", alias, b"{}"), EITHER)
    yield case("tar-INDEX.JSON", threat, again("index.json", "INDEX.JSON", b"{}"), EITHER)
    link_too = file_of(lambda: tars.link("index.json", "x") + tars.tar(hybrid().items()))
    yield case("tar-index-also-as-link", threat, link_too)


def linked_members() -> Iterator[Case]:
    threat = "a member of a layout in a tar that is no file"
    for name in ("index.json", "oci-layout"):
        for kind, flag in {"symlink": b"2", "hard-link": b"1", "fifo": b"6"}.items():
            build = file_of(partial(with_link, name, flag))
            yield case(f"tar-{name}-{kind}", threat, build, REJECT, seconds=5)
    blobs = tars.link("blobs/sha256", "../outside")
    linked_folder = file_of(lambda: blobs + tars.tar(layout().items()))
    yield case("tar-blobs-also-a-link", threat, linked_folder, EITHER)
    threat = "a member whose name leads elsewhere"
    for name in ("../../outside/planted", "/outside/planted", "x/../../../outside/planted"):
        build = tar_of(lambda name=name: {name: b"planted"} | layout())  # type: ignore[misc]
        yield case(f"tar-member-{name.replace('/', '!')}", threat, build, EITHER)
    up = tar_of(lambda: {f"../{name}": raw for name, raw in layout().items()})
    yield case("tar-all-members-in-parent", threat, up)


def with_link(name: str, kind: bytes) -> bytes:
    target = "outside/secret" if kind == b"2" else name
    files = layout()
    del files[name]
    return tars.link(name, target, kind=kind) + tars.tar(files.items())


def orders() -> Iterator[Case]:
    threat = "members in any order, and named in any way that tools use"
    kinds: dict[str, Callable[[], Files]] = {
        "oci": layout,
        "hybrid": hybrid,
        "docker": partial(docker_archive, PLAIN),
    }
    for kind, files in kinds.items():
        in_order = partial(sorted_members, files)
        yield case(f"{kind}-sorted", threat, file_of(partial(in_order, False)), ACCEPT)
        yield case(f"{kind}-reversed", threat, file_of(partial(in_order, True)), ACCEPT)
        yield case(f"{kind}-dotted", threat, file_of(partial(dotted, files)), ACCEPT)
        yield case(f"{kind}-folders", threat, file_of(partial(with_folders, files)), ACCEPT)


def sorted_members(files: Callable[[], Files], reverse: bool) -> bytes:
    return tars.tar(sorted(files().items(), reverse=reverse))


def dotted(files: Callable[[], Files]) -> bytes:
    return tars.directory("./") + tars.tar((f"./{name}", raw) for name, raw in files().items())


def with_folders(files: Callable[[], Files]) -> bytes:
    """With the folders as members, one of them twice, as GNU tar does when it appends."""
    names = sorted({parent for name in files() for parent in (name.rpartition("/")[0],) if parent})
    folders = b"".join(tars.directory(f"{name}/") for name in [*names, *names])
    return folders + tars.tar(files().items())


DOCKER_WRONG: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("0", (None, [], 5, "x", {})),
    ("0.Config", (None, 5, [], REMOVED)),
    ("0.Layers", ({}, 5, "x")),
    ("0.Layers.0", (None, 5, [])),
    ("0.RepoTags", (5, {}, "x")),
    ("0.RepoTags.0", (5, None)),
)
DOCKER_SYNTAX: dict[str, bytes] = {
    "object": b"{}",
    "null": b"null",
    "empty-list": b"[]",
    "empty-file": b"",
    "garbage": b"\xff\xfe",
    "cut": b"[{",
    "deep": b"[" * 100_000 + b"]" * 100_000,
}


def docker_documents() -> Iterator[Case]:
    threat = "a manifest.json of the wrong shape"
    for path, values in DOCKER_WRONG:
        for value in values:
            shown = "absent" if value is REMOVED else encode(value).decode()
            yield case(f"docker-{path}={shown}", threat, docker(changed(path, value)))
    for name, raw in DOCKER_SYNTAX.items():
        yield case(f"docker-manifest-{name}", threat, docker(replaced(raw)))
    yield case("docker-no-names", threat, docker(changed("0.RepoTags", None)), ACCEPT)
    yield case(
        "docker-fewer-layers", threat, docker(changed("0.Layers", [real_layer()])), read=EITHER
    )
    yield case("docker-layers-null", threat, docker(changed("0.Layers", None)), read=EITHER)
    yield case("docker-no-layers", threat, file_of(without_layers), ACCEPT)
    for name in ("../../outside/planted", "--force", "a\x1b[2Jb", "UPPER/x:1", ":", "a:b:c"):
        build = docker(changed("0.RepoTags.0", name))
        shown = name.replace("/", "!").replace("\x1b", "ESC")
        yield case(f"docker-named-{shown}", "a tag used as a path", build, EITHER)
    wrong = docker(config=changed("rootfs.diff_ids.0", "sha256:" + "0" * 64))
    yield case("docker-diff-id-wrong", "layers that nothing vouches for", wrong, read=EITHER)


def without_layers() -> bytes:
    files = docker_archive((), manifest=changed("0.Layers", None))
    return tars.tar(files.items())


def two_formats() -> Iterator[Case]:
    threat = "manifest.json and index.json disagree"
    other = file_of(disagreeing)
    yield case("hybrid-disagrees", threat, other, WARN, read=EITHER)
    for transport in ("oci-archive", "docker-archive"):
        named = f"hybrid-disagrees-{transport}"
        yield case(named, threat, other, EITHER, transport=transport)
    yield case("hybrid", threat, tar_of(hybrid), ACCEPT)
    alone = tar_of(lambda: hybrid(docker_manifest=changed("0.Layers.0", "blobs/sha256/absent")))
    yield case("hybrid-layer-absent", threat, alone, SAID, read=EITHER)


def disagreeing() -> bytes:
    return tars.tar((layout() | docker_archive((plain_layer(SECOND_TAR),))).items())


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd_frames.raw_frame,
}


def whole_tar() -> bytes:
    return tars.tar(hybrid().items())


def compressed() -> Iterator[Case]:
    threat = "an archive that is compressed outside"
    for name, compress in COMPRESSORS.items():

        def packed(compress: Callable[[bytes], bytes] = compress) -> bytes:
            return compress(whole_tar())

        yield case(f"outer-{name}", threat, file_of(packed), ACCEPT)
        yield case(f"outer-{name}-cut", threat, file_of(lambda p=packed: p()[:-9]))  # type: ignore[misc]
        tail = file_of(lambda p=packed: p() + b"garbage after")  # type: ignore[misc]
        yield case(f"outer-{name}-garbage-after", threat, tail, SAID)
        # A gzip of zeros only is an empty tar.
        zeros = file_of(lambda c=compress: c(bytes(8 << 20)))  # type: ignore[misc]
        yield case(f"outer-{name}-of-zeros", threat, zeros)


def zip_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, raw in layout().items():
            archive.writestr(name, raw)
    return out.getvalue()


def empty_folder(folder: Path) -> Path:
    (folder / "layout").mkdir()
    return folder / "layout"


OTHER_FILES: dict[str, Callable[[], bytes]] = {
    "empty": bytes,
    "zeros": lambda: bytes(10240),
    "one-zero-block": lambda: bytes(512),
    "text": lambda: b"not an archive\n" * 100,
    "noise": lambda: random.Random(5).randbytes(100_000),
    "zip": zip_file,
    "tar-of-nothing-known": lambda: tars.tar([("a", b"b")]),
    "only-oci-layout": lambda: tars.tar([("oci-layout", layout()["oci-layout"])]),
    "gzip-magic-only": lambda: b"\x1f\x8b",
    "zstd-magic-only": lambda: zstd_frames.MAGIC,
}


def not_archives() -> Iterator[Case]:
    threat = "a file that is no archive of images"
    for name, content in OTHER_FILES.items():
        yield case(f"file-{name}", threat, file_of(content))
    yield case("folder-empty", threat, empty_folder)
    yield case("nothing-there", threat, lambda folder: folder / "nothing")


PARTS: tuple[Callable[[], Iterator[Case]], ...] = (
    host_paths, links, legal_links, duplicates, linked_members, orders,
    docker_documents, two_formats, compressed, not_archives,
)  # fmt: skip


def cases() -> Iterator[Case]:
    for part in PARTS:
        yield from part()
