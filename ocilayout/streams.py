"""Byte streams that verify what passes, and the copy loop: the only place that hashes.

A check at the end of a file that nobody reaches is no check: who copies `size` bytes never asks
for more. So a VerifiedReader compares digest and size with the last byte, before it hands it over.
"""

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import BinaryIO, Protocol

from ocilayout import notices
from ocilayout.errors import IntegrityError
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stopping import stop_if_abandoned

CHUNK = 1024 * 1024
"""Bytes in a buffer. The 8 and 16 KiB of the standard library cost about twice the CPU."""
_SMALL = 32 * 1024
"""Bytes of a buffer that holds most documents whole; clearing a large one costs more than those."""
_AGAIN = "fetch or build it again"

Progress = Callable[[int], None]
"""Told the number of bytes that passed."""
Watch = Callable[[Descriptor], AbstractContextManager[Progress]]
"""Entered, perhaps by several threads at a time, for each blob that is worked on."""


class _Hash(Protocol):
    def update(self, content: "memoryview | bytes", /) -> None: ...
    def hexdigest(self) -> str: ...


class Writable(Protocol):
    """What bytes can be written to."""

    def write(self, content: "memoryview | bytes", /) -> int: ...


class Flushable(Writable, Protocol):
    """What bytes can be written to and that may be told to keep none back."""

    def flush(self) -> None: ...


def ignore(count: int) -> None:
    """The progress that nobody watches."""


def unwatched(blob: Descriptor) -> AbstractContextManager[Progress]:
    """The watch that nobody keeps."""
    return nullcontext(ignore)


@contextmanager
def naming(label: str) -> Iterator[None]:
    """Name a file in errors of the system, which only knows its descriptor or a partial name."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = label, None
        raise


class VerifiedReader(io.RawIOBase):
    """Reads a blob and raises IntegrityError instead of handing over its last bytes if it lies."""

    def __init__(
        self, raw: BinaryIO, digest: Digest, size: int, label: str, on_bytes: Progress = ignore
    ) -> None:
        """`label` names the blob in messages; `size` is in bytes."""
        self._raw = raw
        self._digest = digest
        self._remaining = size
        self._size = size
        self._label = label
        self._on_bytes = on_bytes
        self._hash = _hasher(digest, label)
        if size == 0:
            self._verify()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._remaining:
            return 0
        view = memoryview(buffer)[: self._remaining]
        count = readinto(self._raw, view)
        if not count and len(view):
            raise IntegrityError(
                f"{self._label} has {self._size - self._remaining} of the {self._size} bytes that "
                "its descriptor promises",
                remedy=_AGAIN,
            )
        self._hash.update(view[:count])
        self._remaining -= count
        if not self._remaining:
            self._verify()
        self._on_bytes(count)
        return count

    def _verify(self) -> None:
        if self._raw.read(1):
            raise IntegrityError(
                f"{self._label} is longer than the {self._size} bytes that its descriptor promises",
                remedy=_AGAIN,
            )
        found = self._hash.hexdigest()
        if self._digest.verifiable and found != self._digest.encoded:
            raise IntegrityError(
                f"{self._label} is damaged: its content hashes to {self._digest.algorithm}:{found}",
                remedy=_AGAIN,
            )

    def close(self) -> None:
        self._raw.close()
        super().close()


class HashingReader(io.RawIOBase):
    """Hands bytes on and knows afterwards what they hash to."""

    def __init__(self, raw: BinaryIO, algorithm: str = "sha256") -> None:
        self._raw = raw
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)
        count = readinto(self._raw, view)
        self._hash.update(view[:count])
        return count

    @property
    def digest(self) -> Digest:
        """The digest of what passed."""
        return Digest(self._algorithm, self._hash.hexdigest())


class HashingWriter:
    """Passes bytes on and knows afterwards how many they were and what they hash to."""

    def __init__(self, out: Writable, algorithm: str = "sha256") -> None:
        self._out = out
        self._algorithm = algorithm
        self._hash = hashlib.new(algorithm)
        self.is_prompt = is_prompt(out)
        self.size = 0

    def write(self, content: "memoryview | bytes") -> int:
        """Pass `content` on; the count of bytes."""
        self._hash.update(content)
        self._out.write(content)
        count = memoryview(content).nbytes
        self.size += count
        return count

    def flush(self) -> None:
        """Nothing is kept back here."""

    @property
    def digest(self) -> Digest:
        """The digest of what passed."""
        return Digest(self._algorithm, self._hash.hexdigest())


class FileWriter:
    """Writes all that it is given to a file descriptor, which stays its owner's to close."""

    def __init__(self, descriptor: int, label: str) -> None:
        """`label` is the file's name in messages: the system only knows the descriptor."""
        self._descriptor = descriptor
        self.label = label
        self.is_prompt = stat.S_ISREG(os.fstat(descriptor).st_mode)
        """Whether a write ends by itself, and never waits for what another program reads."""

    def write(self, content: "memoryview | bytes") -> int:
        """Write `content`, however many calls that takes; the count of bytes. Raises OSError."""
        view = memoryview(content)
        total = len(view)
        with naming(self.label):
            while len(view):
                view = view[os.write(self._descriptor, view) :]
        return total

    def flush(self) -> None:
        """Nothing is kept back here."""

    def sync(self) -> None:
        """Return once the bytes are on the disk. What fsync reports is final: no second try."""
        with naming(self.label):
            os.fsync(self._descriptor)

    def fileno(self) -> int:
        """The descriptor, for calls that need one."""
        return self._descriptor


