"""Inputs: files, which are read in place, and what is read but once, which becomes a file first."""

import io
import os
import stat
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO, cast

from ocilayout.errors import InvalidArchive, UsageError
from ocilayout.streams import FileWriter, NamedFile, naming, readinto

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_INPUT = "standard input"
"""What messages call it."""


def standard_input() -> BinaryIO:
    """Standard input, which stays open; raises UsageError where it is closed or a terminal."""
    if sys.stdin is None:
        raise UsageError(f"{STANDARD_INPUT} is closed")
    if sys.stdin.buffer.isatty():
        raise UsageError(f"{STANDARD_INPUT} is a terminal: a tar must come from a file or a pipe")
    return cast(BinaryIO, _Unowned(sys.stdin.buffer, STANDARD_INPUT))


def open_input(path: "Path | str", stack: ExitStack) -> BinaryIO:
    """The file or pipe at `path`, open until the stack ends; raises InvalidArchive and OSError.

    A device is refused, as it may have no end.
    """
    kind = os.stat(path).st_mode
    if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
        raise InvalidArchive(f"{path} is neither a file nor a folder")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return cast(BinaryIO, stack.enter_context(NamedFile(descriptor, str(path))))


def is_file(file: BinaryIO) -> bool:
    """Whether it can be read at any place, as a pipe cannot."""
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


class Spool(FileWriter):
    """Writes a file that can be read at any place, and that goes with the process."""

    def __init__(self, file: BinaryIO, label: str, folder: "Path") -> None:
        """`label` is what is spooled, in messages."""
        super().__init__(file.fileno(), label)
        self.file = file
        self._folder = folder

    def write(self, content: "memoryview | bytes") -> int:
        """Write `content`; the count of bytes. Raises InvalidArchive, never OSError.

        So what cannot be read, which another folder does not mend, is told from it.
        """
        try:
            return super().write(content)
        except OSError as error:
            raise _refusal(self.label, self._folder, error) from None


def open_spool(label: str, scratch: "Path | None", stack: ExitStack) -> Spool:
    """A spool in `scratch`, by default where large temporary files go, until the stack ends.

    It is opened before anything is read: an input may be long in coming. Raises InvalidArchive.
    """
    # It takes its time to import, and most inputs are files.
    from ocilayout.scratch import scratch_file

    folder = scratch or scratch_folder()
    try:
        return Spool(stack.enter_context(scratch_file(folder)), label, folder)
    except OSError as error:
        raise _refusal(label, folder, error) from None


def scratch_folder() -> "Path":
    """Where large temporary files go: TMPDIR, else /var/tmp, as /tmp may be memory."""
    from pathlib import Path

    stated = os.environ.get("TMPDIR")
    return Path(stated) if stated else Path("/var/tmp")


def _refusal(label: str, folder: "Path", error: OSError) -> InvalidArchive:
    return InvalidArchive(
        f"{label} cannot be spooled to {folder}: {error.strerror}: "
        "name a folder with room by --scratch"
    )


class Prepended(io.RawIOBase):
    """A stream of which some bytes were read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        """`head` are those bytes; `rest` stays its owner's to close."""
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not len(self._head):
            return readinto(self._rest, memoryview(buffer))
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count


class _Unowned(io.RawIOBase):
    """A stream that stays its owner's: that this is closed, or collected, leaves it open."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self._stream = stream
        self._label = label

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        with naming(self._label):
            return readinto(self._stream, memoryview(buffer))
