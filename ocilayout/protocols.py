"""The contract: what a source, a destination and a store are.

Nothing is inherited; a test double is a class with two methods.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.destination_options import DestinationOptions


class BlobReader(Protocol):
    """Where blobs are read."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content, not verified yet; raises BlobNotFound where it is not here."""
        ...


class ImageSource(BlobReader, Protocol):
    """An index, and a way to open the blobs that it leads to."""

    @property
    def index(self) -> Index:
        """As a layout's index.json lists it."""
        ...

    @property
    def absent(self) -> Collection[Digest]:
        """What its documents name and it is known, and allowed, not to have."""
        ...


class ImageDestination(Protocol):
    """Takes blobs, and is then told to publish."""

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the content is there and is what its digest says: asked of content."""
        ...

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Take all of it, or nothing; `content` raises where it is not as described.

        Raises TransferBroken to be called again, with the same content from its first byte.
        """
        ...

    def commit(self, source: ImageSource) -> None:
        """Publish source.index; once, last."""
        ...


class Files(Protocol):
    """A folder or a tar, whose files are read by name."""

    label: str
    """What messages call it."""
    is_folder: bool

    @property
    def repeated(self) -> Collection[str]:
        """Names that stand in it twice, where it was opened to be verified; the last counts."""
        ...

    def names(self) -> Iterable[str]:
        """The names in it: of a tar all of them, of a folder those at its top."""
        ...

    def walk(self) -> Iterator[tuple[str, str]]:
        """Every name in it, however deep, and its kind: file, directory, or another."""
        ...

    def __contains__(self, name: str) -> bool: ...

    def size(self, name: str) -> int:
        """Bytes; raises BlobNotFound."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The content of a regular file; raises BlobNotFound or InvalidArchive."""
        ...


class Store(Protocol):
    """A kind of place where images live; a module of stores/ satisfies it."""

    def recognizes(self, files: Files) -> bool:
        """Whether `files` is one of its kind, by what is in it."""
        ...

    def dialect(self, files: Files) -> str:
        """Which of its kind `files` is, in words."""
        ...

    def open_source(self, files: Files) -> AbstractContextManager[ImageSource]:
        """The images in `files`."""
        ...

    def open_suspect(self, files: Files) -> AbstractContextManager[ImageSource]:
        """The same, to be verified: raises nothing where that can be told as a problem."""
        ...

    def open_destination(
        self, path: "Path | None", options: "DestinationOptions"
    ) -> AbstractContextManager[ImageDestination]:
        """An output that appears at `path` when it is committed; None is standard output."""
        ...
