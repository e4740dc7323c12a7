"""Layers read to their end, for what in one of them makes an engine refuse an image.

Only what Go's readers are known to refuse is a fault: they take more than the readers here.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from ocilayout.compression import codec_of, inflated
from ocilayout.engines.faults import Fault
from ocilayout.errors import (
    BlobNotFound,
    CompressionError,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    OldSparseMember,
    TruncatedArchive,
)
from ocilayout.graph import manifest_if_here, manifests_below, read_config
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.streams import CHUNK, Discard, HashingReader, copy_stream, readinto
from ocilayout.tar_blocks import BLOCK, StreamBlocks
from ocilayout.tar_end import is_header
from ocilayout.tar_headers import read_headers

SMALL = 16 * 1024 * 1024
"""Bytes of layers, together, that are read without being asked to."""
_SMALL_INSIDE = 256 * 1024 * 1024
"""Bytes that one of them is decompressed to, at most."""
_HEAD = 8


@dataclass(frozen=True)
class LayerReading:
    """What the layers of a file tell."""

    faults: Mapping[Digest, tuple[Fault, ...]] = field(default_factory=dict)
    """By the image id."""
    is_complete: bool = True
    """Whether all layers that are here were read to their end."""


NOT_READ = LayerReading(is_complete=False)


def read_layers(sources: Iterable[ImageSource], *, reads_all: bool) -> LayerReading:
    """What is wrong with the layers of all images: of all layers, or as long as they are small."""
    reader = _LayerReader(None if reads_all else SMALL)
    faults: dict[Digest, tuple[Fault, ...]] = {}
    for source in sources:
        for descriptor in manifests_below(source, source.index.children):
            manifest = manifest_if_here(source, descriptor)
            if manifest is not None and manifest.is_image and manifest.config is not None:
                faults[manifest.config.digest] = tuple(reader.of_image(source, manifest))
    return LayerReading(faults, not reader.passed_over)


class _LayerReader:
    """Reads each layer once, as long as there are bytes left to be read."""

    def __init__(self, left: int | None) -> None:
        self._left = left
        self._known: dict[tuple[Digest, Digest], tuple[Fault, ...]] = {}
        self.passed_over = False

    def of_image(self, source: BlobReader, manifest: Manifest) -> Iterator[Fault]:
        """What is wrong with the layers of an image, as far as its config tells what they are."""
        try:
            config = read_config(source, manifest)
        except (BlobNotFound, IntegrityError, InvalidDocument):
            return
        diff_ids = config.diff_ids if config else ()
        for layer, diff_id in zip(manifest.layers, diff_ids, strict=False):
            key = (layer.digest, diff_id)
            if key not in self._known:
                self._known[key] = tuple(self._of_layer(source, layer, diff_id))
            yield from self._known[key]

    def _of_layer(self, source: BlobReader, layer: Descriptor, diff_id: Digest) -> Iterator[Fault]:
        if self._left is not None and layer.size > self._left:
            self.passed_over = True
            return
        limit = None if self._left is None else _SMALL_INSIDE
        if self._left is not None:
            self._left -= layer.size
        try:
            with source.open_blob(layer) as content:
                yield from _faults(content, layer, diff_id, limit)
        except _TooLong:
            self.passed_over = True
        except BlobNotFound:
            return
        except IntegrityError as error:
            # A compressed layer of a Docker archive is checked by what hands it out.
            yield Fault("diff-id-wrong", f"{layer.digest}: {error}")


def _faults(
    content: BinaryIO, layer: Descriptor, diff_id: Digest, limit: int | None
) -> Iterator[Fault]:
    outside = HashingReader(content, _algorithm(layer.digest))
    buffered = _buffered(outside)
    yield from _faults_inside(buffered, str(layer.digest), diff_id, limit)
    _drain(buffered)
    if layer.digest.verifiable and outside.digest != layer.digest:
        yield Fault("blob-damaged", str(layer.digest))


def _faults_inside(
    content: io.BufferedReader, title: str, diff_id: Digest, limit: int | None
) -> Iterator[Fault]:
    codec = codec_of(content.peek(_HEAD)[:_HEAD])
    # What decompresses closes what it reads, which is read on here.
    outside = cast(BinaryIO, _Limited(cast(BinaryIO, content), None))
    plain = _Limited(inflated(outside, codec, title), limit)
    inside = HashingReader(cast(BinaryIO, plain), _algorithm(diff_id))
    buffered = _buffered(inside)
    try:
        yield from _tar_faults(buffered, title)
        _drain(buffered)
    except CompressionError as error:
        yield Fault("layer-damaged", f"{title}: {error}")
        return
    if diff_id.verifiable and inside.digest != diff_id:
        yield Fault("diff-id-wrong", f"{title} is {inside.digest} inside, not {diff_id}")


def _tar_faults(content: io.BufferedReader, title: str) -> Iterator[Fault]:
    if not is_header(content.peek(BLOCK)[:BLOCK]):
        yield Fault("layer-damaged", f"{title}, which is no tar")
        return
    # StreamBlocks closes what it reads when it goes.
    headers = cast(BinaryIO, _Limited(cast(BinaryIO, content), None))
    try:
        for _ in read_headers(StreamBlocks(headers, title, vouched=True)):
            pass
    except OldSparseMember:
        yield Fault("layer-sparse", title)
    except TruncatedArchive:
        yield Fault("layer-damaged", f"{title}, which is cut off,")
    except InvalidArchive:
        # Go may take what this reader does not.
        return


def _algorithm(digest: Digest) -> str:
    return digest.algorithm if digest.verifiable else "sha256"


def _buffered(content: HashingReader) -> io.BufferedReader:
    return io.BufferedReader(content, CHUNK)


def _drain(content: io.BufferedReader) -> None:
    copy_stream(cast(BinaryIO, content), Discard())


class _TooLong(Exception):
    """A small layer that is not small inside."""


class _Limited(io.RawIOBase):
    """Content that raises _TooLong after so many bytes; it stays its owner's to close."""

    def __init__(self, content: BinaryIO, limit: int | None) -> None:
        self._content = content
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = readinto(self._content, memoryview(buffer))
        if self._left is not None:
            self._left -= count
            if self._left < 0:
                raise _TooLong
        return count