class Discard:
    """Where bytes go that only need to be counted and hashed."""

    def write(self, content: "memoryview | bytes") -> int:
        """Drop `content`; the count of bytes."""
        return memoryview(content).nbytes

    def flush(self) -> None:
        """Nothing is kept at all."""


class NamedFile(io.FileIO):
    """A file that was opened by its descriptor, and still is named where it cannot be read."""

    def __init__(self, descriptor: int, label: str) -> None:
        super().__init__(descriptor, "rb")
        self._label = label

    def read(self, size: "int | None" = -1, /) -> bytes:
        with naming(self._label):
            return super().read(size)

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        with naming(self._label):
            return super().readinto(buffer)


class FileSlice(io.RawIOBase):
    """A part of an open file, with a position of its own, so that threads can share the file."""

    def __init__(self, descriptor: int, offset: int, size: int, label: str) -> None:
        """`descriptor` stays its owner's to close; `offset` and `size` are in bytes."""
        self._descriptor = descriptor
        self._label = label
        self._position = offset
        self._end = offset + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)[: self._end - self._position]
        if not len(view):
            return 0
        with naming(self._label):
            count = os.preadv(self._descriptor, [view], self._position)
        self._position += count
        return count


def copy_stream(source: BinaryIO, out: Writable) -> int:
    """Copy all of `source`; the count of bytes.

    Each write but the last is of a full CHUNK, so that what a codec makes of it does not depend
    on how the bytes happened to arrive.
    """
    head = memoryview(bytearray(_SMALL))
    count = read_full(source, head)
    if count < _SMALL:
        return out.write(head[:count]) if count else 0
    buffer = memoryview(bytearray(CHUNK))
    buffer[:count] = head
    count += read_full(source, buffer[count:])
    if count == CHUNK and is_prompt(out):
        return _copy_in_turns(source, out, buffer)
    total = 0
    while count:
        out.write(buffer[:count])
        total += count
        count = read_full(source, buffer)
    return total


def is_prompt(out: Writable) -> bool:
    """Whether a write to `out` ends by itself, so that whoever is interrupted can wait for it."""
    return bool(getattr(out, "is_prompt", False))


def _copy_in_turns(source: BinaryIO, out: Writable, full: memoryview) -> int:
    """Copy `full`, and all that follows it in `source`: one buffer is written by a thread while
    the next is read, so that hashing and inflating go on beside hashing and deflating."""
    from concurrent.futures import ThreadPoolExecutor

    ahead = memoryview(bytearray(CHUNK))
    total, count = 0, len(full)
    with ThreadPoolExecutor(1) as writer:
        while count:
            writing = writer.submit(out.write, full[:count])
            total += count
            full, ahead = ahead, full
            count = read_full(source, full)
            writing.result()
    return total


def read_full(source: BinaryIO, buffer: memoryview) -> int:
    """Fill `buffer` from `source` as far as there are bytes; the count of bytes."""
    filled = 0
    while filled < len(buffer):
        count = readinto(source, buffer[filled:])
        if not count:
            break
        filled += count
    return filled


def digest_of(source: BinaryIO, algorithm: str = "sha256") -> tuple[Digest, int]:
    """The digest and the size in bytes of what `source` holds."""
    writer = HashingWriter(Discard(), algorithm)
    copy_stream(source, writer)
    return writer.digest, writer.size


def readinto(source: BinaryIO, view: memoryview) -> int:
    """Some bytes of `source` into `view`; their count, 0 at the end. Raises Abandoned."""
    stop_if_abandoned()
    into = getattr(source, "readinto", None)
    if into is not None:
        return int(into(view) or 0)
    content = source.read(len(view))
    view[: len(content)] = content
    return len(content)


def _hasher(digest: Digest, label: str) -> _Hash:
    if digest.verifiable:
        return hashlib.new(digest.algorithm)
    notices.warn(f"{label}: {digest.algorithm} is unknown here, so only its size can be verified")
    return hashlib.sha256()
