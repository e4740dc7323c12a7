"""Descriptors: the arrows of the graph, each a media type, a digest and a size.

What a descriptor says beyond the specification is kept: it is an object with typed views, and an
edit changes the fields that it names and no others.
"""

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ocilayout.errors import IntegrityError, InvalidDocument
from ocilayout.spec.digest import Digest
from ocilayout.spec.fields import Fields
from ocilayout.spec.platform import Platform

FIELDS = (
    "mediaType",
    "digest",
    "size",
    "urls",
    "annotations",
    "data",
    "platform",
    "artifactType",
)


class Descriptor(NamedTuple):
    """One arrow; `fields` is the JSON object as it came."""

    media_type: str
    digest: Digest
    size: int
    """Bytes."""
    platform: Platform | None = None
    annotations: Mapping[str, str] = MappingProxyType({})
    artifact_type: str | None = None
    fields: Mapping[str, object] = MappingProxyType({})

    @classmethod
    def parse(cls, value: object, where: str, *, needs_type: bool = True) -> "Descriptor":
        """The descriptor that a JSON object holds (descriptor.md).

        Without `needs_type` the media type may be absent, as engines allow it of configs alone.
        Raises InvalidDocument with the path inside the document, and IntegrityError where
        embedded `data` is not what the digest says.
        """
        fields = Fields(value, where, known=FIELDS)
        digest = fields.text("digest")
        try:
            parsed = Digest.parse(digest)
        except InvalidDocument as error:
            raise type(error)(f"{fields.path('digest')}: {error}") from None
        platform = fields.value.get("platform")
        fields.texts("urls")
        found = cls(
            fields.text("mediaType") if needs_type else fields.optional_text("mediaType") or "",
            parsed,
            fields.size("size"),
            None if platform is None else Platform.from_fields(platform, fields.path("platform")),
            fields.mapping("annotations"),
            fields.optional_text("artifactType"),
            fields.value,
        )
        _check_data(found, fields)
        return found

    @classmethod
    def of(
        cls,
        media_type: str,
        content: bytes,
        *,
        platform: Platform | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> "Descriptor":
        """The descriptor of a document that was made here."""
        return cls.make(
            media_type,
            Digest.of(content),
            len(content),
            platform=platform,
            annotations=annotations,
        )

    @classmethod
    def make(
        cls,
        media_type: str,
        digest: Digest,
        size: int,
        *,
        platform: Platform | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> "Descriptor":
        """A new descriptor of content whose digest and size in bytes are known."""
        fields: dict[str, object] = {
            "mediaType": media_type,
            "digest": str(digest),
            "size": size,
        }
        if annotations:
            fields["annotations"] = dict(annotations)
        if platform is not None:
            fields["platform"] = platform.to_fields()
        return cls(media_type, digest, size, platform, annotations or {}, None, fields)

    def edited(self, **changes: object) -> "Descriptor":
        """A copy with other JSON fields; a field that becomes None or empty is left out."""
        fields = {**self.fields, **changes}
        kept = {
            key: value
            for key, value in fields.items()
            if key not in changes or value not in (None, {}, [])
        }
        return Descriptor.parse(kept, f"descriptor {self.digest}", needs_type=bool(self.media_type))

    def with_annotations(self, annotations: Mapping[str, str]) -> "Descriptor":
        """A copy with these annotations and no others; itself where it has them."""
        if annotations == self.annotations:
            return self
        return self.edited(annotations=dict(annotations))

    def pointing_to(self, target: "Descriptor") -> "Descriptor":
        """A copy that leads to the media type, digest and size of `target`.

        What described the old bytes goes: `urls`, `data`, and for layers the annotations that
        hold digests of their insides (eStargz and zstd:chunked tables of contents).
        """
        annotations = {
            key: value
            for key, value in self.annotations.items()
            if not key.startswith(_ANNOTATIONS_OF_BYTES)
        }
        return self.edited(
            mediaType=target.media_type,
            digest=str(target.digest),
            size=target.size,
            urls=None,
            data=None,
            annotations=annotations,
        )


_ANNOTATIONS_OF_BYTES = (
    "containerd.io/snapshot/stargz/",
    "io.containers.estargz.",
    "io.github.containers.zstd-chunked.",
    "io.containers.zstd-chunked.",
    "containerd.io/uncompressed",
    "containerd.io/distribution.source.",
)


def _check_data(descriptor: Descriptor, fields: Fields) -> None:
    encoded = fields.optional_text("data")
    if encoded is None:
        return
    # Few descriptors embed their content.
    import base64
    import binascii

    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidDocument(f"{fields.path('data')} is not base64") from None
    digest = descriptor.digest
    if len(content) != descriptor.size or (
        digest.verifiable and hashlib.new(digest.algorithm, content).hexdigest() != digest.encoded
    ):
        raise IntegrityError(f"{fields.path('data')} is not what {digest} names")
