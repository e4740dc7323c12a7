"""The content of one leaf: read once, hashed as it is and inflated."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO, cast

from ocilayout.compression import Codec, codec_of
from ocilayout.errors import BlobNotFound, CompressionError
from ocilayout.graph import open_verified
from ocilayout.problems import Problem
from ocilayout.protocols import BlobReader
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import is_distributable, layer_type
from ocilayout.streams import CHUNK, Discard, Progress, copy_stream
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_end import is_header
from ocilayout.verify.leaf import Leaf
from ocilayout.verify.telling import READING, told

_HEAD = 8
"""Bytes that tell a codec."""


def problems_of_content(source: BlobReader, leaf: Leaf, on_bytes: Progress) -> list[Problem]:
    """What is wrong with all of a leaf; `on_bytes` is told what was read."""
    try:
        if not leaf.descriptor.digest.verifiable:
            return list(_size_problems(source, leaf, on_bytes))
        with _opened(source, leaf.descriptor, on_bytes) as content:
            return list(_read(content, leaf))
    except BlobNotFound as error:
        return [_missing(leaf, error)]
    except READING as error:
        return [told(error, leaf.where)]


def problems_of_head(source: BlobReader, leaf: Leaf) -> list[Problem]:
    """What the first bytes of a leaf tell."""
    try:
        with source.open_blob(leaf.descriptor) as content:
            return list(_codec_problems(codec_of(content.read(_HEAD) or b""), leaf))
    except BlobNotFound as error:
        return [_missing(leaf, error)]
    except READING as error:
        return [told(error, leaf.where)]


def _missing(leaf: Leaf, error: BlobNotFound) -> Problem:
    if not is_distributable(leaf.descriptor.media_type):
        return Problem("layer-not-distributed", leaf.where, f"{leaf.descriptor.digest} is absent")
    return told(error, leaf.where)


def _opened(source: BlobReader, descriptor: Descriptor, on_bytes: Progress) -> io.BufferedReader:
    raw = open_verified(source, descriptor, on_bytes)
    return io.BufferedReader(cast(io.RawIOBase, raw), CHUNK)


def _size_problems(source: BlobReader, leaf: Leaf, on_bytes: Progress) -> Iterator[Problem]:
    """All that can be said of a blob whose digest nobody can compute."""
    descriptor = leaf.descriptor
    with source.open_blob(descriptor) as content:
        size = copy_stream(content, Discard())
    on_bytes(size)
    if size != descriptor.size:
        text = f"{descriptor.digest} has {size} bytes, its descriptor says {descriptor.size}"
        yield Problem("blob-damaged", leaf.where, text)


def _read(content: io.BufferedReader, leaf: Leaf) -> Iterator[Problem]:
    codec = codec_of(content.peek(_HEAD)[:_HEAD])
    yield from _codec_problems(codec, leaf)
    if not leaf.is_layer:
        copy_stream(cast(BinaryIO, content), Discard())
        return
    layer = _PlainLayer(codec, leaf)
    try:
        layer.pour(content)
    except CompressionError as error:
        # Bytes that are not what the digest says explain it better.
        copy_stream(cast(BinaryIO, content), Discard())
        yield told(error, leaf.where)
        return
    yield from layer.problems()


def _codec_problems(codec: Codec, leaf: Leaf) -> Iterator[Problem]:
    kind = layer_type(leaf.descriptor.media_type)
    if leaf.is_layer and kind is not None and kind.codec != codec.name:
        has = "is plain" if codec.name == "none" else f"is {codec.name}"
        text = f"{leaf.descriptor.digest} {has}, {leaf.descriptor.media_type} says otherwise"
        yield Problem("layer-type-mismatch", f"{leaf.where}.mediaType", text)


class _PlainLayer:
    """Takes what a layer inflates to, and keeps nothing of it but hashes and the first block."""

    def __init__(self, codec: Codec, leaf: Leaf) -> None:
        self._codec = codec
        self._leaf = leaf
        self._head = b""
        own = leaf.descriptor.digest.algorithm
        self._hashes = {
            diff_id.algorithm: hashlib.new(diff_id.algorithm)
            for diff_id in leaf.diff_ids
            # Of a plain layer the digest was verified on the way.
            if diff_id.verifiable and (codec.name != "none" or diff_id.algorithm != own)
        }

    def pour(self, content: io.BufferedReader) -> None:
        """Take all of it; raises CompressionError, and IntegrityError with the last byte."""
        if self._codec.name == "none":
            copy_stream(cast(BinaryIO, content), self)
            return
        label = f"layer {self._leaf.descriptor.digest}"
        chunks: Any = self._codec.inflate(cast(BinaryIO, content), label)
        # Closed in any case: what is being inflated may hold back other workers.
        with closing(chunks):
            for chunk in chunks:
                self.write(chunk)

    def write(self, chunk: memoryview | bytes) -> int:
        """Hash a piece."""
        for running in self._hashes.values():
            running.update(chunk)
        if len(self._head) < BLOCK:
            self._head += bytes(chunk[: BLOCK - len(self._head)])
        return len(chunk)

    def problems(self) -> Iterator[Problem]:
        """What is wrong with what came."""
        digest, where = self._leaf.descriptor.digest, self._leaf.where
        if not is_header(self._head):
            yield Problem("layer-not-tar", where, f"{digest} holds no tar")
        for diff_id in sorted(self._leaf.diff_ids):
            found = digest
            if diff_id.algorithm in self._hashes:
                hashed = self._hashes[diff_id.algorithm].hexdigest()
                found = Digest(diff_id.algorithm, hashed)
            if found != diff_id and diff_id.verifiable:
                verb = "is" if self._codec.name == "none" else "inflates to"
                text = f"{digest} {verb} {found}, the config says {diff_id}"
                yield Problem("diff-id-mismatch", where, text)
