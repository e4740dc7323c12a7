"""What is small on disk and large once it is read: in memory, or in the time that it takes.

Each command is a process of its own here, so that its peak of memory is that of the program.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.hostile import tars, zstd_frames
from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    SAID,
    Builder,
    Case,
    Verdict,
    case,
    file_of,
    folder_of,
    tar_of,
)
from tests.hostile.documents import inserted, with_encoder
from tests.hostile.graphs import chain
from tests.hostile.images import (
    FIRST_TAR,
    GOOD,
    LAYER_TYPE,
    Fields,
    Files,
    Layer,
    changed,
    docker_archive,
    encode,
    index_of,
    layout,
    named,
    put_image,
)
from tests.hostile.tar_headers import around

MIB = 1 << 20
# The digest of 256 MiB of zeros.
ZEROS = "sha256:a6d72ac7690f53be6ae46ba88506bd97302a093f7108472bd9efc3cefda06484"


def heavy(
    name: str,
    threat: str,
    build: Builder,
    verdict: Verdict = REJECT,
    *,
    verbs: tuple[str, ...] = ("ls", "oci"),
    compression: str = "none",
    memory: int = 100,
    seconds: int = 20,
) -> Case:
    return case(
        name, threat, build, verdict, verbs=verbs, compression=compression,
        memory=memory, seconds=seconds, real_process=True,
    )  # fmt: skip


def claimed(kind: bytes, size: int, folder: Path) -> Path:
    """An extension header of very many bytes, which are a hole in the file."""
    path = folder / "image.tar"
    with path.open("wb") as out:
        out.write(tars.header("pax", size, kind=kind))
        out.seek(size, 1)
        out.write(around(tars.member("stray")))
    return path


def headers() -> Iterator[Case]:
    threat = "an extension header as large as memory"
    for name, kind in {"pax": b"x", "global": b"g", "name": b"L", "link": b"K"}.items():
        build = partial(claimed, kind, 256 * MIB)
        yield heavy(f"tar-{name}-of-256-mib", threat, build, verbs=("ls",))
    yield heavy("tar-pax-of-2-mib", threat, partial(claimed, b"x", 2 * MIB), verbs=("ls",))
    threat = "very many members, or names"
    yield heavy("tar-100000-members", threat, file_of(many_members), EITHER, verbs=("oci",))
    yield heavy("tar-120-names-of-1-mib", threat, file_of(large_names), EITHER, verbs=("ls",))
    yield heavy("tar-120-links-of-1-mib", threat, file_of(large_links), EITHER, verbs=("ls",))
    threat = "a document that is read without a limit"
    # An archive that has another half can do without a manifest.json, if it says so.
    for name, verdict in {"manifest.json": SAID, "index.json": REJECT}.items():
        build = partial(large_document, name, layout())
        yield heavy(f"tar-{name}-of-64-mib", threat, build, verdict, verbs=("ls",))
    build = partial(large_document, "manifest.json", docker_archive())
    yield heavy("docker-manifest-of-64-mib", threat, build, verbs=("ls",))
    spaces = changed("0.x", " " * 3_000_000)
    spaced = tar_of(partial(docker_archive, manifest=spaces))
    yield heavy("docker-manifest-of-3-mib", threat, spaced, EITHER)


def many_members() -> bytes:
    return around(b"".join(tars.member(f"m/{number}") for number in range(100_000)))


def large_names() -> bytes:
    """Names that are each within the limit of an extension header, but not all together."""
    names = (tars.long_name(f"{number}" + "n" * (MIB - 600)) for number in range(120))
    return around(b"".join(name + tars.member("stray") for name in names))


def large_links() -> bytes:
    target = tars.long_name("n" * (MIB - 600), kind=b"K")
    return around(b"".join(target + tars.link(f"l/{number}", "x") for number in range(120)))


def large_document(name: str, files: Files, folder: Path) -> Path:
    path = folder / "image.tar"
    others = ((other, raw) for other, raw in files.items() if other != name)
    with path.open("wb") as out:
        out.write(tars.header(name, 64 * MIB))
        out.seek(64 * MIB, 1)
        out.write(tars.tar(others))
    return path


# Four MiB of text at most, which a parser turns into many times as much.
TEXTS = {
    "objects": b'"x":[' + b'{"":0},' * 590_000 + b"0]",
    "lists": b'"x":[' + b"[]," * 1_390_000 + b"0]",
    "keys": b'"x":{' + b",".join(b'"%x":0' % number for number in range(400_000)) + b"}",
}


def parsed() -> Iterator[Case]:
    threat = "a small document that is large once it is parsed"
    for name, text in TEXTS.items():
        for document in ("index", "manifest", "config"):
            build = with_encoder(document, inserted(text))
            verbs = ("inspect",)
            yield heavy(f"{document}-of-many-{name}", threat, build, EITHER, verbs=verbs)


def many_layers(count: int) -> Files:
    def widen(fields: Fields) -> bytes:
        return encode({**fields, "layers": fields["layers"][:1] * count})

    def widen_config(fields: Fields) -> bytes:
        rootfs = {"type": "layers", "diff_ids": [GOOD[0].diff_id] * count}
        return encode({**fields, "rootfs": rootfs, "history": []})

    return layout(manifest=widen, config=widen_config)


def many_entries(count: int) -> Files:
    """An index of very many names for one image."""
    files = layout()
    image = put_image(files)
    entries = (named(image, f"registry.example/app:v{number}") for number in range(count))
    files["index.json"] = encode(index_of(*entries))
    return files


def many_annotations(count: int) -> Files:
    notes = {f"example.note.{number}": "x" for number in range(count)}
    return layout(manifest=changed("annotations", notes))


def many_docker_images(count: int) -> Files:
    def repeat(entries: list[Fields]) -> bytes:
        tags = (f"registry.example/app:v{number}" for number in range(count))
        return encode([{**entries[0], "RepoTags": [tag]} for tag in tags])

    return docker_archive(manifest=repeat)


def counts() -> Iterator[Case]:
    threat = "huge counts"
    layers = folder_of(partial(many_layers, 10_000))
    yield heavy("10000-layers", threat, layers, EITHER, verbs=("oci",))
    entries = folder_of(partial(many_entries, 4_000))
    yield heavy("4000-names", threat, entries, EITHER, verbs=("docker-archive",))
    notes = folder_of(partial(many_annotations, 50_000))
    yield heavy("50000-annotations", threat, notes, EITHER, verbs=("inspect", "oci"))
    images = tar_of(partial(many_docker_images, 3_000))
    yield heavy("3000-docker-images", threat, images, EITHER, verbs=("oci",))
    yield heavy("120-layers", threat, folder_of(partial(many_layers, 120)), ACCEPT)
    threat = "a walk that takes exponential time"
    verbs = ("ls", "inspect", "oci", "docker-archive")
    for name, width, depth in (("10^12", 10, 12), ("2^30", 2, 30)):
        build = folder_of(partial(chain, depth, width))
        yield heavy(f"{name}-paths", threat, build, EITHER, verbs=verbs, seconds=5)


def bombs() -> Iterator[Case]:
    """256 MiB of zeros out of a few kilobytes."""
    threat = "a stream that grows out of all proportion"
    zstd = Layer(zstd_bomb(20), ZEROS, LAYER_TYPE + "+zstd")
    many = Layer(gzip_bomb(), ZEROS, LAYER_TYPE + "+gzip")
    for layer, way in ((zstd, "gzip"), (many, "zstd")):
        kind = layer.media_type.rpartition("+")[2]
        in_layout = folder_of(partial(layout, (layer, GOOD[1])))
        yield heavy(
            f"layout-bomb-{kind}", threat, in_layout, EITHER,
            verbs=("recode", "docker-archive"), compression=way,
        )  # fmt: skip
        in_docker = tar_of(partial(docker_archive, (layer, GOOD[1])))
        yield heavy(f"docker-bomb-{kind}", threat, in_docker, EITHER, verbs=("oci",))
    window = Layer(zstd_bomb(27), ZEROS, LAYER_TYPE + "+zstd")
    build = folder_of(partial(layout, (window, GOOD[1])))
    # The window comes on top of what is promised.
    yield heavy(
        "layout-window-128-mib", threat, build, EITHER, verbs=("recode",), memory=230,
        compression="gzip",
    )  # fmt: skip
    yield heavy("outer-gzip-bomb", threat, file_of(gzip_bomb), verbs=("ls",))
    wide = file_of(lambda: zstd_frames.frame(zstd_frames.zero_blocks(2), window_log=29))
    yield heavy("outer-zstd-window-512-mib", threat, wide, verbs=("ls",))


def streams() -> Iterator[Case]:
    threat = "a stream that is mostly headers"
    good = GOOD[0]
    head, rest = good.blob[:10], good.blob[10:]
    blobs = {
        "gzip-name-of-32-mib": head[:3] + b"\x08" + head[4:] + b"n" * (32 * MIB) + b"\0" + rest,
        "gzip-100000-empty-members": gzip.compress(b"", mtime=0) * 100_000 + good.blob,
        "zstd-100000-skippable-frames": zstd_frames.skippable(b"") * 100_000
        + zstd_frames.raw_frame(FIRST_TAR),
    }
    for name, blob in blobs.items():
        layer = Layer(blob, good.diff_id, f"{LAYER_TYPE}+{name[:4]}")
        build = folder_of(partial(layout, (layer, GOOD[1])))
        yield heavy(f"layout-{name}", threat, build, EITHER, verbs=("recode",), seconds=10)


def zstd_bomb(window_log: int) -> bytes:
    return zstd_frames.frame(zstd_frames.zero_blocks(2048), window_log=window_log)


def gzip_bomb() -> bytes:
    return gzip.compress(bytes(MIB), mtime=0) * 256


def cases() -> Iterator[Case]:
    yield from headers()
    yield from parsed()
    yield from counts()
    yield from bombs()
    yield from streams()
