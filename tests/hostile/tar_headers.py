"""Tar headers that lie about sizes, names and kinds, and tars that end too early."""

from __future__ import annotations

import itertools
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
    changed,
    docker_archive,
    layout,
)


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
    "cut-at-a-header": (lambda: whole()[: offset_of(b"index.json")], SAID),
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


def sparse() -> Iterator[Case]:
    threat = "a sparse member: terabytes from one block"
    old = index_member(b"", kind=b"S")
    yield case("tar-old-sparse", threat, old)
    yield case("tar-old-sparse-stray", threat, in_front(tars.header("stray", kind=b"S")), EITHER)
    major = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 42)}
    yield case("tar-pax-sparse", threat, index_member(tars.pax(major)))
    first = {"GNU.sparse.size": str(1 << 42), "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,1"}
    yield case("tar-pax-sparse-0.1", threat, index_member(tars.pax(first)))
    yield case("tar-pax-sparse-honest", "sparse, and right", file_of(sparse_layout), ACCEPT)
    stray = in_front(tars.pax(major) + tars.member("stray"))
    yield case("tar-pax-sparse-stray", threat, stray, EITHER)


def sparse_layout() -> bytes:
    """A layout all of whose files are sparse members, in each of the formats in turn."""
    versions = itertools.cycle(["0.0", "0.1", "1.0"])
    members = (
        tars.sparse(version, name, len(raw), [(0, raw[:10]), (10, raw[10:])])
        for version, (name, raw) in zip(versions, layout().items(), strict=False)
    )
    return b"".join(members) + tars.END


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
    ends, sparse, values,
)  # fmt: skip


def cases() -> Iterator[Case]:
    for part in PARTS:
        yield from part()
