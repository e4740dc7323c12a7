"""A destination that takes several blobs at a time, and meets with trouble as told."""

from collections.abc import Callable, Iterable
from typing import BinaryIO

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.memory_destination import MemoryDestination


def _nothing(blob: Descriptor) -> None:
    """No trouble at all."""


class SharedDestination(MemoryDestination):
    """Calls `trouble` within each question and before each blob that it takes."""

    is_shared = True

    def __init__(
        self,
        present: Iterable[Digest] = (),
        *,
        asked: Callable[[Descriptor], None] = _nothing,
        trouble: Callable[[Descriptor], None] = _nothing,
    ) -> None:
        super().__init__(present)
        self._asked = asked
        self._trouble = trouble

    def has_blob(self, descriptor: Descriptor) -> bool:
        self._asked(descriptor)
        return super().has_blob(descriptor)

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        self._trouble(descriptor)
        super().put_blob(descriptor, content)
