"""Blobs in memory, and blobs that are spread over several places."""

import io
from collections.abc import Sequence
from typing import BinaryIO

from ocilayout.errors import BlobNotFound
from ocilayout.protocols import BlobReader
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest


class MemoryBlobs:
    """Documents that were made here."""

    def __init__(self, contents: Sequence[bytes] = ()) -> None:
        self._contents = {Digest.of(content): content for content in contents}

    def add(self, content: bytes) -> None:
        """Keep `content` under its digest."""
        self._contents[Digest.of(content)] = content

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._contents

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content; raises BlobNotFound."""
        content = self._contents.get(descriptor.digest)
        if content is None:
            raise BlobNotFound(f"{descriptor.digest} is not in memory")
        return io.BytesIO(content)


class SpreadBlobs:
    """Several readers as one; the first that has a blob gives it."""

    def __init__(self, readers: Sequence[BlobReader]) -> None:
        self.readers = readers

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content; raises BlobNotFound, in the words of the last reader, where none has it."""
        missing = BlobNotFound(f"{descriptor.digest} is nowhere")
        for reader in self.readers:
            try:
                return reader.open_blob(descriptor)
            except BlobNotFound as error:
                missing = error
        raise missing
