"""Trees written into a fresh folder, of which nothing outside is ever touched.

Every name is made below a file descriptor of its folder and through no link, and must not be there
yet; whoever swaps a folder for a link while we write makes us fail, not follow. Modes and times of
folders come last, since a folder may forbid to write in it.
"""

import errno
import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import CannotHold
from ocilayout.rootfs.plan import Plan
from ocilayout.rootfs.tree import Node
from ocilayout.streams import FileWriter, Progress, ignore
from ocilayout.tar_headers import Attributes

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SET_IDS = 0o6000


def write_folder(
    plans: Sequence[Plan],
    top: Path,
    top_attributes: Attributes | None = None,
    *,
    devices: bool = False,
    on_bytes: Progress = ignore,
) -> None:
    """Write all that is planned into the empty folder `top`.

    Owners are kept where this is root, who alone can; anybody else's files become their own, and
    lose the bits that would run them as another. Devices are made where `devices`. Raises
    CannotHold where the file system cannot hold a name, OSError as it comes.
    """
    _check_room(plans, top)
    with _opened(top) as root:
        writer = _FolderWriter(root)
        try:
            for plan in plans:
                writer.write(plan, devices, on_bytes)
            for plan in plans:
                writer.finish_folders(plan)
        finally:
            writer.close()
        if top_attributes is not None:
            with _told(b"/"):
                writer.losses.apply(root, top_attributes, "/")
        writer.losses.say()


def _check_room(plans: Sequence[Plan], top: Path) -> None:
    system = os.statvfs(top)
    wanted, free = sum(plan.size for plan in plans), system.f_bavail * system.f_frsize
    if wanted > free:
        raise CannotHold(
            f"{top.parent} has room for {free} bytes, the files have {wanted}: free some space, "
            "or choose another place"
        )


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@dataclass
class _Losses:
    """Sets what can be set, and remembers what can't."""

    is_root: bool = field(default_factory=lambda: os.geteuid() == 0)
    xattrs: dict[str, list[str]] = field(default_factory=dict)
    set_ids: list[str] = field(default_factory=list)

    def apply(self, descriptor: int, attributes: Attributes, shown: str) -> None:
        """Give an open file or folder its owner, mode, extended attributes and time.

        In this order: a change of owner clears set-id bits and capabilities.
        """
        if self.is_root:
            os.fchown(descriptor, attributes.uid, attributes.gid)
        os.fchmod(descriptor, self.mode(attributes, shown))
        self.apply_xattrs(descriptor, attributes, shown)
        os.utime(descriptor, ns=(attributes.mtime, attributes.mtime))

    def mode(self, attributes: Attributes, shown: str) -> int:
        """The permissions, without those bits that would run another's file as us."""
        if self.is_root or not attributes.mode & _SET_IDS:
            return attributes.mode
        self.set_ids.append(shown)
        return attributes.mode & ~_SET_IDS

    def apply_xattrs(self, target: "int | str", attributes: Attributes, shown: str) -> None:
        """Set the extended attributes of what is open, or stands at the path of a link."""
        for name, value in attributes.xattrs:
            follow = isinstance(target, int)
            try:
                if follow:
                    os.setxattr(target, name, value)
                else:
                    os.setxattr(target, name, value, follow_symlinks=False)
            except OSError as error:
                if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO}:
                    raise
                self.xattrs.setdefault(os.fsdecode(name), []).append(shown)

    def say(self) -> None:
        """Warn of what the file system, or our lack of rights, did not allow."""
        for name, paths in self.xattrs.items():
            notices.warn(
                f"the extended attribute {name} could not be set on {notices.some_of(paths)}"
            )
        if self.set_ids:
            notices.warn(
                f"set-user-id and set-group-id bits are left out, since the files become "
                f"your own: {notices.some_of(self.set_ids)}"
            )


