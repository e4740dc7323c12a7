"""Image archives: opened by member name and never extracted."""

import os
from collections.abc import Callable, Iterator, KeysView
from typing import BinaryIO, NamedTuple, cast

from ocilayout.errors import BlobNotFound, DanglingLink, InvalidArchive
from ocilayout.streams import FileSlice, read_full
from ocilayout.tar_blocks import BLOCK, FileBlocks
from ocilayout.tar_end import is_header
from ocilayout.tar_headers import Header, Kind, read_headers
from ocilayout.tar_sparse import SparseMap, SparseReader

MAX_NAMES = 32 * 1024 * 1024
"""Bytes of all names, link targets and sparse maps of one archive."""
MAX_MEMBERS = 200_000
"""Members of one archive; the largest image archives have some thousands."""
MAX_LINKS = 8
"""Links in a row; docker 20.10 writes one."""


class Member(NamedTuple):
    """One member of an archive; `name` has no `./` in front and no slash behind."""

    name: str
    kind: Kind
    size: int
    """Bytes of its content."""
    offset: int
    """Bytes from the start of the archive to what is stored of the content."""
    stored: int
    """Bytes that are stored of the content."""
    sparse: SparseMap | None
    target: str
    """Where a link leads, as written."""


OnTwice = Callable[[str, str], None]
"""Told the label of an archive and the name of a member that it has twice."""


def refuse_twice(label: str, name: str) -> None:
    """Raises InvalidArchive."""
    raise InvalidArchive(f"{label} has {name!r} twice: tools differ in which one they take")


def require_tar(
    head: bytes, rest: BinaryIO, label: str, path: str | None, codec: str = "none"
) -> None:
    """Raises NotAnImage or InvalidArchive, saying what it is, where no tar begins with `head`.

    `head` has the first block, as far as there is one, and `rest` follows it; both were
    decompressed from `codec`. `path` is what could be typed, None where it is no file.
    """
    # Magic and checksum of POSIX.1-1988: a header with the magic may be damaged, but is one.
    if head[257:262] == b"ustar" or (len(head) == BLOCK and any(head) and is_header(head)):
        return
    # Most files are tars, and start-up counts.
    from ocilayout.file_kinds import HEAD, refusal

    more = memoryview(bytearray(HEAD - len(head)))
    count = read_full(rest, more)
    raise refusal(head + bytes(more[:count]), label, path, codec)


class TarFile:
    """An archive on disk, opened by member name, from several threads if need be."""

    is_folder = False

    def __init__(self, file: BinaryIO, label: str, on_twice: OnTwice = refuse_twice) -> None:
        """Reads all headers; raises InvalidArchive. `file` stays its owner's to close.

        Where `on_twice` does not raise, the last member of a name is the one that is read.
        """
        self.label = label
        self._descriptor = file.fileno()
        self._members: dict[str, Member] = {}
        self.repeated: list[str] = []
        held = 0
        for header in read_headers(FileBlocks(self._descriptor, label)):
            member = _member(header)
            held += len(member.name) + len(member.target)
            held += member.sparse.held if member.sparse else 0
            if held > MAX_NAMES:
                raise InvalidArchive(
                    f"{label} has more than {MAX_NAMES} bytes of names and sparse maps"
                )
            if not member.name:
                continue
            known = self._members.get(member.name)
            if known is not None and not known.kind == member.kind == "directory":
                on_twice(label, member.name)
                self.repeated.append(member.name)
            self._members[member.name] = member
            if len(self._members) > MAX_MEMBERS:
                raise InvalidArchive(f"{label} has more than {MAX_MEMBERS} members")

    def names(self) -> KeysView[str]:
        """The names of all members, in the order of the archive."""
        return self._members.keys()

    def walk(self) -> Iterator[tuple[str, str]]:
        """The names of all members, and what each is, in the order of the archive."""
        for name, member in self._members.items():
            yield name, member.kind

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        """The size in bytes of the file `name`, through links within the archive."""
        return self._resolve(name).size

    def open(self, name: str) -> BinaryIO:
        """The content of the file `name`, through links within the archive.

        Raises BlobNotFound, or InvalidArchive where `name` is no regular file.
        """
        member = self._resolve(name)
        label = f"{self.label}: {name}"
        stored = cast(BinaryIO, FileSlice(self._descriptor, member.offset, member.stored, label))
        return cast(BinaryIO, SparseReader(stored, member.sparse)) if member.sparse else stored

    def links(self) -> list[str]:
        """The names of all links, hard and symbolic."""
        return [name for name, member in self._members.items() if member.target]

    def symlinks(self) -> Iterator[tuple[str, str]]:
        """The names of symbolic links, and where each leads, as it is written."""
        for name, member in self._members.items():
            if member.kind == "symlink":
                yield name, member.target

    def resolved(self, name: str) -> str:
        """The name of the file that `name` leads to; raises as `open` does."""
        return self._resolve(name).name

    def _resolve(self, name: str) -> Member:
        wanted = name
        for _ in range(MAX_LINKS):
            member = self._members.get(wanted)
            if member is None:
                if wanted != name:
                    raise DanglingLink(
                        f"{self.label}: {name!r} is a link to {wanted!r}, which is not in it"
                    )
                raise BlobNotFound(f"{self.label} has no member {name!r}")
            if member.kind == "file":
                return member
            if member.kind not in {"symlink", "hardlink"}:
                raise InvalidArchive(f"{self.label}: {name!r} is not a regular file")
            # A symlink leads from the folder it stands in, a hard link from the top.
            base = os.path.dirname(wanted) if member.kind == "symlink" else ""
            wanted = os.path.normpath(os.path.join(base, member.target))
            if wanted.startswith(("/", "../")) or wanted == "..":
                raise InvalidArchive(f"{self.label}: {name!r} is a link out of the archive")
        raise InvalidArchive(f"{self.label}: {name!r} is a link to a link, without end")


def _member(header: Header) -> Member:
    name = clean_name(header.name, header.where)
    target = os.fsdecode(header.target)
    return Member(
        name, header.kind, header.size, header.offset, header.stored, header.sparse, target
    )


def clean_name(raw: bytes, where: str) -> str:
    """The name of a member as it is looked up; raises InvalidArchive where it leads out."""
    name = os.fsdecode(raw)
    if not name or "\0" in name:
        raise InvalidArchive(f"{where}: a member has an empty name, or one with a NUL in it")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    # The top alone, as `./` or as `/`, is what Python's tarfile writes of a whole folder.
    if (parts and name.startswith("/")) or ".." in parts:
        raise InvalidArchive(f"{where}: {name!r} leads out of the archive")
    return "/".join(parts)
