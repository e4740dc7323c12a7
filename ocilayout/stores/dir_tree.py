"""A tree of `dir:` directories, each named as its image, as `skopeo sync --dest dir` writes it.

`TREE/HOST/REPOSITORY:TAG` with --scoped, `TREE/REPOSITORY:TAG` without (skopeo-sync(1)).
"""

import os
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from ocilayout.errors import BlobNotFound, OciLayoutError, UsageError
from ocilayout.problems import Problem
from ocilayout.protocols import Files, ImageDestination, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.names import full_name, reference_of, renamed
from ocilayout.stores import skopeo_dir
from ocilayout.stores.below_top import BelowTop, is_junk
from ocilayout.stores.file_names import MANIFEST

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.destination_options import DestinationOptions

MAX_FILES = 100_000
"""Files that are looked at."""


def recognizes(files: Files) -> bool:
    """A directory with nothing in it, however deep, but images under their names."""
    if not files.is_folder:
        return False
    try:
        images = _image_directories(files)
        return bool(images) and all(skopeo_dir.recognizes(BelowTop(files, each)) for each in images)
    except (OciLayoutError, OSError):
        return False


def _image_directories(files: Files) -> list[str]:
    """The directories of images, sorted; none where any other file lies in the tree."""
    parents: set[str] = set()
    images: set[str] = set()
    for path, kind in islice(files.walk(), MAX_FILES):
        directory, name = os.path.split(path)
        if kind == "directory" or is_junk(path):
            continue
        if not _is_named(directory):
            # It could be any directory, and large.
            return []
        parents.add(directory)
        if name == MANIFEST:
            images.add(directory)
    return sorted(images) if images == parents else []


def _is_named(directory: str) -> bool:
    """Whether the last part of a path is `NAME:TAG` or `NAME@ALGORITHM:HEX`."""
    return ":" in os.path.basename(directory)


def _names_of(directory: str) -> list[str]:
    """The name of the image in a directory, if it was not taken by its digest."""
    is_name = "@" not in directory and reference_of(directory) is not None
    return [full_name(directory)] if is_name else []


def dialect(files: Files) -> str:
    """One word: there are no dialects."""
    return "directories of skopeo sync"


@contextmanager
def open_source(files: Files) -> Iterator[ImageSource]:
    """All images of the tree; raises InvalidDocument or InvalidArchive."""
    yield _Tree(files)


@contextmanager
def open_suspect(files: Files) -> Iterator[ImageSource]:
    """The images of a tree that may be damaged."""
    yield _SuspectTree(files)


class _Tree:
    absent: Collection[Digest] = frozenset()

    def __init__(self, files: Files) -> None:
        self._files = files
        self._paths = {os.path.basename(path): path for path, _ in files.walk()}
        self._manifests: dict[Digest, str] = {}
        entries: list[Descriptor] = []
        for directory in _image_directories(files):
            [top] = skopeo_dir.DirSource(BelowTop(files, directory)).index.children
            self._manifests[top.digest] = f"{directory}/{MANIFEST}"
            entries += renamed(top, _names_of(directory))
        self.index = Index.of(entries)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A blob or a manifest; raises BlobNotFound."""
        found = self._paths.get(skopeo_dir.file_name(descriptor))
        path = self._manifests.get(descriptor.digest, found)
        if path is None:
            raise BlobNotFound(f"{self._files.label} lacks {descriptor.digest}")
        return self._files.open(path)


class _SuspectTree(_Tree):
    index_label = "index"

    def problems(self, images: object) -> Iterator[Problem]:
        """None: whatever else lay in the tree, it would not have been taken for one."""
        return iter(())

    def stored(self) -> Iterator[Descriptor]:
        """Every blob file; a manifest is only known by what leads to it."""
        for path, kind in self._files.walk():
            name = os.path.basename(path)
            if kind == "file" and skopeo_dir.is_blob_name(name):
                size = self._files.size(path)
                yield Descriptor.make("application/octet-stream", Digest("sha256", name), size)


def open_destination(
    path: "Path | None", options: "DestinationOptions"
) -> AbstractContextManager[ImageDestination]:
    """Raises UsageError: a tree is read alone."""
    raise UsageError("a tree of dir: directories is not written: name a layout")
