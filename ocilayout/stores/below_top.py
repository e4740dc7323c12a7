"""A tar that was packed with the directory around an image: `tar cf x.tar layout/`."""

import os
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO

from ocilayout.protocols import Files
from ocilayout.stores.file_names import INDEX, MANIFEST

_JUNK = ("._", ".DS_Store", "__MACOSX")
"""What macOS puts beside files, and for each file, of its own."""


class BelowTop:
    """The files of a tar below the one directory at its top."""

    is_folder = False

    def __init__(self, files: Files, top: str) -> None:
        self.label = files.label
        self._files = files
        self._prefix = f"{top}/"

    @property
    def repeated(self) -> Collection[str]:
        """Names that stand in it twice."""
        return [*self._below(self._files.repeated)]

    def names(self) -> list[str]:
        """The names of all members below the directory."""
        return [*self._below(self._files.names())]

    def walk(self) -> Iterator[tuple[str, str]]:
        """The names of all members below the directory, and what each is."""
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

    def _below(self, names: Iterable[str]) -> Iterator[str]:
        for name in names:
            if name.startswith(self._prefix):
                yield name.removeprefix(self._prefix)


def top_directory(files: Files) -> str:
    """The directory of a tar in which all files of an image stand; empty where there is none."""
    parents = {
        os.path.dirname(name)
        for name, kind in files.walk()
        if kind != "directory" and not any(part.startswith(_JUNK) for part in name.split("/"))
    }
    top = os.path.commonpath(parents) if parents else ""
    is_image = f"{top}/{INDEX}" in files or f"{top}/{MANIFEST}" in files
    return top if top and is_image else ""
