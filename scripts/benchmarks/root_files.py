"""Layers of real files: the machine's own, in a mixture that is the same each time."""

import os
import random
import stat
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

ORIGIN = Path("/usr")
"""Where files come from: what every machine has, and nothing that is secret."""
_MAX_FILE = 256 * 1024 * 1024
_BLOCK = 512


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    round: int
    """How often all files were taken before; then their bytes are changed."""

    @property
    def name(self) -> str:
        """Its name in the layer."""
        folder = f"copy-{self.round}" if self.round else ""
        return os.path.join(folder, str(self.path).lstrip("/"))

    def open(self) -> BinaryIO:
        """Its content."""
        file = self.path.open("rb")
        return cast(BinaryIO, _Changed(file, self.round)) if self.round else file


class _Changed:
    """A file with each byte another, so that it compresses as well and is not the same."""

    def __init__(self, file: BinaryIO, shift: int) -> None:
        self._file = file
        self._table = bytes((value + shift) % 256 for value in range(256))

    def read(self, count: int = -1) -> bytes:
        return self._file.read(count).translate(self._table)

    def __enter__(self) -> "_Changed":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def write_layers(paths: Sequence[Path], sizes: Sequence[int]) -> None:
    """Write a layer tar of about so many bytes at each path; no file is in two of them."""
    files = _endless()
    for path, size in zip(paths, sizes, strict=True):
        _write_layer(path, sorted(_taken(files, size), key=lambda file: file.name))


def write_zeros(path: Path, size: int) -> None:
    """Write a layer tar of one file of `size` zeros, which takes no room on the disk."""
    with path.open("wb") as out:
        header = tarfile.TarInfo("zeros")
        header.size = size
        out.write(header.tobuf())
        out.truncate(_BLOCK + -(-size // _BLOCK) * _BLOCK + 2 * _BLOCK)


def _taken(files: Iterator[_File], size: int) -> Iterator[_File]:
    left = size - 2 * _BLOCK
    for file in files:
        if left <= _BLOCK:
            return
        room = left - _BLOCK
        yield _File(file.path, min(file.size, room), file.round)
        left -= _BLOCK + -(-min(file.size, room) // _BLOCK) * _BLOCK


def _endless() -> Iterator[_File]:
    """All files of the machine, mixed, over and over."""
    found = sorted(_found())
    random.Random(0).shuffle(found)
    number = 0
    while found:
        yield from (_File(Path(path), size, number) for path, size in found)
        number += 1


def _found() -> Iterator[tuple[str, int]]:
    seen: set[tuple[int, int]] = set()
    for folder, _, names in os.walk(ORIGIN):
        for name in names:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            known = (status.st_dev, status.st_ino) in seen
            seen.add((status.st_dev, status.st_ino))
            is_plain = stat.S_ISREG(status.st_mode) and os.access(path, os.R_OK)
            if is_plain and not known and 0 < status.st_size <= _MAX_FILE:
                yield path, status.st_size


def _write_layer(path: Path, files: Sequence[_File]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for file in files:
            header = tarfile.TarInfo(file.name)
            header.size = file.size
            header.mode = 0o755 if os.access(file.path, os.X_OK) else 0o644
            with file.open() as content:
                tar.addfile(header, content)
