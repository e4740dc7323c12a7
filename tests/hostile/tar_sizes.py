"""Sizes of tar members: negative, in extension headers, beyond eight gibibytes, on no files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.hostile import tars
from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    SAID,
    Builder,
    Case,
    case,
    file_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    SECOND_TAR,
    docker_archive,
    encode,
    layout,
    plain_layer,
)
from tests.hostile.tar_headers import in_front, index_member, whole


def sized(size_field: bytes) -> Builder:
    return in_front(tars.header("stray", size_field=size_field))


SIZES: dict[str, bytes] = {
    "negative-base-256": tars.base256(-1),
    "negative-512": tars.base256(-512),
    "negative-octal": b"-0000000001\0",
    "not-a-number": b"abcdefghijk\0",
    "digit-8": b"00000000008\0",
    "beyond-the-end": tars.base256(1 << 40),
    "huge": b"\xbf" + b"\xff" * 11,
    "8-gib-octal": b"77777777777\0",
}


def sizes() -> Iterator[Case]:
    threat = "a size that is negative, or no number: an endless loop"
    for name, field in SIZES.items():
        yield case(f"tar-size-{name}", threat, sized(field), seconds=5)
    for value in ("-1", "-512", "x", "", "1e3", "0x10", "१", "9" * 5000, " 5", "+5", "1_0"):
        shown = f"{value[:5]}-{len(value)}"
        build = in_front(tars.pax({"size": value}) + tars.header("stray"))
        yield case(f"tar-pax-size-{shown}", threat, build, seconds=5)
    for name, raw in {
        "zero-length": b"0 a=b\n",
        "short-length": b"3 a=b\n",
        "negative-length": b"-6 a=b\n",
        "length-beyond": b"99 a=b\n",
        "no-length": b"a=b\n",
        "no-newline": b"6 a=bc",
        "no-equals": b"6 abc\n",
        "huge-length": b"9" * 5000 + b" a=b\n",
    }.items():
        build = in_front(tars.member("pax", raw, kind=b"x") + tars.member("stray"))
        yield case(f"tar-pax-record-{name}", threat, build, seconds=5)


def legal_sizes() -> Iterator[Case]:
    threat = "sizes in extension headers, which only hold for the next file"
    size = len(layout()["index.json"])
    pax = tars.pax({"size": str(size)})
    yield case("tar-pax-size", threat, index_member(pax), ACCEPT)
    zero = index_member(pax, size_field=b"%011o\0" % 0)
    yield case("tar-pax-size-over-zero", threat, zero, ACCEPT)
    yield case("tar-base-256", threat, index_member(b"", size_field=tars.base256(size)), ACCEPT)
    spaced = index_member(b"", size_field=b"%11o " % size)
    yield case("tar-size-with-spaces", threat, spaced, ACCEPT)
    yield case("tar-old-gnu-magic", threat, index_member(b"", magic=b"ustar  \0"), ACCEPT)
    yield case("tar-without-magic", threat, index_member(b"", magic=bytes(8)), ACCEPT)
    yield case("tar-kind-nul", threat, index_member(b"", kind=b"\0"), ACCEPT)
    yield case("tar-pax-path", threat, renamed(tars.pax({"path": "index.json"})), ACCEPT)
    yield case("tar-long-name", threat, renamed(tars.long_name("index.json")), ACCEPT)
    stray = tars.pax({"size": "1024"}) + tars.long_name("n" * 300) + tars.header("stray", 1024)
    yield case("tar-pax-size-then-long-name", threat, in_front(stray + bytes(1024)), EITHER)
    long = tars.long_name("x/" * 200 + "x") + tars.member("stray", b"y")
    yield case("tar-stray-long-name", threat, in_front(long), ACCEPT)
    note = tars.pax({"comment": "c" * (512 << 10)}) + tars.member("stray")
    yield case("tar-pax-of-512-kib", threat, in_front(note), ACCEPT)
    yield case("tar-global-comment", threat, in_front(tars.pax({"comment": "5"}, b"g")), ACCEPT)
    chain = in_front(tars.pax({"comment": "x"}) * 5000 + tars.member("stray"))
    yield case("tar-5000-pax-headers-in-a-row", threat, chain, EITHER)
    yield case("docker-long-names", threat, file_of(long_names), ACCEPT)
    for way in ("base-256", "pax"):
        build = partial(nine_gib, way)
        yield case(f"tar-9-gib-{way}", threat, build, ACCEPT, verbs=("ls", "oci", "docker-archive"))


def renamed(extension: bytes) -> Builder:
    """A layout whose index.json has another name in its own header."""

    def content() -> bytes:
        files = layout()
        own = tars.member("something-else", files.pop("index.json"))
        return extension + own + tars.tar(files.items())

    return file_of(content)


def long_names() -> bytes:
    """A Docker archive whose layers are deeper than a header's name field, in both dialects."""
    layers = (plain_layer(FIRST_TAR), plain_layer(SECOND_TAR))
    paths = {f"{'d' * 60}/{number}/{'e' * 60}/layer.tar": number for number in range(2)}

    def name_them(entries: list[dict[str, object]]) -> bytes:
        return encode([{**entries[0], "Layers": list(paths)}])

    files = docker_archive(layers, manifest=name_them)
    config = next(iter(files))
    members = b""
    for path, number in paths.items():
        extension = tars.pax({"path": path}) if number else tars.long_name(path)
        members += extension + tars.member("short", layers[number].blob)
    rest = [(name, files[name]) for name in (config, "manifest.json")]
    return members + tars.tar(rest)


def nine_gib(way: str, folder: Path) -> Path:
    """A layout behind a stray member of 9 GiB, which is a hole in the file."""
    size = 9 << 30
    first = tars.header("stray", size_field=tars.base256(size))
    if way == "pax":
        first = tars.pax({"size": str(size)}) + tars.header("stray")
    path = folder / "image.tar"
    with path.open("wb") as out:
        out.write(first)
        out.seek(size, 1)
        out.write(whole())
    return path


def no_files() -> Iterator[Case]:
    threat = "a size on what has no content"
    kinds = {"hard-link": b"1", "symlink": b"2", "character": b"3", "folder": b"5", "fifo": b"6"}
    for name, kind in kinds.items():
        hidden = tars.member("hidden", b"inside")
        first = tars.header("stray", len(hidden), kind=kind, link="oci-layout")
        yield case(f"tar-{name}-with-size", threat, in_front(first + hidden), SAID)


def cases() -> Iterator[Case]:
    yield from sizes()
    yield from legal_sizes()
    yield from no_files()
