"""Layers compressed anew: into scratch files, some at a time, in the order in which they are put.

Workers run ahead of whoever puts the layers by a bounded number, so scratch holds no more than
the layers in flight, and the bytes do not depend on how many workers there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from ocilayout.compression import Codec, codec_of, deflated, inflated
from ocilayout.crew import MAX_THREADS, Crew
from ocilayout.durable_writer import DurableWriter
from ocilayout.errors import IntegrityError
from ocilayout.graph import open_verified
from ocilayout.protocols import BlobReader
from ocilayout.scratch import scratch_file
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import OCI_LAYER, LayerType, layer_type
from ocilayout.streams import (
    FileSlice,
    FileWriter,
    HashingWriter,
    Watch,
    Writable,
    copy_stream,
)

MAX_LAYERS_AT_ONCE = 3
"""What keeps memory within its bounds, with MAX_THREADS."""
MAX_LAYERS_AHEAD = 4
"""What keeps scratch within its bounds: a large layer does not hold back those behind it."""


class Order(NamedTuple):
    """A layer that is to be compressed anew."""

    layer: Descriptor
    has: Codec
    """How it is compressed."""
    codec: Codec
    """What it is to become."""
    diff_id: Digest | None
    """What it must inflate to, where a config says so."""


class Recoded(NamedTuple):
    """A layer that was compressed anew; whoever has taken it closes its scratch file, which may
    be linked to."""

    descriptor: Descriptor
    """Its new digest and size; the media type has the right codec."""
    file: BinaryIO

    def open(self) -> BinaryIO:
        """The new bytes, from the first."""
        return cast(BinaryIO, FileSlice(self.file.fileno(), 0, self.descriptor.size, "scratch"))


@dataclass(frozen=True)
class Workshop:
    """How layers are compressed; a context that closes scratch files, to be left after the crew."""

    source: BlobReader
    scratch: Path
    jobs: int
    level: int | None
    watch: Watch
    """Told what is read of the layers."""
    may_stay: bool = False
    """Whether the scratch files may become blobs, and so are going to be synced."""
    _files: list[BinaryIO] = field(default_factory=list)

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.close()

    def recoded(self, orders: Sequence[Order], crew: Crew) -> Iterator[Recoded]:
        """The results in the order of the orders; raises Abandoned where one failed."""
        at_once = max(1, min(self.jobs, len(orders), MAX_LAYERS_AT_ONCE))
        threads = max(1, min(self.jobs, MAX_THREADS) // at_once)
        tasks = (partial(self._recode, order, threads) for order in orders)
        return crew.in_order(tasks, "compress", at_once, ahead=MAX_LAYERS_AHEAD)

    def _recode(self, order: Order, threads: int) -> Recoded:
        layer = order.layer
        label = f"layer {layer.digest}"
        file = scratch_file(self.scratch)
        self._files.append(file)
        writer_of = DurableWriter if self.may_stay else FileWriter
        kept = writer_of(file.fileno(), f"scratch in {self.scratch}")
        out = HashingWriter(kept)
        # Closed in any case: what is being inflated may hold back other workers.
        with (
            self.watch(layer) as on_bytes,
            open_verified(self.source, layer, on_bytes) as raw,
            inflated(raw, order.has, label) as plain,
            deflated(out, order.codec, level=self.level, threads=threads) as writer,
        ):
            _copy_checked(plain, writer, order, label)
        if self.may_stay:
            # Now, while other layers are compressed: it may have to wait for those before it.
            kept.sync()
        descriptor = Descriptor.make(_media_type(layer, order.codec), out.digest, out.size)
        return Recoded(descriptor, file)


def codec_in(source: BlobReader, layer: Descriptor) -> Codec:
    """How a layer is compressed, by its first bytes: its media type may lie."""
    with source.open_blob(layer) as content:
        return codec_of(content.read(8))


def with_codec(layer: Descriptor, codec: Codec) -> Descriptor:
    """A descriptor of the same bytes whose media type says how they are compressed."""
    return Descriptor.make(_media_type(layer, codec), layer.digest, layer.size)


def _media_type(layer: Descriptor, codec: Codec) -> str:
    kind = layer_type(layer.media_type)
    if kind is None:
        return OCI_LAYER
    return LayerType(kind.family, codec.name, kind.distributable).media_type


def _copy_checked(plain: BinaryIO, writer: Writable, order: Order, label: str) -> None:
    """Copy the plain bytes of a layer; raises IntegrityError where they are not its diff id's."""
    expected, digest = order.diff_id, order.layer.digest
    if expected is None or expected == digest or not expected.verifiable:
        # What is read was verified against its digest.
        copy_stream(plain, writer)
        return
    check = HashingWriter(writer, expected.algorithm)
    copy_stream(plain, check)
    if check.digest != expected:
        raise IntegrityError(
            f"{label} inflates to {check.digest}, its config says {expected}: "
            "the image is damaged: fetch or build it again"
        )
