"""Where blobs lie: in memory, in a folder, spread over several places; and how a file appears.

A folder is only ever entered through file descriptors and without following links, since who made
it may have put a link to somewhere else where a blob, or the folder of blobs, should be.
"""

import errno
import fcntl
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from ocilayout.errors import (
    BlobNotFound,
    DestinationExists,
    IntegrityError,
    InvalidArchive,
    PlaceNotFound,
)
from ocilayout.protocols import BlobReader
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.streams import Discard, FileWriter, VerifiedReader, copy_stream

PARTIAL_PREFIX, PARTIAL_SUFFIX = ".ocilayout-", ".partial"


class MemoryBlobs:
    """Documents that were made here."""

    def __init__(self, contents: Sequence[bytes] = ()) -> None:
        self._contents = {Digest.of(content): content for content in contents}

    def add(self, content: bytes) -> None:
        """Keep `content` under its digest."""
        self._contents[Digest.of(content)] = content

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._contents

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content; raises BlobNotFound."""
        content = self._contents.get(descriptor.digest)
        if content is None:
            raise BlobNotFound(f"{descriptor.digest} is not in memory")
        return io.BytesIO(content)


class SpreadBlobs:
    """Several readers as one; the first that has a blob gives it."""

    def __init__(self, readers: Sequence[BlobReader]) -> None:
        self.readers = readers

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content; raises BlobNotFound, in the words of the last reader, where none has it."""
        missing = BlobNotFound(f"{descriptor.digest} is nowhere")
        for reader in self.readers:
            try:
                return reader.open_blob(descriptor)
            except BlobNotFound as error:
                missing = error
        raise missing


