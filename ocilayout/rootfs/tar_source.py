"""A tar of a root file system as a tree, plain or compressed, read in place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from ocilayout.compression import Codec, codec_of, inflated
from ocilayout.errors import InvalidArchive, NotAnImage
from ocilayout.rootfs.layers import lay_over
from ocilayout.rootfs.plan import Content
from ocilayout.rootfs.tree import Folder, Node, Tree
from ocilayout.spec.digest import Digest
from ocilayout.spooling import STANDARD_INPUT
from ocilayout.streams import (
    Discard,
    FileSlice,
    HashingReader,
    Progress,
    copy_stream,
    ignore,
    read_full,
)
from ocilayout.tar_blocks import BLOCK, StreamBlocks
from ocilayout.tar_file import require_tar
from ocilayout.tar_sparse import content_chunks


@dataclass(frozen=True)
class TarSource:
    """A tar that was gone over once."""

    file: BinaryIO
    size: int
    """Bytes of the file."""
    label: str
    codec: Codec
    digest: Digest
    """Of the file as it is."""
    diff_id: Digest
    """Of the tar in it."""
    tree: Tree

    @property
    def top(self) -> Folder:
        """The top folder."""
        return self.tree.root

    @classmethod
    def of(cls, file: BinaryIO, size: int, label: str) -> "TarSource":
        """The tar in an open file, which stays its owner's; raises InvalidArchive."""
        codec = codec_of(FileSlice(file.fileno(), 0, 8, label).read() or b"")
        _check_kind(_plain(file, size, codec, label), label, codec)
        tree = Tree(label)
        part = FileSlice(file.fileno(), 0, size, label)
        raw = HashingReader(cast(BinaryIO, part))
        plain = raw
        if codec.name != "none":
            plain = HashingReader(inflated(cast(BinaryIO, raw), codec, label))
        blocks = StreamBlocks(cast(BinaryIO, plain), label, vouched=False)
        lay_over(tree, blocks, 0)
        for _ in blocks.tail(0):
            pass
        copy_stream(cast(BinaryIO, raw), Discard())
        return cls(file, size, label, codec, raw.digest, plain.digest, tree)

    def contents(
        self, nodes: Iterable[Node], on_bytes: Progress = ignore
    ) -> Iterator[tuple[Node, Content]]:
        """Each file of `nodes` with its content, in the order of the tar."""
        plain = _plain(self.file, self.size, self.codec, self.label)
        blocks = StreamBlocks(plain, self.label, vouched=False)
        for node in sorted(nodes, key=lambda node: node.offset):
            on_bytes(node.size)
            yield node, content_chunks(blocks, node.offset, node.size, node.sparse)


def _check_kind(plain: BinaryIO, label: str, codec: Codec) -> None:
    """Raises NotAnImage or InvalidArchive where a file is known to be no tar."""
    first = memoryview(bytearray(BLOCK))
    head = bytes(first[: read_full(plain, first)])
    try:
        require_tar(head, plain, label, None if label == STANDARD_INPUT else label, codec.name)
    except NotAnImage:
        raise
    except InvalidArchive:
        # Zeros alone are an empty tar: a root file system without files.
        if not head or any(head):
            raise


def _plain(file: BinaryIO, size: int, codec: Codec, label: str) -> BinaryIO:
    return inflated(cast(BinaryIO, FileSlice(file.fileno(), 0, size, label)), codec, label)
