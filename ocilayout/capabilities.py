"""What some sources and destinations can do besides; whoever has a use for it asks.

Apart from the contract, since verbs that only read need none of it, and start-up counts.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, Protocol, runtime_checkable

from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest

if TYPE_CHECKING:
    from ocilayout.problems import Problem


@runtime_checkable
class ChoosyDestination(Protocol):
    """A destination that knows beforehand what it cannot hold."""

    def check(self, source: ImageSource) -> None:
        """Raise, before anything is copied, what commit would raise at the end."""
        ...


@runtime_checkable
class NamedDestination(Protocol):
    """A destination that may have images already, whose names another image can take over."""

    def held_names(self, names: Collection[str]) -> Mapping[str, Digest]:
        """Those of `names` that it has already, and the image that each leads to."""
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
        leads to, none for that of an artifact; None where not all of them are known.
        """
        ...

    def stored(self) -> Iterator[Descriptor]:
        """Every blob that is there, whether anything refers to it or not."""
        ...


def made_layers(reader: BlobReader) -> Collection[Digest]:
    """The layers that stand in no manifest but those that their reader had to make."""
    return reader.made_layers if isinstance(reader, MadeSource) else frozenset()