class FolderFiles:
    """A folder whose files are read by name, below one descriptor and through no link."""

    is_folder = True

    def __init__(self, path: Path) -> None:
        """Raises OSError where `path` is no folder. Close it, or use it as a context."""
        self.label = str(path)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> "FolderFiles":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def names(self) -> list[str]:
        """The names at the top, sorted."""
        return sorted(os.listdir(self.descriptor))

    def __contains__(self, name: str) -> bool:
        try:
            with self.open(name):
                return True
        except BlobNotFound:
            return False

    def size(self, name: str) -> int:
        """Bytes; raises BlobNotFound, or InvalidArchive where `name` is no regular file."""
        with self.open(name) as file:
            return os.fstat(file.fileno()).st_size

    def open(self, name: str) -> BinaryIO:
        """The file; raises BlobNotFound, or InvalidArchive where it is no regular file."""
        try:
            # Not blocking: a pipe in place of a blob would keep us waiting for its other end.
            descriptor = self._enter(name, os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
                raise BlobNotFound(f"{self.label} has no {name}") from None
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise InvalidArchive(f"{self.label}: {name} leads through a link") from None
            if error.errno == errno.ENXIO:
                raise InvalidArchive(f"{self.label}: {name} is not a regular file") from None
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidArchive(f"{self.label}: {name} is not a regular file")
        return cast(BinaryIO, io.FileIO(descriptor, "rb"))

    def write(self, name: str, content: BinaryIO) -> None:
        """Write a file at the top, durably: under its name it is whole or not there."""
        with _partial_in(self.descriptor, f"{self.label}/{name}") as (file, partial):
            copy_stream(content, file)
            file.sync()
            os.rename(partial, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def _enter(self, name: str, flags: int) -> int:
        *folders, last = name.split("/")
        current = self.descriptor
        try:
            for folder in folders:
                inner = os.open(
                    folder,
                    os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                    dir_fd=current,
                )
                if current != self.descriptor:
                    os.close(current)
                current = inner
            return os.open(last, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
        finally:
            if current != self.descriptor:
                os.close(current)


class FolderBlobs:
    """The blobs of a layout folder, read and written."""

    def __init__(self, files: FolderFiles) -> None:
        self._files = files

    def has(self, descriptor: Descriptor) -> bool:
        """Whether the blob is there and whole: its content is hashed, whatever its name says."""
        try:
            with self._files.open(descriptor.digest.blob_path) as file:
                copy_stream(
                    cast(
                        BinaryIO,
                        VerifiedReader(
                            file, descriptor.digest, descriptor.size, str(descriptor.digest)
                        ),
                    ),
                    Discard(),
                )
                return True
        except (BlobNotFound, IntegrityError):
            return False

    def put(self, digest: Digest, content: BinaryIO) -> None:
        """Write a blob, durably, under its name; a wrong one of that name is replaced."""
        folder = self._folder(digest.algorithm)
        try:
            with _partial_in(self._files.descriptor, self._files.label) as (file, name):
                copy_stream(content, file)
                file.sync()
                os.rename(
                    name, digest.encoded, src_dir_fd=self._files.descriptor, dst_dir_fd=folder
                )
            os.fsync(folder)
        finally:
            os.close(folder)

    def remove(self, digest: Digest) -> None:
        """Remove a blob, if it is there."""
        folder = self._folder(digest.algorithm)
        try:
            with suppress(FileNotFoundError):
                os.unlink(digest.encoded, dir_fd=folder)
        finally:
            os.close(folder)

    def link(self, descriptor: Descriptor, file: BinaryIO) -> bool:
        """Put a blob by a hard link to an open file, unread; False where there can be none.

        Raises IntegrityError where the size is not the descriptor's.
        """
        if not isinstance(file, io.FileIO):
            return False
        size = os.fstat(file.fileno()).st_size
        if size != descriptor.size:
            raise IntegrityError(
                f"{descriptor.digest} has {size} bytes, its descriptor says {descriptor.size}"
            )
        folder = self._folder(descriptor.digest.algorithm)
        top = self._files.descriptor
        name = _partial_name()
        # Held, so that no other run takes the new name for a leftover.
        fcntl.flock(file.fileno(), fcntl.LOCK_SH)
        try:
            os.link(f"/proc/self/fd/{file.fileno()}", name, dst_dir_fd=top)
            os.rename(name, descriptor.digest.encoded, src_dir_fd=top, dst_dir_fd=folder)
            os.fsync(folder)
        except OSError as error:
            if error.errno in {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOENT}:
                return False
            raise
        finally:
            # Also after success: two names of one file are not renamed onto each other (POSIX).
            _unlink(name, top)
            os.close(folder)
        return True

    def _folder(self, algorithm: str) -> int:
        current = os.dup(self._files.descriptor)
        for name in ("blobs", algorithm):
            try:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=current)
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                inner = os.open(name, flags, dir_fd=current)
            except NotADirectoryError:
                raise InvalidArchive(
                    f"{self._files.label}: {name} is a link or a file, not a folder"
                ) from None
            finally:
                os.close(current)
            current = inner
        return current


Publish = Callable[[], None]


@contextmanager
def partial_file(path: Path, *, replace: bool) -> Iterator[tuple[FileWriter, Publish]]:
    """A file that appears at `path` when `publish` is called, whole, and otherwise never.

    Raises DestinationExists where `path` is there and may not be replaced; OSError as it comes.
    What a killed run left beside it is removed.
    """
    if not replace and os.path.lexists(path):
        raise _exists(path)
    if path.is_dir():
        raise DestinationExists(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise PlaceNotFound(f"{path.parent} does not exist: make the folder first")
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        remove_leftovers(folder)
        with _partial_in(folder, str(path)) as (file, name):

            def publish() -> None:
                file.sync()
                if replace:
                    os.rename(name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                else:
                    _rename_to_new(folder, name, path)
                os.fsync(folder)

            yield file, publish
    finally:
        os.close(folder)


def replace_file(folder: int, name: str, content: bytes) -> None:
    """Replace the file `name` in the folder of that descriptor: the old one or the new one."""
    with _partial_in(folder, name) as (file, partial):
        with suppress(FileNotFoundError):
            os.fchmod(file.fileno(), stat.S_IMODE(os.stat(name, dir_fd=folder).st_mode))
        file.write(content)
        file.sync()
        os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
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
                os.fsync(held)
                try:
                    os.rename(partial, path)
                except OSError as error:
                    if error.errno in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
                        return False
                    raise
                os.fsync(parent)
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
        if not (name.startswith(PARTIAL_PREFIX) and name.endswith(PARTIAL_SUFFIX)):
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
def _partial_in(folder: int, label: str) -> Iterator[tuple[FileWriter, str]]:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with ExitStack() as stack:
        while True:
            name = _partial_name()
            # Before it is made: a signal may arrive as soon as it is.
            stack.callback(_unlink, name, folder)
            try:
                descriptor = os.open(name, flags, 0o666, dir_fd=folder)
            except OSError as error:
                error.filename = label
                raise
            stack.callback(os.close, descriptor)
            # Between its making and its locking another run may have taken it for a leftover.
            if _hold(descriptor) and os.fstat(descriptor).st_nlink:
                break
        yield FileWriter(descriptor, label), name


@contextmanager
def _partial_folder_in(parent: Path) -> Iterator[tuple[Path, int]]:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    with ExitStack() as stack:
        while True:
            partial = parent / _partial_name()
            stack.callback(_remove_tree, partial)
            partial.mkdir()
            with suppress(FileNotFoundError):
                descriptor = os.open(partial, flags)
                stack.callback(os.close, descriptor)
                if _hold(descriptor) and partial.is_dir():
                    break
        yield partial, descriptor


def _unlink(name: str, folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def _partial_name() -> str:
    return f"{PARTIAL_PREFIX}{os.urandom(8).hex()}{PARTIAL_SUFFIX}"


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
    import shutil

    shutil.rmtree(path, ignore_errors=True)
