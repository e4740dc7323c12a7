"""All layers of an image as one tree, and then the content of its files, each verified.

Layers are read twice: once for their headers, when every digest and diff id is checked, and once
for the content of what is left, each straight through.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import BinaryIO, cast

from ocilayout.compression import inflated
from ocilayout.errors import BlobNotFound, CannotHold, IntegrityError
from ocilayout.graph import open_verified, read_fitting_config
from ocilayout.protocols import BlobReader
from ocilayout.recoding import codec_in
from ocilayout.rootfs.layers import lay_over
from ocilayout.rootfs.plan import Content
from ocilayout.rootfs.tree import Node, Tree
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import is_distributable, layer_type
from ocilayout.streams import Discard, HashingReader, Progress, copy_stream, ignore
from ocilayout.tar_blocks import StreamBlocks
from ocilayout.tar_sparse import content_chunks


@dataclass(frozen=True)
class FlatImage:
    """The file system of an image, and where the content of its files is."""

    tree: Tree
    source: BlobReader
    layers: Sequence[Descriptor]

    def contents(
        self, nodes: Iterable[Node], on_bytes: Progress = ignore
    ) -> Iterator[tuple[Node, Content]]:
        """Each file of `nodes` with its content, in the order in which the layers hold them.

        The content must be read before the next file is asked for. Raises IntegrityError where a
        layer is not what it was before; then what was given is not to be used.
        """
        wanted: dict[int, list[Node]] = {}
        for node in nodes:
            wanted.setdefault(node.layer, []).append(node)
        for number in sorted(wanted):
            with _plain(self.source, self.layers[number], on_bytes) as plain:
                blocks = StreamBlocks(plain, f"layer {self.layers[number].digest}", vouched=True)
                for node in sorted(wanted[number], key=_offset):
                    yield node, content_chunks(blocks, node.offset, node.size, node.sparse)
                for _ in blocks.tail(0):
                    pass


def _offset(node: Node) -> int:
    return node.offset


def flatten(source: BlobReader, manifest: Manifest, on_bytes: Progress = ignore) -> FlatImage:
    """The file system that the layers of an image come to, each digest and diff id checked.

    Raises CannotHold where a layer is no tar, and what reading raises.
    """
    tree = Tree(f"image {manifest.descriptor.digest}")
    for number, (layer, diff_id) in enumerate(_layers(source, manifest)):
        label = f"layer {layer.digest}"
        with _plain(source, layer, on_bytes) as plain:
            checked = diff_id if diff_id is not None and diff_id.verifiable else None
            hashing = HashingReader(plain, checked.algorithm if checked else "sha256")
            blocks = StreamBlocks(cast(BinaryIO, hashing), label, vouched=True)
            lay_over(tree, blocks, number)
            for _ in blocks.tail(0):
                pass
        if checked and hashing.digest != checked:
            raise IntegrityError(
                f"{label} inflates to {hashing.digest}, its config says {checked}: "
                "the image is damaged: fetch or build it again"
            )
    return FlatImage(tree, source, manifest.layers)


def layers_size(manifest: Manifest) -> int:
    """Bytes that flattening reads, and writing reads again."""
    return sum(layer.size for layer in manifest.layers)


def _layers(source: BlobReader, manifest: Manifest) -> list[tuple[Descriptor, Digest | None]]:
    """The layers with their diff ids; without where the config lists none: their own digests are
    checked even so."""
    config = read_fitting_config(source, manifest)
    called = manifest.descriptor.digest
    if config is None:
        raise CannotHold(f"{called} is an artifact, not an image: it has no file system")
    for layer in manifest.layers:
        if layer_type(layer.media_type) is None:
            raise CannotHold(
                f"layer {layer.digest} of image {called} is no layer tar that can be read: "
                f"{layer.media_type}"
            )
    return list(zip_longest(manifest.layers, config.diff_ids))


@contextmanager
def _plain(source: BlobReader, layer: Descriptor, on_bytes: Progress) -> Iterator[BinaryIO]:
    """A layer inflated; what is left of it is read, and so verified, when nothing failed."""
    try:
        codec = codec_in(source, layer)
        raw = open_verified(source, layer, on_bytes)
    except BlobNotFound:
        if not is_distributable(layer.media_type):
            raise CannotHold(
                f"layer {layer.digest} may not be distributed, and is not here"
            ) from None
        raise
    with raw:
        plain = inflated(raw, codec, f"layer {layer.digest}")
        yield plain
        copy_stream(plain, Discard())
        copy_stream(raw, Discard())
