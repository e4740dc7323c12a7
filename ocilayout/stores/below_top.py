"""Files below a directory, as of a tar that was packed with it: `tar cf x.tar layout/`."""

import os
from collections.abc import Collection, Iterator
from typing import BinaryIO

from ocilayout.protocols import Files
from ocilayout.stores import kinds

_JUNK = ("._", ".DS_Store", "__MACOSX")
"""What macOS puts beside files, and for each file, of its own."""


class BelowTop:
    """The files below one directory of a tar, or of a directory."""

    def __init__(self, files: Files, top: str) -> None:
        self.label = files.label
        self.is_folder = files.is_folder
        self._files = files
        self._prefix = f"{top}/"

    @property
    def repeated(self) -> Collection[str]:
        """Names that stand in it twice."""
        below = (name for name in self._files.repeated if name.startswith(self._prefix))
        return [name.removeprefix(self._prefix) for name in below]

    def names(self) -> list[str]:
        """The names of all files below the directory."""
        return [name for name, _ in self.walk()]

    def walk(self) -> Iterator[tuple[str, str]]:
        """The names of all files below the directory, and what each is."""
        for name, kind in self._files.walk():
            if name.startswith(self._prefix):
                yield name.removeprefix(self._prefix), kind

    def __contains__(self, name: str) -> bool:
        return self._prefix + name in self._files

    def size(self, name: str) -> int:
        """The size in bytes of the file `name`."""
        return self._files.size(self._prefix + name)

    def open(self, name: str) -> BinaryIO:
        """The content of the file `name`; raises BlobNotFound or InvalidArchive."""
        return self._files.open(self._prefix + name)


def is_junk(name: str) -> bool:
    """Whether a file was put there by macOS, and belongs to nothing."""
    return any(part.startswith(_JUNK) for part in name.split("/"))


def top_directory(files: Files) -> str:
    """The directory of a tar in which all files of an image stand; empty where there is none."""
    parents = {
        os.path.dirname(name)
        for name, kind in files.walk()
        if kind != "directory" and not is_junk(name)
    }
    top = os.path.commonpath(parents) if parents else ""
    return top if top and kinds.recognized(BelowTop(files, top)) is not None else ""
