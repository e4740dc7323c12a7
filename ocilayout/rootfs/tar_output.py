"""Trees written as one tar."""

from collections.abc import Sequence

from ocilayout.rootfs.plan import Plan
from ocilayout.rootfs.tree import NodeKind
from ocilayout.streams import Progress, Writable, ignore
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_encoding import (
    BLOCK_DEVICE,
    CHARACTER,
    DIRECTORY,
    FIFO,
    HARDLINK,
    REGULAR,
    SYMLINK,
    encode_header,
)

_FLAGS: dict[NodeKind, bytes] = {"character": CHARACTER, "block": BLOCK_DEVICE, "fifo": FIFO}


def write_tar(plans: Sequence[Plan], out: Writable, on_bytes: Progress = ignore) -> None:
    """Write all that is planned; the same bytes for the same images."""
    writer = _Gathering(out)
    for plan in plans:
        for path, folder in plan.folders:
            writer.write(encode_header(path + b"/", DIRECTORY, folder.attributes))
        for path, node, content in plan.contents(on_bytes):
            writer.write(encode_header(path, REGULAR, node.attributes, size=node.size))
            for chunk in content:
                writer.write(chunk)
            writer.write(bytes(-node.size % BLOCK))
        firsts = {path: node for node, path in plan.files.items()} if plan.hardlinks else {}
        for path, first in plan.hardlinks:
            attributes = firsts[first].attributes
            writer.write(encode_header(path, HARDLINK, attributes, target=first))
        for path, node in plan.specials:
            writer.write(encode_header(path, _FLAGS[node.kind], node.attributes))
        for path, node in plan.symlinks:
            writer.write(encode_header(path, SYMLINK, node.attributes, target=node.target))
    writer.write(bytes(2 * BLOCK))
    writer.flush()


class _Gathering:
    """Passes small pieces on together: a call for each header costs more than the header."""

    _ENOUGH = 256 * 1024

    def __init__(self, out: Writable) -> None:
        self._out = out
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, content: bytes) -> None:
        self._pieces.append(content)
        self._size += len(content)
        if self._size >= self._ENOUGH:
            self.flush()

    def flush(self) -> None:
        self._out.write(b"".join(self._pieces))
        self._pieces = []
        self._size = 0
