"""An archive written anew with a few members changed, and all the rest copied by the kernel.

What stands between two changed members is one range of bytes, whatever is in it, so that a file
system that can share blocks gets runs that are as long as can be.
"""

import errno
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from ocilayout.streams import FileSlice, FileWriter, copy_stream
from ocilayout.tar_blocks import BLOCK, FileBlocks
from ocilayout.tar_encoding import REGULAR, encode_header
from ocilayout.tar_file import clean_name
from ocilayout.tar_headers import Header, read_headers
from ocilayout.tar_writer import TarWriter

_RUN = 1 << 30
"""Bytes for one call of the kernel, between which a signal is heard."""
_PAGE = 4096
"""The block of file systems that share blocks."""
_NOT_BY_THE_KERNEL = {
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EBADF,
}


@dataclass(frozen=True)
class TarChanges:
    """What becomes of the members of an archive; those that it does not name stay as they are."""

    contents: Mapping[str, bytes] = field(default_factory=dict)
    """New contents by name: in the place of a member, or behind all others."""
    dropped: Collection[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.contents or self.dropped)


def rewrite_tar(descriptor: int, label: str, out: FileWriter, changes: TarChanges) -> None:
    """Write the archive behind `descriptor` to `out`, with `changes`; raises InvalidArchive.

    A member with new content keeps its place, mode, owner and time.
    """
    size = os.fstat(descriptor).st_size
    added = dict(changes.contents)
    copied = end = 0
    for header, start, end in _spans(descriptor, label):
        name = clean_name(header.name, header.where)
        if name in changes.dropped:
            content: bytes | None = None
        elif name in changes.contents:
            content = added.pop(name)
        else:
            continue
        _copy_range(descriptor, copied, start, out)
        if content is not None:
            out.write(_member(header, content))
        copied = end
    if copied < end:
        _copy_range(descriptor, copied, min(end, size), out)
        # Where the last member has no padding, it gets it: another may follow.
        out.write(bytes(max(end - size, 0)))
    writer = TarWriter(out)
    for name, content in added.items():
        writer.add_bytes(name, content)
    _copy_range(descriptor, end, size, out)
    if size <= end:
        writer.finish()


def _spans(descriptor: int, label: str) -> Iterator[tuple[Header, int, int]]:
    """Each member, and where it begins, with its extension headers, and ends."""
    start = 0
    for header in read_headers(FileBlocks(descriptor, label)):
        yield header, start, header.end
        start = header.end


def _member(header: Header, content: bytes) -> bytes:
    head = encode_header(header.name, REGULAR, header.attributes(), size=len(content))
    return head + content + bytes(-len(content) % BLOCK)


def _copy_range(descriptor: int, start: int, end: int, out: FileWriter) -> None:
    """Copy the bytes from `start` to `end` to where `out` stands; it may take no buffer of ours."""
    position = start
    while position < end:
        count = _copied(descriptor, position, _run(position, end, out), out)
        if not count:
            rest = FileSlice(descriptor, position, end - position, out.label)
            copy_stream(cast(BinaryIO, rest), out)
            return
        position += count


def _run(position: int, end: int, out: FileWriter) -> int:
    """Up to the next page, where from there on old and new file are blocks apart."""
    there = os.lseek(out.fileno(), 0, os.SEEK_CUR)
    if position % _PAGE and (there - position) % _PAGE == 0:
        return min(_PAGE - position % _PAGE, end - position)
    return min(_RUN, end - position)


def _copied(descriptor: int, position: int, count: int, out: FileWriter) -> int:
    """How many bytes the kernel copied; 0 where it does not do that here."""
    try:
        return os.copy_file_range(descriptor, out.fileno(), count, offset_src=position)
    except OSError as error:
        if error.errno in _NOT_BY_THE_KERNEL:
            return 0
        error.filename = out.label
        raise