class _FolderWriter:
    """Makes files of every kind below one folder."""

    _OPEN_FOLDERS = 64

    def __init__(self, root: int) -> None:
        self._root = root
        self._open: OrderedDict[bytes, int] = OrderedDict()
        self.losses = _Losses()

    def write(self, plan: Plan, devices: bool, on_bytes: Progress) -> None:
        for path, _ in plan.folders:
            with _told(path):
                parent, name = self._parent(path)
                os.mkdir(name, 0o700, dir_fd=parent)
        for path, node, content in plan.contents(on_bytes):
            descriptor = self._new_file(path)
            try:
                out = FileWriter(descriptor, shown(path))
                for chunk in content:
                    out.write(chunk)
                with _told(path):
                    self.losses.apply(descriptor, node.attributes, shown(path))
            finally:
                os.close(descriptor)
        self._write_links(plan)
        for path, node in plan.specials:
            if devices or node.kind == "fifo":
                self._write_special(path, node)
        for path, node in plan.symlinks:
            self._write_symlink(path, node)

    def finish_folders(self, plan: Plan) -> None:
        """Give folders what is theirs, inner ones first."""
        for path, folder in reversed(plan.folders):
            with _told(path):
                self.losses.apply(self._folder(path), folder.attributes, shown(path))

    def close(self) -> None:
        """Close all folders but the top."""
        while self._open:
            os.close(self._open.popitem()[1])

    def _new_file(self, path: bytes) -> int:
        with _told(path):
            parent, name = self._parent(path)
            return os.open(name, _NEW_FILE, 0o600, dir_fd=parent)

    def _write_links(self, plan: Plan) -> None:
        for path, first in plan.hardlinks:
            with _told(path):
                there, first_name = self._parent(first)
                # Kept, whatever the opening of the other folder closes.
                there = os.dup(there)
                try:
                    parent, name = self._parent(path)
                    os.link(
                        first_name,
                        name,
                        src_dir_fd=there,
                        dst_dir_fd=parent,
                        follow_symlinks=False,
                    )
                finally:
                    os.close(there)

    def _write_special(self, path: bytes, node: Node) -> None:
        kinds = {"fifo": 0o010000, "character": 0o020000, "block": 0o060000}
        with _told(path):
            parent, name = self._parent(path)
            os.mknod(
                name, kinds[node.kind] | 0o600, os.makedev(*node.attributes.device), dir_fd=parent
            )
            # Opened as a name alone: a device must not be woken up.
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                mode = self.losses.mode(node.attributes, shown(path))
                self._set_owner(parent, name, node)
                os.chmod(f"/proc/self/fd/{descriptor}", mode)
                self._set_time(parent, name, node)
            finally:
                os.close(descriptor)

    def _write_symlink(self, path: bytes, node: Node) -> None:
        with _told(path):
            parent, name = self._parent(path)
            os.symlink(node.target, name, dir_fd=parent)
            self._set_owner(parent, name, node)
            if node.attributes.xattrs:
                link = f"/proc/self/fd/{parent}/{os.fsdecode(name)}"
                self.losses.apply_xattrs(link, node.attributes, shown(path))
            self._set_time(parent, name, node)

    def _set_owner(self, parent: int, name: bytes, node: Node) -> None:
        if self.losses.is_root:
            owner = node.attributes.uid, node.attributes.gid
            os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)

    def _set_time(self, parent: int, name: bytes, node: Node) -> None:
        time = node.attributes.mtime
        os.utime(name, ns=(time, time), dir_fd=parent, follow_symlinks=False)

    def _parent(self, path: bytes) -> tuple[int, bytes]:
        folder, _, name = path.rpartition(b"/")
        return self._folder(folder), name

    def _folder(self, path: bytes) -> int:
        if not path:
            return self._root
        known = self._open.get(path)
        if known is not None:
            self._open.move_to_end(path)
            return known
        opened = self._opened_folder(path)
        self._open[path] = opened
        if len(self._open) > self._OPEN_FOLDERS:
            os.close(self._open.popitem(last=False)[1])
        return opened

    def _opened_folder(self, path: bytes) -> int:
        """The folder, from the nearest that is open downwards, each step through no link."""
        parts = path.split(b"/")
        start = len(parts)
        while start and b"/".join(parts[:start]) not in self._open:
            start -= 1
        nearest = self._open[b"/".join(parts[:start])] if start else self._root
        current = os.dup(nearest)
        for part in parts[start:]:
            try:
                inner = os.open(part, _FOLDER, dir_fd=current)
            finally:
                os.close(current)
            current = inner
        return current


@contextmanager
def _told(path: bytes) -> Iterator[None]:
    """Turn what only happens to a folder that somebody else changes into words."""
    try:
        yield
    except FileExistsError:
        raise CannotHold(
            f"{shown(path)} is there already under another spelling, or somebody else writes "
            "here: choose a file system that tells upper and lower case apart"
        ) from None
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENOENT}:
            raise CannotHold(
                f"{shown(path)}: somebody else changed the folder while it was written"
            ) from None
        raise type(error)(error.errno, error.strerror, shown(path)) from None


def shown(path: bytes) -> str:
    """A path in messages."""
    return path.decode("utf-8", "backslashreplace")
