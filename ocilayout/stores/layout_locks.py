"""The locks of a layout folder: who reads or adds shares it, who removes has it alone.

They are held on the folder itself, and for edits of `index.json` on `index.json.lock`, as BuildKit
does: never on a file that is renamed. A lock ends with the process that holds it.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ocilayout.errors import LayoutBusy
from ocilayout.folders import FolderFiles
from ocilayout.stores.file_names import LOCK

_POLL = 0.05
_READER_PATIENCE = 60.0
"""Seconds that a reader waits for who removes blobs, which takes far less."""


def share(files: FolderFiles, timeout: float) -> None:
    """Hold the layout against those who remove blobs, until `files` is closed.

    Raises LayoutBusy after `timeout` seconds.
    """
    _lock(files.fd, fcntl.LOCK_SH, timeout, files.label)


def share_to_read(files: FolderFiles) -> None:
    """The same for readers, who go on where there are no locks: on media that nobody writes to."""
    try:
        share(files, _READER_PATIENCE)
    except OSError:
        return


@contextmanager
def index_lock(files: FolderFiles, timeout: float) -> Iterator[None]:
    """Hold `index.json` while it is read, edited and renamed; raises LayoutBusy."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(LOCK, flags, 0o666, dir_fd=files.fd)
    except OSError as error:
        error.filename = f"{files.label}/{LOCK}"
        raise
    try:
        _lock(descriptor, fcntl.LOCK_EX, timeout, files.label)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def alone(files: FolderFiles, timeout: float) -> Iterator[None]:
    """Hold the layout with nobody else reading it or adding to it; raises LayoutBusy."""
    _lock(files.fd, fcntl.LOCK_EX, timeout, files.label)
    with index_lock(files, timeout):
        yield


def hold_file(file: BinaryIO, timeout: float, label: str) -> None:
    """Hold a file that is edited by replacing it, until it is closed; raises LayoutBusy.

    Whoever had to wait must look whether the file still has its name. Where the file system has
    no locks, or some for writers alone (NFS), nobody is held.
    """
    with suppress(OSError):
        _lock(file.fileno(), fcntl.LOCK_EX, timeout, label)


def _lock(descriptor: int, kind: int, timeout: float, label: str) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LayoutBusy(
                    f"{label} has been locked by another process for {timeout:.0f} s: "
                    "try again, or wait longer with --lock-timeout"
                ) from None
            time.sleep(_POLL)
        except OSError as error:
            error.filename = label
            raise
