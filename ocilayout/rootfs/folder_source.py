"""A folder on disk as a tree, whose files are read through no link and in a fixed order."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import InvalidArchive
from ocilayout.rootfs.folder_output import shown
from ocilayout.rootfs.plan import Content
from ocilayout.rootfs.tree import Folder, Node, NodeKind
from ocilayout.streams import CHUNK, Progress, ignore
from ocilayout.tar_headers import Attributes, Xattrs

_KEPT_XATTRS = ("user.", "security.capability")
"""Not what the host alone knows: SELinux labels, overlayfs's marks, access lists by number."""
_KINDS: dict[int, NodeKind] = {
    stat.S_IFREG: "file",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Ownership:
    """What is said of all files in place of what their file system says."""

    owner: tuple[int, int] | None = None
    """User and group."""
    mtime: int | None = None
    """Seconds since 1970."""
    latest: int | None = None
    """Seconds since 1970 that no file is newer than, as SOURCE_DATE_EPOCH wants it."""

    def attributes(self, found: os.stat_result, xattrs: Xattrs) -> Attributes:
        """The attributes of a file of which the system says `found`."""
        uid, gid = self.owner or (found.st_uid, found.st_gid)
        # Whole seconds: what a copy of the folder keeps on every file system.
        seconds = found.st_mtime_ns // 10**9 if self.mtime is None else self.mtime
        if self.latest is not None:
            seconds = min(seconds, self.latest)
        kind = stat.S_IFMT(found.st_mode)
        is_device = kind in {stat.S_IFCHR, stat.S_IFBLK}
        device = (os.major(found.st_rdev), os.minor(found.st_rdev)) if is_device else (0, 0)
        return Attributes(found.st_mode & 0o7777, uid, gid, seconds * 10**9, device, xattrs)


class FolderSource:
    """The files of a folder, found once; what changes while it is read is an error."""

    def __init__(self, path: Path, ownership: Ownership) -> None:
        """Raises OSError where something cannot be read."""
        self._path = path
        self._ownership = ownership
        self._paths: dict[Node, bytes] = {}
        self._linked: dict[tuple[int, int], Node] = {}
        self._sockets: list[str] = []
        self.top = Folder()
        self._fill()
        if self._sockets:
            notices.warn(
                f"sockets are left out, which no tar can hold: {notices.some_of(self._sockets)}"
            )

    def contents(
        self, nodes: Iterable[Node], on_bytes: Progress = ignore
    ) -> Iterator[tuple[Node, Content]]:
        """Each file of `nodes` with its content, sorted by path."""
        for node in sorted(nodes, key=self._paths.__getitem__):
            yield node, self._content(node, on_bytes)

    def _content(self, node: Node, on_bytes: Progress) -> Content:
        path = self._paths[node]
        descriptor = self._opened(path)
        try:
            left = node.size
            while left:
                content = os.read(descriptor, min(left, CHUNK))
                if not content:
                    raise InvalidArchive(f"{self._path / shown(path)} became shorter meanwhile")
                left -= len(content)
                on_bytes(len(content))
                yield content
            if os.read(descriptor, 1):
                raise InvalidArchive(f"{self._path / shown(path)} became longer meanwhile")
        finally:
            os.close(descriptor)

    def _fill(self) -> None:
        """Go through the folder, with one folder open at a time."""
        pending: list[tuple[bytes, Folder]] = [(b"", self.top)]
        while pending:
            path, folder = pending.pop()
            descriptor = self._opened(path, _FOLDER)
            try:
                xattrs = _xattrs(descriptor, None)
                folder.attributes = self._ownership.attributes(os.fstat(descriptor), xattrs)
                for name in sorted(map(os.fsencode, os.listdir(descriptor))):
                    self._add(folder, path + b"/" + name if path else name, name, descriptor)
            finally:
                os.close(descriptor)
            pending.extend(
                (path + b"/" + name if path else name, child)
                for name, child in folder.children.items()
                if isinstance(child, Folder)
            )

    def _add(self, folder: Folder, path: bytes, name: bytes, descriptor: int) -> None:
        found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            folder.children[name] = Folder()
            return
        kind = _KINDS.get(stat.S_IFMT(found.st_mode))
        if kind is None:
            self._sockets.append(shown(path))
            return
        same = self._linked.get((found.st_dev, found.st_ino)) if kind == "file" else None
        if same is None:
            attributes = self._ownership.attributes(found, _xattrs(descriptor, name))
            target = os.readlink(name, dir_fd=descriptor) if kind == "symlink" else b""
            size = found.st_size if kind == "file" else 0
            same = Node(kind, attributes, size=size, target=target)
            self._paths[same] = path
            if found.st_nlink > 1:
                self._linked[found.st_dev, found.st_ino] = same
        folder.children[name] = same

    def _opened(self, path: bytes, flags: int = os.O_RDONLY | os.O_NONBLOCK) -> int:
        """A file or folder of ours, reached through no link but the one we were given."""
        current = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        *folders, last = path.split(b"/") if path else [b"."]
        for name, wanted in [*((name, _FOLDER) for name in folders), (last, flags)]:
            try:
                inner = os.open(name, wanted | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            except OSError as error:
                where = str(self._path / shown(path))
                raise type(error)(error.errno, error.strerror, where) from None
            finally:
                os.close(current)
            current = inner
        return current


def _xattrs(descriptor: int, name: bytes | None) -> Xattrs:
    place = f"/proc/self/fd/{descriptor}"
    path = place if name is None else f"{place}/{os.fsdecode(name)}"
    try:
        # Of the folder itself what the descriptor leads to, of a file nothing behind a link.
        names = os.listxattr(path, follow_symlinks=name is None)
        kept = [xattr for xattr in sorted(names) if xattr.startswith(_KEPT_XATTRS)]
        return tuple(
            (os.fsencode(xattr), os.getxattr(path, xattr, follow_symlinks=name is None))
            for xattr in kept
        )
    except OSError:
        # No extended attributes on this file system.
        return ()
