"""A manifest or index that lies among the blobs of a layout and stands in no index.

A tag that moved, or an index.json that was overwritten, leaves it behind; its digest names it.
"""

from contextlib import suppress

from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDocument
from ocilayout.graph import read_bytes
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import parse_document


def unlisted_document(source: ImageSource, digest: Digest) -> Descriptor | None:
    """The document of this digest, whatever the index lists; None where there is none.

    Raises IntegrityError where the blob is not what its digest says.
    """
    if not digest.verifiable:
        return None
    size = _size_of(source, digest)
    if size is None:
        return None
    raw = read_bytes(source, Descriptor.make("application/octet-stream", digest, size))
    with suppress(InvalidDocument):
        media_type = _media_type(raw)
        if media_type in media_types.DOCUMENTS:
            found = Descriptor.make(media_type, digest, size)
            parse_document(found, raw)
            return found
    return None


def _size_of(source: ImageSource, digest: Digest) -> int | None:
    """Bytes of a blob that may be a document; None where it is none, or not here."""
    limit = strict_json.MAX_DOCUMENT_SIZE
    try:
        with source.open_blob(Descriptor.make("application/octet-stream", digest, 0)) as content:
            size = 0
            while size <= limit and (chunk := content.read(limit + 1 - size)):
                size += len(chunk)
    except (BlobNotFound, InvalidArchive):
        return None
    return size if size <= limit else None


def _media_type(raw: bytes) -> str:
    """What a document says that it is, or is by its fields where it does not; raises."""
    fields = strict_json.parse_object(raw, "blob")
    stated = fields.get("mediaType")
    if isinstance(stated, str) and stated:
        return stated
    if "manifests" in fields:
        return media_types.OCI_INDEX
    return media_types.OCI_MANIFEST if "config" in fields and "layers" in fields else ""
