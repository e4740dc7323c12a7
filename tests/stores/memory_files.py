"""The files of a tar or a folder, without either."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ocilayout.errors import BlobNotFound


@dataclass
class MemoryFiles:
    """A `Files` over a dictionary."""

    files: Mapping[str, bytes]
    is_folder: bool = False
    repeated: tuple[str, ...] = ()
    label: str = "memory.tar"

    def names(self) -> list[str]:
        return list(self.files)

    def walk(self) -> Iterator[tuple[str, str]]:
        return ((name, "file") for name in self.files)

    def __contains__(self, name: str) -> bool:
        return name in self.files

    def size(self, name: str) -> int:
        return len(self._content(name))

    def open(self, name: str) -> BinaryIO:
        return io.BytesIO(self._content(name))

    def _content(self, name: str) -> bytes:
        if name not in self.files:
            raise BlobNotFound(f"{self.label} has no {name}")
        return self.files[name]
