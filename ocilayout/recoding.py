"""Layers compressed anew: into scratch files, some at a time, in the order in which they are put.

Workers run ahead of whoever puts the layers by a bounded number, so scratch holds no more than
the layers in flight, and the bytes do not depend on how many workers there are.
"""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import BinaryIO, cast

from ocilayout.compression import Codec, codec_of, deflated, inflated
from ocilayout.errors import IntegrityError
from ocilayout.graph import open_verified
from ocilayout.protocols import BlobReader
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import OCI_LAYER, LayerType, layer_type
from ocilayout.streams import (
    FileSlice,
    FileWriter,
    HashingWriter,
    Progress,
    Writable,
    copy_stream,
)

MAX_LAYERS_AT_ONCE = 4
MAX_THREADS = 8
"""What keeps memory within its bounds on machines with many processors."""


@dataclass(frozen=True)
class Order:
    """A layer that is to be compressed anew."""

    layer: Descriptor
    codec: Codec
    """What it is to become."""
    diff_id: Digest | None
    """What it must inflate to, where a config says so."""


@dataclass(frozen=True)
class Recoded:
    """A layer that was compressed anew."""

    descriptor: Descriptor
    """Its new digest and size; the media type has the right codec."""
    file: BinaryIO

    def open(self) -> BinaryIO:
        """The new bytes."""
        return cast(BinaryIO, FileSlice(self.file.fileno(), 0, self.descriptor.size))


@dataclass(frozen=True)
class Workshop:
    """How layers are compressed."""

    source: BlobReader
    scratch: Path
    jobs: int
    level: int | None
    on_bytes: Progress
    _stopped: Event = field(default_factory=Event)

    @contextmanager
    def recoded(self, orders: Sequence[Order]) -> Iterator[Iterator[Recoded]]:
        """The results, one for each order, in their order; a scratch file lives until the next."""
        waiting: deque[Future[Recoded]] = deque()
        at_once = max(1, min(self.jobs, len(orders), MAX_LAYERS_AT_ONCE))
        threads = max(1, min(self.jobs, MAX_THREADS) // at_once)
        with ThreadPoolExecutor(max_workers=at_once) as pool:

            def submit(order: Order) -> Future[Recoded]:
                return pool.submit(self._recode, order, threads)

            try:
                yield _in_order(submit, deque(orders), waiting, at_once + 1)
            finally:
                self._stopped.set()
                _abandon(waiting)

    def _count(self, count: int) -> None:
        if self._stopped.is_set():
            raise _Stopped
        self.on_bytes(count)

    def _recode(self, order: Order, threads: int) -> Recoded:
        layer = order.layer
        label = f"layer {layer.digest}"
        file = tempfile.TemporaryFile(dir=self.scratch, buffering=0)
        try:
            out = HashingWriter(FileWriter(file.fileno(), f"scratch in {self.scratch}"))
            with open_verified(self.source, layer, self._count) as raw:
                codec = codec_in(self.source, layer)
                # Closed in any case: what is being inflated may hold back other workers.
                with (
                    inflated(raw, codec, label) as plain,
                    deflated(out, order.codec, level=self.level, threads=threads) as writer,
                ):
                    _copy_checked(plain, writer, order, label)
        except BaseException:
            file.close()
            raise
        media_type = _media_type(layer, order.codec)
        descriptor = Descriptor.make(media_type, out.digest, out.size)
        return Recoded(descriptor, cast(BinaryIO, file))


def _in_order(
    submit: Callable[[Order], Future[Recoded]],
    orders: deque[Order],
    waiting: deque[Future[Recoded]],
    ahead: int,
) -> Iterator[Recoded]:
    while orders or waiting:
        while orders and len(waiting) < ahead:
            waiting.append(submit(orders.popleft()))
        result = waiting[0].result()
        try:
            yield result
        finally:
            result.file.close()
            waiting.popleft()


class _Stopped(Exception):
    """Nobody waits for this layer any more."""


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


def _abandon(waiting: deque[Future[Recoded]]) -> None:
    for future in waiting:
        if not future.cancel() and future.exception() is None:
            future.result().file.close()
