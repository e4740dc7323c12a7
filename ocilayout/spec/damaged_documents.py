"""Documents that may be damaged: what of them can be read all the same."""

from collections.abc import Iterator, Mapping

from ocilayout.errors import InvalidDocument, OciLayoutError
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index

LISTS = ("manifests", "layers", "blobs")


def descriptors_in(
    fields: Mapping[str, object], label: str
) -> Iterator[tuple[str, str, Descriptor | OciLayoutError]]:
    """The field of each descriptor, where in the document it stands, and it or why it is none.

    The subject is not among them: nothing is needed of it.
    """
    if fields.get("config") is not None:
        where = f"{label}: config"
        yield "config", where, _descriptor(fields["config"], where, needs_type=False)
    for key in LISTS:
        items = fields.get(key)
        for position, item in enumerate(items if isinstance(items, list) else ()):
            where = f"{label}: {key}[{position}]"
            yield key, where, _descriptor(item, where)


def readable_index(raw: bytes, label: str) -> Index:
    """An index of `raw`, whatever it is, with the descriptors in it that can be read."""
    try:
        fields = strict_json.parse_object(raw, label)
    except InvalidDocument:
        fields = {}
    stated = fields.get("mediaType")
    media_type = stated if stated and isinstance(stated, str) else media_types.OCI_INDEX
    found = (descriptor for _, _, descriptor in descriptors_in(fields, label))
    children = tuple(child for child in found if isinstance(child, Descriptor))
    return Index(media_type, raw, Digest.of(raw), fields, children, None)


def _descriptor(
    value: object, where: str, *, needs_type: bool = True
) -> Descriptor | OciLayoutError:
    try:
        return Descriptor.parse(value, where, needs_type=needs_type)
    except OciLayoutError as error:
        return error
