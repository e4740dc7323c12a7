"""Image archives, written: always the same bytes for the same images."""

import os
from typing import BinaryIO

from ocilayout.errors import InvalidArchive
from ocilayout.streams import Writable, copy_stream
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_encoding import DIRECTORY, REGULAR, encode_header
from ocilayout.tar_headers import Attributes


class TarWriter:
    """Writes an archive with no time, owner or mask in it, so that equal input is equal bytes."""

    def __init__(self, out: Writable) -> None:
        self._out = out

    def add(self, name: str, size: int, content: BinaryIO) -> None:
        """Add a file of exactly `size` bytes."""
        self._out.write(_header(name, size, directory=False))
        self._pad(copy_stream(content, self._out), name, size)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a small file."""
        self._out.write(_header(name, len(content), directory=False))
        self._out.write(content)
        self._pad(len(content), name, len(content))

    def add_directory(self, name: str) -> None:
        """Add a folder."""
        self._out.write(_header(f"{name}/", 0, directory=True))

    def finish(self) -> None:
        """End the archive."""
        self._out.write(bytes(2 * BLOCK))

    def _pad(self, written: int, name: str, size: int) -> None:
        if written != size:
            raise InvalidArchive(f"{name!r} has {written} bytes, not the {size} announced")
        self._out.write(bytes(-size % BLOCK))


def _header(name: str, size: int, *, directory: bool) -> bytes:
    flag, attributes = (DIRECTORY, _FOLDER) if directory else (REGULAR, _FILE)
    return encode_header(os.fsencode(name), flag, attributes, size=size)


_FILE, _FOLDER = Attributes(0o644, 0, 0, 0), Attributes(0o755, 0, 0, 0)
