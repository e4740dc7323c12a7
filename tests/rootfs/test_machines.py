"""What is found in the heads of programs; the real ones are in the tests of import."""

from collections.abc import Iterable, Iterator

import pytest

from ocilayout.rootfs.machines import platform_in
from ocilayout.rootfs.plan import Content
from ocilayout.rootfs.tree import IMPLICIT, Folder, Node
from ocilayout.spec.platform import Platform
from ocilayout.streams import Progress, ignore

ARM64 = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + b"\xb7\0"


class Reader:
    """Content of one program that comes in pieces and never ends; counts those taken."""

    def __init__(self, head: bytes, piece: int) -> None:
        self._head = head
        self._piece = piece
        self.taken = 0

    def contents(
        self, nodes: Iterable[Node], on_bytes: Progress = ignore
    ) -> Iterator[tuple[Node, Content]]:
        for node in nodes:
            yield node, self._endless()

    def _endless(self) -> Iterator[bytes]:
        for start in range(0, len(self._head), self._piece):
            self.taken += 1
            yield self._head[start : start + self._piece]
        while True:
            self.taken += 1
            assert self.taken < 1000, "a whole program is read for its head"
            yield bytes(self._piece)


@pytest.fixture
def top() -> Folder:
    """A root file system with one program."""
    program = Node("file", IMPLICIT, size=1 << 40)
    folder = Folder()
    folder.children[b"program"] = program
    return folder


@pytest.mark.parametrize("piece", [1, 7, 52, 4096])
def test_a_program_of_any_size_is_known_by_its_head(top: Folder, piece: int) -> None:
    reader = Reader(ARM64, piece)
    assert platform_in(reader, top) == Platform("linux", "arm64")
    assert reader.taken <= 52


def test_a_program_of_no_known_machine_tells_nothing(top: Folder) -> None:
    assert platform_in(Reader(b"#!/bin/sh\n", 4096), top) is None
