"""Tar headers that lie about sizes, names and kinds, and tars that end too early."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile import tars
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
    outside,
)
from tests.hostile.images import (
    FIRST_TAR,
    SECOND_TAR,
    changed,
    docker_archive,
    encode,
    layout,
    plain_layer,
)

MIB = 1 << 20


def around(before: bytes, after: bytes = tars.END) -> bytes:
    """The members of a good layout, between others."""
    return before + tars.tar(layout().items()).removesuffix(tars.END) + after


def in_front(before: bytes) -> Builder:
    return file_of(lambda: around(before))


def index_member(extension: bytes, **fields: Any) -> Builder:
    """A layout whose index.json has the given extension headers and fields."""

    def content() -> bytes:
        files = layout()
        index = files.pop("index.json")
        own = tars.header("index.json", len(index), **fields) + tars.padded(index)
        return extension + own + tars.tar(files.items())

    return file_of(content)


def whole() -> bytes:
    return around(b"")


def offset_of(name: bytes) -> int:
    """Where the header of a member begins."""
    return next(at for at in range(0, len(whole()), 512) if whole()[at:].startswith(name))


def bad_checksum() -> bytes:
    content = bytearray(whole())
    content[offset_of(b"index.json") + 148] ^= 1
    return bytes(content)


def zero_block_inside() -> bytes:
    at = offset_of(b"index.json")
    return whole()[:at] + bytes(512) + whole()[at:]


def end_inside() -> bytes:
    at = offset_of(b"index.json")
    return whole()[:at] + bytes(1024) + whole()[at:]


ENDS: dict[str, tuple[Callable[[], bytes], Verdict]] = {
    "cut-at-a-header": (lambda: whole()[: offset_of(b"index.json")], REJECT),
    "cut-in-a-header": (lambda: whole()[: offset_of(b"index.json") + 100], REJECT),
    "cut-in-content": (lambda: whole()[: offset_of(b"index.json") + 600], REJECT),
    "bad-checksum": (bad_checksum, REJECT),
    "zero-block-inside": (zero_block_inside, REJECT),
    "end-inside": (end_inside, REJECT),
    "no-end": (lambda: around(b"", b""), SAID),
    "one-zero-block-at-end": (lambda: around(b"", bytes(512)), EITHER),
    "long-padding": (lambda: around(b"", bytes(20480)), ACCEPT),
    "garbage-after-end": (lambda: around(b"", tars.END + b"garbage" * 300), SAID),
    "second-tar-after-end": (lambda: around(b"", tars.END + whole()), SAID),
    "noise-in-front": (lambda: around(b"x" * 512), REJECT),
}


def ends() -> Iterator[Case]:
    threat = "a damaged or cut tar read as a shorter one"
    for name, (content, verdict) in ENDS.items():
        yield case(f"tar-{name}", threat, file_of(content), verdict)


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
    long = tars.long_name("x/" * 200) + tars.member("stray", b"y")
    yield case("tar-stray-long-name", threat, in_front(long), ACCEPT)
    note = tars.pax({"comment": "c" * (512 << 10)}) + tars.member("stray")
    yield case("tar-pax-of-512-kib", threat, in_front(note), ACCEPT)
    yield case("tar-global-comment", threat, in_front(tars.pax({"comment": "5"}, b"g")), ACCEPT)
    yield case("docker-long-names", threat, file_of(long_names), ACCEPT)
    for way in ("base-256", "pax"):
        yield case(f"tar-9-gib-{way}", threat, partial(nine_gib, way), ACCEPT)


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


def claimed(kind: bytes, size: int, folder: Path) -> Path:
    """An extension header of very many bytes, which are a hole in the file."""
    path = folder / "image.tar"
    with path.open("wb") as out:
        out.write(tars.header("pax", size, kind=kind))
        out.seek(size, 1)
        out.write(tars.member("stray") + whole())
    return path


def memory() -> Iterator[Case]:
    threat = "an extension header as large as memory"
    for name, kind in {"pax": b"x", "global": b"g", "name": b"L", "link": b"K"}.items():
        for mib in (2, 256):
            build = partial(claimed, kind, mib * MIB)
            yield case(f"tar-{name}-of-{mib}-mib", threat, build, memory=100)
    chain = in_front(tars.pax({"comment": "x"}) * 5000 + tars.member("stray"))
    yield case("tar-5000-pax-headers-in-a-row", threat, chain, EITHER)
    many = file_of(lambda: around(b"".join(tars.member(f"m/{n}") for n in range(100_000))))
    yield case("tar-100000-members", threat, many, EITHER)
    yield case("tar-150-names-of-1-mib", threat, file_of(large_names), EITHER)
    for name in ("manifest.json", "index.json"):
        yield case(f"tar-{name}-of-64-mib", threat, partial(large_document, name), memory=100)


def large_names() -> bytes:
    """Names that are each within the limit of an extension header, but not all together."""
    names = (tars.long_name(f"{number}" + "n" * (MIB - 600)) for number in range(150))
    return around(b"".join(name + tars.member("stray") for name in names))


def large_document(name: str, folder: Path) -> Path:
    files = layout()
    files.pop(name, None)
    path = folder / "image.tar"
    with path.open("wb") as out:
        out.write(tars.header(name, 64 * MIB))
        out.seek(64 * MIB, 1)
        out.write(tars.tar(files.items()))
    return path


def sparse() -> Iterator[Case]:
    threat = "a sparse member: terabytes from one block"
    old = index_member(b"", kind=b"S")
    yield case("tar-old-sparse", threat, old)
    yield case("tar-old-sparse-stray", threat, in_front(tars.header("stray", kind=b"S")), EITHER)
    major = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 42)}
    yield case("tar-pax-sparse", threat, index_member(tars.pax(major)))
    first = {"GNU.sparse.size": str(1 << 42), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1"}
    yield case("tar-pax-sparse-0.1", threat, index_member(tars.pax(first)))
    stray = in_front(tars.pax(major) + tars.member("stray"))
    yield case("tar-pax-sparse-stray", threat, stray, EITHER)


PAX_VALUES: dict[str, bytes] = {
    "mtime-nan": tars.pax({"mtime": "nan"}),
    "mtime-1e300": tars.pax({"mtime": "1e300"}),
    "path-with-nul": tars.pax({"path": "a\0b"}),
    "path-empty": tars.pax({"path": ""}),
    "path-not-utf-8": tars.pax({"path": b"\xff\xfe"}),
    "path-escape": tars.pax({"path": "\x1b[2J"}),
    "path-parent": tars.pax({"path": "../../outside/planted"}),
    "uid-huge": tars.pax({"uid": "9" * 400}),
    "charset": tars.pax({"hdrcharset": "BINARY", "path": b"\xff"}),
    "linkpath": tars.pax({"linkpath": "/etc/passwd"}),
}


def values() -> Iterator[Case]:
    threat = "values of an extension header that are no such thing"
    for name, extension in PAX_VALUES.items():
        build = in_front(extension + tars.member("stray", b"x"))
        yield case(f"tar-pax-{name}", threat, build, EITHER)
    shadow = in_front(tars.pax({"path": "index.json"}, b"g"))
    yield case("tar-global-path", threat, shadow, SAID)
    yield case("tar-global-size", threat, in_front(tars.pax({"size": "0"}, b"g")), SAID)
    for raw in (b"\xff\xfe", b"\x1b[2J", b"", b"a\nb"):
        build = in_front(tars.member(raw, b"x"))
        yield case(f"tar-member-named-{raw.hex() or 'nothing'}", threat, build, EITHER)
    yield case("tar-listed-name-escapes", threat, listed_escape(), REJECT)
    yield case("tar-link-to-canary", threat, canary_link, EITHER)


def listed_escape() -> Builder:
    files = partial(docker_archive, manifest=changed("0.Layers.0", "\x1b]0;x\x07\u202e"))
    return file_of(lambda: tars.tar(files().items()))


def canary_link(folder: Path) -> Path:
    """A layout in a tar with a stray link to a file that is really there."""
    path = folder / "image.tar"
    target = str(outside(folder) / "secret")[-100:]
    path.write_bytes(around(tars.link("blobs/sha256/link", target)))
    return path


PARTS: tuple[Callable[[], Iterator[Case]], ...] = (
    ends, sizes, legal_sizes, no_files, memory, sparse, values,
)  # fmt: skip


def cases() -> Iterator[Case]:
    for part in PARTS:
        yield from part()
