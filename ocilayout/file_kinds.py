"""What a file is that is no tar: by its first bytes, whatever its name and size say.

Only a bounded head is looked at, and only where a file was not recognized.
"""

import os
import shlex
from typing import NamedTuple

from ocilayout.errors import InvalidArchive, NotAnImage, OciLayoutError
from ocilayout.magic import codec_name
from ocilayout.magic_numbers import MAGICS, Magic
from ocilayout.text_kinds import text_kind

HEAD = 68 * 1024
"""Bytes of a head: the superblock of btrfs stands at 64 KiB."""
_HEADER = 512
"""Bytes of the shortest thing that is a tar."""


class FileKind(NamedTuple):
    """What a file is."""

    name: str
    """As it stands behind `is`."""
    advice: str
    """What to do, where `{file}`, `{tar}` and `{directory}` are to be put in."""


def kind_of(head: bytes) -> FileKind | None:
    """What a file is that begins with `head`, of up to HEAD bytes; None where nobody knows."""
    row = text_kind(head)
    for magic in MAGICS:
        # A text may begin with the two letters that mark a program of Windows.
        is_clear = row is None or len(magic.content) > 4
        if is_clear and head.startswith(magic.content, magic.offset):
            return FileKind(magic.name + _first_name(magic, head), magic.advice)
    return None if row is None else FileKind(*row)


def _first_name(magic: Magic, head: bytes) -> str:
    """What a zip archive holds first, as far as that can be shown (APPNOTE.TXT, 4.3.7)."""
    if magic.content != b"PK\x03\x04":
        return ""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")].decode("utf-8", "replace")
    return f" with {name!r} in it" if name.isprintable() and 0 < len(name) <= 100 else ""


def refusal(head: bytes, label: str, path: str | None, codec: str = "none") -> OciLayoutError:
    """The error for a file, or for what is compressed in it with `codec`, that is no tar.

    `head` is its beginning, all of it where that is shorter than HEAD; `path` is None where it
    is no file, as of standard input.
    """
    inside = "" if codec == "none" else f", compressed with {codec}"
    if not head:
        return _nothing(label, path, codec)
    inner = codec_name(head)
    if inner != "none" and codec != "none":
        return _compressed_twice(label, path, codec, inner)
    kind = kind_of(head)
    if kind is not None:
        return NotAnImage(f"{label} is {kind.name}{inside}", _advice(kind, path, codec))
    if not any(head):
        return InvalidArchive(
            f"{label} is nothing but zeros at its start{inside}, as a copy or a download that was "
            "cut off is",
            "copy it again",
        )
    if len(head) < _HEADER:
        return InvalidArchive(
            f"{label} is too short for a tar: {len(head)} bytes{inside}", "copy it again"
        )
    return NotAnImage(
        f"{label} is no tar{inside}, and of no kind that is known here",
        "name what docker save, podman save or buildx wrote",
    )


def _nothing(label: str, path: str | None, codec: str) -> InvalidArchive:
    if codec != "none":
        return InvalidArchive(f"{label} holds nothing, compressed with {codec}", "write it again")
    if path is None:
        return InvalidArchive(f"{label} is empty", "see what the program before the pipe says")
    return InvalidArchive(f"{label} is empty", "copy it again")


def _compressed_twice(label: str, path: str | None, outer: str, inner: str) -> NotAnImage:
    both = f"with {outer}" if outer == inner else f"with {inner}, and then with {outer}"
    command = f"{decompressor(outer)} {shown(path)} > {plain_name(path)}"
    return NotAnImage(f"{label} is compressed twice, {both}", f"{command}, and name that")


def _advice(kind: FileKind, path: str | None, codec: str) -> str:
    file, first = shown(path), ""
    if codec != "none" and "{file}" in kind.advice:
        first = f"{decompressor(codec)} {file} > FILE, then "
        file = "FILE"
    directory = "." if path is None else os.path.dirname(path) or "."
    return first + kind.advice.format(file=file, tar=plain_name(path), directory=shown(directory))


def decompressor(codec: str) -> str:
    """The command that decompresses a file to its output."""
    return f"{codec} -dc"


def shown(path: str | None) -> str:
    """A path as a shell takes it; FILE where there is none that could be typed."""
    if path is None or not path.isprintable():
        return "FILE"
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def plain_name(path: str | None) -> str:
    """A name for the tar in a file, never the file's own."""
    stem, suffix = os.path.splitext(path or "app")
    if suffix in {".tar", ".tgz", ".tzst", ".txz", ".tbz", ".tbz2"}:
        return shown(f"{stem}.plain.tar")
    return shown(stem if stem.endswith(".tar") else f"{stem}.tar")
