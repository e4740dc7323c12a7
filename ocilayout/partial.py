"""How files and folders appear: whole, under their name, or not at all.

What is being written has a partial name beside its place and is held by a lock, so that a later
run can tell what a killed one left from what is still being written.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ocilayout import remains
from ocilayout.durable_writer import DurableWriter
from ocilayout.errors import DestinationExists, PlaceNotFound
from ocilayout.streams import naming

PREFIX, SUFFIX = ".ocilayout-", ".partial"

Publish = Callable[[], None]


@contextmanager
def partial_file(path: Path, *, replace: bool) -> Iterator[tuple[DurableWriter, Publish]]:
    """A file that appears at `path` when `publish` is called, whole, and otherwise never.

    Raises DestinationExists where `path` is there and may not be replaced; OSError as it comes.
    What a killed run left beside it is removed.
    """
    if not replace and os.path.lexists(path):
        raise _exists(path)
    if path.is_dir():
        raise DestinationExists(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise PlaceNotFound(f"{path.parent}: no such directory: create it first")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_leftovers(folder)
        with partial_in(folder, str(path)) as (file, name):

            def publish() -> None:
                file.sync()
                with naming(str(path)):
                    if replace:
                        os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                    else:
                        _rename_to_new(folder, name, path)
                remains.keep(f"{path} was written")
                sync_folder(folder, str(path.parent))

            yield file, publish
    finally:
        os.close(folder)


def replace_file(folder: int, name: str, content: bytes) -> None:
    """Replace the file `name` in the folder of that descriptor: the old one or the new one."""
    with partial_in(folder, name) as (file, partial):
        with naming(name), suppress(FileNotFoundError):
            os.fchmod(file.fileno(), stat.S_IMODE(os.stat(name, dir_fd=folder).st_mode))
        file.write(content)
        file.sync()
        with naming(name):
            os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    sync_folder(folder, name)


def _sync_at(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_folder(folder, str(path))
    finally:
        os.close(folder)


def sync_folder(folder: int, label: str) -> None:
    """Return once the names in the folder of that descriptor are on the disk. Raises OSError."""
    with naming(label):
        os.fsync(folder)


@contextmanager
def partial_folder(path: Path) -> Iterator[tuple[Path, Callable[[], bool]]]:
    """A folder that appears at `path` when `publish` is called, whole, and otherwise never.

    `publish` is False where something else appeared at `path` in the meantime; then the folder
    still has its partial name, until the context is left.
    """
    made = _make_parents(path)
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_leftovers(parent)
        with _partial_folder_in(path.parent) as (partial, held):

            def publish() -> bool:
                sync_folder(held, str(path))
                try:
                    with naming(str(path)):
                        os.rename(partial, path)
                except OSError as error:
                    if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                        return False
                    raise
                remains.keep(f"{path} was written")
                sync_folder(parent, str(path.parent))
                for folder in made:
                    _sync_at(folder.parent)
                return True

            yield partial, publish
    finally:
        os.close(parent)
        for folder in made:
            # Goes where nothing was published in it.
            with suppress(OSError):
                folder.rmdir()


def _make_parents(path: Path) -> list[Path]:
    """Make the folders that `path` needs; those that are new, innermost first."""
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return missing


def remove_leftovers(folder: int) -> None:
    """Remove what runs that were killed left behind in the folder of that descriptor.

    A run holds a lock on what it writes, so what can be locked is nobody's.
    """
    for name in os.listdir(folder):
        if not is_partial_name(name):
            continue
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            held = os.open(name, flags, dir_fd=folder)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stat.S_ISDIR(os.fstat(held).st_mode):
                    _remove_tree(Path(f"/proc/self/fd/{folder}") / name)
                else:
                    os.unlink(name, dir_fd=folder)
            finally:
                os.close(held)


@contextmanager
def partial_in(folder: int, label: str) -> Iterator[tuple[DurableWriter, str]]:
    """A file of a partial name in the folder of that descriptor, gone unless it is renamed.

    `label` calls it in messages.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with ExitStack() as stack:
        while True:
            name = partial_name()
            # Before it is made: a signal may arrive as soon as it is.
            stack.callback(unlink_if_there, name, folder)
            try:
                descriptor = os.open(name, flags, 0o666, dir_fd=folder)
            except OSError as error:
                error.filename = label
                raise
            stack.callback(os.close, descriptor)
            # Between its making and its locking another run may have taken it for a leftover.
            if _hold(descriptor) and os.fstat(descriptor).st_nlink:
                break
        yield DurableWriter(descriptor, label), name


@contextmanager
def _partial_folder_in(parent: Path) -> Iterator[tuple[Path, int]]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with ExitStack() as stack:
        while True:
            partial = parent / partial_name()
            stack.callback(_remove_tree, partial)
            partial.mkdir()
            with suppress(FileNotFoundError):
                descriptor = os.open(partial, flags)
                stack.callback(os.close, descriptor)
                if _hold(descriptor) and partial.is_dir():
                    break
        yield partial, descriptor


def unlink_if_there(name: str, folder: int) -> None:
    """Remove a file of the folder of that descriptor, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def is_partial_name(name: str) -> bool:
    """Whether it is the name of what is being written, or was when its run was killed."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def partial_name() -> str:
    """A new name that remove_leftovers knows."""
    return f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}"


def _hold(descriptor: int) -> bool:
    """Whether it is ours; where there are no locks everything is, and no leftover is removed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _rename_to_new(folder: int, name: str, path: Path) -> None:
    try:
        os.link(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:
        # No hard links on this file system.
        if os.path.lexists(path):
            raise _exists(path) from None
        os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)


def _exists(path: Path) -> DestinationExists:
    return DestinationExists(f"{path} exists: --force replaces it")


def _remove_tree(path: Path) -> None:
    if not os.path.lexists(path):
        return
    # It takes its time to import, and few folders are left.
    import shutil

    shutil.rmtree(path, ignore_errors=True)
