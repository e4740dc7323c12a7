"""The content of one leaf: read once, hashed as it is and inflated."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, cast

from ocilayout.compression import Codec, codec_of, inflated
from ocilayout.errors import BlobNotFound, CompressionError, InvalidArchive, OldSparseMember
from ocilayout.graph import open_verified
from ocilayout.problems import Problem
from ocilayout.protocols import BlobReader
from ocilayout.rootfs.layer_check import check_layer
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import is_distributable, layer_type
from ocilayout.streams import CHUNK, Discard, Progress, copy_stream, readinto
from ocilayout.tar_blocks import BLOCK, StreamBlocks
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
    yield from _read_layer(cast(BinaryIO, content), codec, leaf)


def _codec_problems(codec: Codec, leaf: Leaf) -> Iterator[Problem]:
    kind = layer_type(leaf.descriptor.media_type)
    if leaf.is_layer and kind is not None and kind.codec != codec.name:
        has = "is plain" if codec.name == "none" else f"is {codec.name}"
        text = f"{leaf.descriptor.digest} {has}, {leaf.descriptor.media_type} says otherwise"
        yield Problem("layer-type-mismatch", f"{leaf.where}.mediaType", text)


def _read_layer(content: BinaryIO, codec: Codec, leaf: Leaf) -> Iterator[Problem]:
    """What is wrong with a layer, of which all headers are read and nothing is kept."""
    label = f"layer {leaf.descriptor.digest}"
    with ExitStack() as stack:
        plain = inflated(content, codec, label)
        if plain is not content:
            # Closed in any case: what is being inflated may hold back other workers.
            stack.callback(plain.close)
        reader = _PlainReader(plain, codec, leaf)
        try:
            problem = _header_problem(reader, label, leaf)
            copy_stream(content, Discard())
        except CompressionError as error:
            # Bytes that are not what the digest says explain it better.
            copy_stream(content, Discard())
            yield told(error, leaf.where)
            return
    if problem is not None:
        yield problem
    yield from reader.problems()


def _header_problem(reader: "_PlainReader", label: str, leaf: Leaf) -> Problem | None:
    """What is wrong with the tar in a layer, which is read to its end."""
    blocks = StreamBlocks(cast(BinaryIO, reader), label, vouched=True)
    problem = None
    try:
        leaf.shape = check_layer(blocks)
    except InvalidArchive as error:
        problem = _layer_problem(error, reader.head, leaf)
    for _ in blocks.tail(0):
        pass
    return problem or (None if is_header(reader.head) else _no_tar(leaf))


def _layer_problem(error: InvalidArchive, head: bytes, leaf: Leaf) -> Problem:
    if isinstance(error, OldSparseMember):
        return Problem("layer-sparse", leaf.where, error.text)
    if not is_header(head):
        return _no_tar(leaf)
    return Problem("layer-invalid", leaf.where, error.text)


def _no_tar(leaf: Leaf) -> Problem:
    return Problem("layer-not-tar", leaf.where, f"{leaf.descriptor.digest} holds no tar")


class _PlainReader(io.RawIOBase):
    """Hands on what a layer inflates to, and keeps nothing of it but hashes and the first block."""

    def __init__(self, plain: BinaryIO, codec: Codec, leaf: Leaf) -> None:
        self._plain = plain
        self._codec = codec
        self._leaf = leaf
        self.head = b""
        own = leaf.descriptor.digest.algorithm
        self._hashes = {
            diff_id.algorithm: hashlib.new(diff_id.algorithm)
            for diff_id in leaf.diff_ids
            # Of a plain layer the digest was verified on the way.
            if diff_id.verifiable and (codec.name != "none" or diff_id.algorithm != own)
        }

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        view = memoryview(buffer)
        count = readinto(self._plain, view)
        for running in self._hashes.values():
            running.update(view[:count])
        if len(self.head) < BLOCK:
            self.head += bytes(view[: min(count, BLOCK - len(self.head))])
        return count

    def problems(self) -> Iterator[Problem]:
        """In what the bytes that came are not what configs say."""
        digest, where = self._leaf.descriptor.digest, self._leaf.where
        for diff_id in sorted(self._leaf.diff_ids):
            found = digest
            if diff_id.algorithm in self._hashes:
                hashed = self._hashes[diff_id.algorithm].hexdigest()
                found = Digest(diff_id.algorithm, hashed)
            if found != diff_id and diff_id.verifiable:
                verb = "is" if self._codec.name == "none" else "inflates to"
                text = f"{digest} {verb} {found}, the config says {diff_id}"
                yield Problem("diff-id-mismatch", where, text)
