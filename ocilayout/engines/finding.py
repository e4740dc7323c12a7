"""A source as engines find what is in it: by digests alone, whatever else documents state."""

import io
from collections.abc import Collection
from typing import BinaryIO

from ocilayout.errors import BlobNotFound, InvalidArchive
from ocilayout.graph import is_document
from ocilayout.protocols import Files, ImageSource
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest


def as_engines_find(source: ImageSource, files: Files) -> ImageSource:
    """The source in which damaged documents are not there, and a wrong size at the top is right.

    docker 29 and containerd 2 store each member under the digest that it has, and then look for
    those that are named (containerd:core/images/archive/importer.go).
    """
    return _ByDigest(source, files)


class _ByDigest:
    def __init__(self, base: ImageSource, files: Files) -> None:
        self._base = base
        self.index = base.index.with_entries(
            [_with_true_size(entry, files) for entry in base.index.children]
        )

    @property
    def absent(self) -> Collection[Digest]:
        return self._base.absent

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        content = self._base.open_blob(descriptor)
        is_config = descriptor.media_type in media_types.IMAGE_CONFIGS
        limit = strict_json.MAX_CONFIG_SIZE if is_config else strict_json.MAX_DOCUMENT_SIZE
        is_read = (is_config or is_document(descriptor)) and descriptor.digest.verifiable
        if not is_read or descriptor.size > limit:
            return content
        with content:
            raw = content.read(limit + 1)
        if Digest.of(raw, descriptor.digest.algorithm) != descriptor.digest:
            raise BlobNotFound(f"{descriptor.digest} is damaged: it has other bytes")
        return io.BytesIO(raw)


def _with_true_size(entry: Descriptor, files: Files) -> Descriptor:
    path = entry.digest.blob_path
    try:
        size = files.size(path) if path in files else entry.size
    except InvalidArchive:
        # No regular file: reading it says so.
        return entry
    return entry if size == entry.size else entry.edited(size=size)
