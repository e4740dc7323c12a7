"""The contract: what a source, a destination and a store are.

Nothing is inherited; a test double is a class with two methods.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, runtime_checkable

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.platform import Platform

if TYPE_CHECKING:
    from ocilayout.problems import Problem
    from ocilayout.registries.registry import Registries


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


@runtime_checkable
class ChoosyDestination(Protocol):
    """A destination that knows beforehand what it cannot hold."""

    def check(self, source: ImageSource) -> None:
        """Raise, before anything is copied, what commit would raise at the end."""
        ...


@runtime_checkable
class LinkDestination(Protocol):
    """A destination that can take a file without reading it."""

    def link_blob(self, descriptor: Descriptor, file: BinaryIO) -> bool:
        """Take a file by a hard link; False where it is on another file system, or no file."""
        ...


@runtime_checkable
class SharedDestination(Protocol):
    """A destination that takes several blobs at a time, each from a thread of its own."""

    @property
    def is_shared(self) -> bool:
        """Whether threads may ask for, put, link and mount different blobs at the same time."""
        ...


@runtime_checkable
class MountDestination(Protocol):
    """A destination that can get a blob from elsewhere without being sent it."""

    def mount_blob(self, descriptor: Descriptor) -> bool:
        """Take a blob that its own registry has elsewhere; False where that is not possible."""
        ...


@runtime_checkable
class MadeSource(Protocol):
    """A source that had to make manifests, since what it reads has none."""

    @property
    def made_layers(self) -> Collection[Digest]:
        """Layers that stand in no manifest but those that were made here."""
        ...


@runtime_checkable
class SuspectSource(Protocol):
    """A source that may be damaged, and knows what is wrong with the files that hold it."""

    @property
    def index_label(self) -> str:
        """What messages call its index."""
        ...

    def problems(self, images: Mapping[Digest, Collection[Digest]] | None) -> "Iterator[Problem]":
        """What is wrong with the files.

        `images` has the lists of layers, each as its list_digest, of each config that the index
        leads to; None where not all of them are known.
        """
        ...

    def stored(self) -> Iterator[Descriptor]:
        """Every blob that is there, whether anything refers to it or not."""
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


class DestinationOptions(NamedTuple):
    """How an output is written."""

    replace: bool = False
    """Whether an existing file may be replaced."""
    platforms: tuple[Platform, ...] = ()
    """Which platform a format with room for one takes, the most wanted first."""
    takes_zstd: bool = False
    """Whether it is known that whoever loads the output takes layers of zstd."""
    lock_timeout: float = 60.0
    """Seconds to wait for another process to leave a layout."""
    registries: "Registries | None" = None
    """The connections of the command, where it has any."""


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
        self, path: Path | None, options: DestinationOptions
    ) -> AbstractContextManager[ImageDestination]:
        """An output that appears at `path` when it is committed; None is standard output."""
        ...
