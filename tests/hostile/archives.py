"""Archives whose members are links, twice there or elsewhere, and files that are no archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import zipfile
from collections.abc import Callable, Iterator
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
    case,
    file_of,
    tar_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    SECOND_TAR,
    Files,
    docker_archive,
    hybrid,
    layout,
    plain_layer,
)

PLAIN = (plain_layer(FIRST_TAR), plain_layer(SECOND_TAR))


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


def flood(start: bytes) -> bytes:
    """A few MiB that decompress to 4 GiB, of which the first bytes tell that it is no archive."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=9, mtime=0) as packed:
        packed.write(start)
    return out.getvalue() + gzip.compress(bytes(1 << 24), 9, mtime=0) * 256


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
    "gzip-twice": lambda: gzip.compress(gzip.compress(tars.tar([("a", b"b")]))),
    "page-and-a-flood": lambda: flood(b"<html>"),
    "zip-and-a-flood": lambda: flood(b"PK\x03\x04"),
    "open-brackets": lambda: b"[" * 100_000,
    "comments": lambda: b"<!---->" * 100_000,
    "checksums": lambda: (b"a" * 32 + b"  ") * 100_000,
    "utf-16": lambda: "manifest.json".encode("utf-16") * 1000,
    "disc": lambda: bytes(32769) + b"CD001" + bytes(100_000),
    "tar-of-tars": lambda: tars.tar((f"{n}.tar", tars.tar([("a", b"b")])) for n in range(2000)),
    "tar-of-names": lambda: tars.tar((f"{n}/etc/.wh{n}", b"") for n in range(30_000)),
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
    duplicates, linked_members, orders,
    compressed, not_archives,
)  # fmt: skip


def cases() -> Iterator[Case]:
    for part in PARTS:
        yield from part()
