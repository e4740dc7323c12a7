"""The fields that indexes and manifests share, read as what they are."""

from ocilayout.errors import InvalidDocument
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.fields import Fields


def refuse_two_in_one(fields: Fields) -> None:
    """CVE-2021-41190: one document that is an index for one tool and a manifest for another."""
    if "manifests" in fields.value and ("layers" in fields.value or "config" in fields.value):
        raise InvalidDocument(
            f"{fields.where} is an index and a manifest in one (CVE-2021-41190): "
            "tools would run different images from it"
        )


def descriptors(fields: Fields, key: str) -> tuple[Descriptor, ...]:
    """The descriptors under `key`, which must be there; raises InvalidDocument."""
    return tuple(
        Descriptor.parse(item, f"{fields.path(key)}[{position}]")
        for position, item in enumerate(fields.objects(key))
    )


def optional_descriptors(fields: Fields, key: str) -> tuple[Descriptor, ...]:
    """The descriptors under `key`, none where it is absent or null; raises InvalidDocument."""
    return descriptors(fields, key) if fields.optional_list(key) else ()


def config_descriptor(fields: Fields) -> Descriptor:
    """The config of a manifest, whose media type may be absent; raises InvalidDocument."""
    if "config" not in fields.value:
        raise InvalidDocument(f"{fields.path('config')} is missing")
    return Descriptor.parse(fields.value["config"], fields.path("config"), needs_type=False)


def subject_descriptor(fields: Fields) -> Descriptor | None:
    """What a document refers to, if anything; raises InvalidDocument."""
    subject = fields.value.get("subject")
    return None if subject is None else Descriptor.parse(subject, fields.path("subject"))
