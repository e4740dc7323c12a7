"""A destination that keeps what it is given."""

from collections.abc import Iterable
from typing import BinaryIO

from ocilayout.graph import is_document
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.images import MemorySource


class MemoryDestination:
    """Takes blobs, and shows afterwards in which order they came and what was committed."""

    def __init__(self, present: Iterable[Digest] = ()) -> None:
        self.present = set(present)
        self.contents: dict[Digest, bytes] = {}
        self.put: list[Descriptor] = []
        self.committed: ImageSource | None = None

    def has_blob(self, descriptor: Descriptor) -> bool:
        return descriptor.digest in self.present or descriptor.digest in self.contents

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        assert self.committed is None
        assert not self.has_blob(descriptor)
        self.contents[descriptor.digest] = content.read()
        self.put.append(descriptor)

    def commit(self, source: ImageSource) -> None:
        assert self.committed is None
        self.committed = source

    @property
    def result(self) -> MemorySource:
        """What it holds, as a source."""
        assert self.committed is not None
        return MemorySource(self.committed.index, self.contents)

    @property
    def leaves(self) -> list[Digest]:
        """What is no document, in the order in which it came."""
        return [blob.digest for blob in self.put if not is_document(blob)]
