"""Folders of files and of blobs.

A folder is entered through file descriptors and without following links, since who made it may
have put a link to somewhere else where a blob, or the folder of blobs, should be. What readers may
do with links is in `linked_folders`.
"""

import errno
import fcntl
import io
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from ocilayout.errors import BlobNotFound, IntegrityError, InvalidArchive, LeadsThroughLink
from ocilayout.partial import partial_in, partial_name, sync_folder, unlink_if_there
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.streams import Discard, NamedFile, VerifiedReader, copy_stream, naming

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderFiles:
    """A folder whose files are read by name, below one file descriptor and through no link."""

    is_folder = True
    repeated: Collection[str] = ()

    def __init__(self, path: Path | str) -> None:
        """Raises OSError where `path` is no folder. Close it, or use it as a context."""
        self.label = str(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> "FolderFiles":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.fd)

    def names(self) -> list[str]:
        """The names at the top, sorted."""
        return sorted(os.listdir(self.fd))

    def walk(self) -> Iterator[tuple[str, str]]:
        """Every name in it, however deep, and its kind; no link is followed."""
        pending = [""]
        while pending:
            folder = pending.pop()
            with naming(f"{self.label}/{folder}".rstrip("/")):
                descriptor = self.enter(folder or ".", os.O_RDONLY | os.O_DIRECTORY)
                try:
                    with os.scandir(descriptor) as entries:
                        found = sorted((entry.name, _kind(entry)) for entry in entries)
                finally:
                    os.close(descriptor)
            below = []
            for name, kind in found:
                path = f"{folder}/{name}".lstrip("/")
                if kind == "directory":
                    below.append(path)
                yield path, kind
            pending.extend(reversed(below))

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
        with self.explained(name):
            # Not blocking: a pipe in place of a blob would keep us waiting for its other end.
            descriptor = self.enter(name, os.O_RDONLY | os.O_NONBLOCK)
        return cast(BinaryIO, self.regular(descriptor, name))

    @contextmanager
    def explained(self, name: str) -> Iterator[None]:
        """Turn why a file cannot be opened into our errors."""
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENAMETOOLONG}:
                raise BlobNotFound(f"{self.label} has no {name}") from None
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise LeadsThroughLink(f"{self.label}: {name} leads through a link") from None
            if error.errno == errno.ENXIO:
                raise InvalidArchive(f"{self.label}: {name} is not a regular file") from None
            error.filename = f"{self.label}/{name}"
            raise

    def regular(self, descriptor: int, name: str) -> NamedFile:
        """The file behind a descriptor; raises InvalidArchive, closed, where it is not regular."""
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidArchive(f"{self.label}: {name} is not a regular file")
        return NamedFile(descriptor, f"{self.label}/{name}")

    @contextmanager
    def folder(self, name: str) -> Iterator[int]:
        """The descriptor of a folder in it; raises BlobNotFound, or InvalidArchive for a link."""
        try:
            descriptor = self.enter(name, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            raise BlobNotFound(f"{self.label} has no {name}") from None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise InvalidArchive(
                    f"{self.label}: {name} is a link or a file, not a folder"
                ) from None
            error.filename = f"{self.label}/{name}"
            raise
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def write(self, name: str, content: BinaryIO) -> None:
        """Write a file at the top, durably: under its name it is whole or not there."""
        with partial_in(self.fd, f"{self.label}/{name}") as (file, partial):
            copy_stream(content, file)
            file.sync()
            with naming(file.label):
                os.rename(partial, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def enter(self, name: str, flags: int) -> int:
        """The descriptor of a file or folder in it, through no link; raises OSError."""
        *folders, last = name.split("/")
        current = self.fd
        try:
            for folder in folders:
                inner = os.open(folder, _FOLDER, dir_fd=current)
                if current != self.fd:
                    os.close(current)
                current = inner
            return os.open(last, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
        finally:
            if current != self.fd:
                os.close(current)


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "symlink"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


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
        """Write a blob under its name, durably once sync was called; a wrong one is replaced."""
        folder = self._folder(digest.algorithm)
        try:
            with partial_in(self._files.fd, self._files.label) as (file, name):
                copy_stream(content, file)
                file.sync()
                with naming(f"{self._files.label}/{digest.blob_path}"):
                    os.rename(name, digest.encoded, src_dir_fd=self._files.fd, dst_dir_fd=folder)
        finally:
            os.close(folder)

    def sync(self) -> None:
        """Make the names of all blobs durable, those too that others wrote and we rely on.

        Once, before an index leads to them: for each blob it would cost as much as the blob.
        """
        with suppress(FileNotFoundError):
            top = os.open("blobs", _FOLDER, dir_fd=self._files.fd)
            try:
                for algorithm in os.listdir(top):
                    with suppress(NotADirectoryError):
                        folder = os.open(algorithm, _FOLDER, dir_fd=top)
                        try:
                            sync_folder(folder, f"{self._files.label}/blobs/{algorithm}")
                        finally:
                            os.close(folder)
                sync_folder(top, f"{self._files.label}/blobs")
            finally:
                os.close(top)

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

        A file without a name, scratch, is synced first. Raises IntegrityError where the size is
        not the descriptor's.
        """
        if not isinstance(file, io.FileIO):
            return False
        status = os.fstat(file.fileno())
        if status.st_size != descriptor.size:
            raise IntegrityError(
                f"{descriptor.digest} has {status.st_size} bytes, its descriptor says "
                f"{descriptor.size}"
            )
        if status.st_dev != os.fstat(self._files.fd).st_dev:
            return False
        if not status.st_nlink:
            with naming(f"{self._files.label}/{descriptor.digest.blob_path}"):
                os.fsync(file.fileno())
        folder = self._folder(descriptor.digest.algorithm)
        top = self._files.fd
        name = partial_name()
        try:
            # Held, so that no other run takes the new name for a leftover; where there are no
            # locks, none is ever taken for one.
            with suppress(OSError):
                fcntl.flock(file.fileno(), fcntl.LOCK_SH)
            with naming(f"{self._files.label}/{descriptor.digest.blob_path}"):
                os.link(f"/proc/self/fd/{file.fileno()}", name, dst_dir_fd=top)
                os.rename(name, descriptor.digest.encoded, src_dir_fd=top, dst_dir_fd=folder)
        except OSError as error:
            if error.errno in {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOENT}:
                return False
            raise
        finally:
            # Also after success: two names of one file are not renamed onto each other (POSIX).
            unlink_if_there(name, top)
            os.close(folder)
        return True

    def _folder(self, algorithm: str) -> int:
        current = os.dup(self._files.fd)
        for name in ("blobs", algorithm):
            try:
                with naming(f"{self._files.label}/{name}"), suppress(FileExistsError):
                    os.mkdir(name, dir_fd=current)
                    # Else a power cut may take it away, with all the blobs that are in it.
                    os.fsync(current)
                inner = os.open(name, _FOLDER, dir_fd=current)
            except NotADirectoryError:
                raise InvalidArchive(
                    f"{self._files.label}: {name} is a link or a file, not a folder"
                ) from None
            finally:
                os.close(current)
            current = inner
        return current
