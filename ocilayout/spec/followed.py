"""What leads to blobs in a way that is not followed here: Docker schema 1, and unknown documents.

To copy such a document and not its blobs would lose them without a word.
"""

from collections.abc import Mapping

from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor

SCHEMA_1 = (
    "Docker schema 1, which is not read here, so its layers would be lost: skopeo copy --format "
    "oci converts it where it came from"
)
"""The refusal of a manifest of before 2016. skopeo 1.9.3 converts one of a registry or a dir:
folder; docker 28.2 and later know it no more."""

_LISTS = ("manifests", "layers", "blobs", "fsLayers")
_DIGESTS = {"digest", "blobSum"}


def why_not_followed(entry: Descriptor, raw: bytes) -> str | None:
    """Why what an entry of an index leads to would be lost in a copy; None where nothing would.

    `raw` is the content of a blob of a type that is no document's, empty where it is too large to
    be one.
    """
    if entry.media_type in media_types.SCHEMA_1_MANIFESTS:
        return f"it is {SCHEMA_1}"
    fields = _fields_in(raw)
    if is_schema_1(fields):
        return f"it is {SCHEMA_1}"
    leading = [key for key in _LISTS if _lists_blobs(fields.get(key))]
    if not leading:
        return None
    stated = fields.get("mediaType")
    if isinstance(stated, str) and stated in media_types.DOCUMENTS:
        return f"it says that it is {stated!r}, but what leads to it says {entry.media_type!r}"
    return (
        f"it is {entry.media_type!r}, whose {' and '.join(leading)} lead to blobs in a way that is "
        "not known here, so they would be lost"
    )


def is_schema_1(fields: Mapping[str, object]) -> bool:
    """Whether these are the fields of a Docker schema 1 manifest, signed or not."""
    return fields.get("schemaVersion") == 1 and isinstance(fields.get("fsLayers"), list)


def _lists_blobs(value: object) -> bool:
    return isinstance(value, list) and any(
        isinstance(item, dict) and not _DIGESTS.isdisjoint(item) for item in value
    )


def _fields_in(raw: bytes) -> Mapping[str, object]:
    if raw[:1] not in {b"{", b" ", b"\t", b"\r", b"\n"}:
        return {}
    try:
        return strict_json.parse_object(raw, "blob")
    except InvalidDocument:
        return {}
