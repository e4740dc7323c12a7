"""Documents: indexes and manifests, each identified by its bytes.

A document is parsed once, from the very bytes that were hashed, and encoded anew only by an edit
that changes something.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from ocilayout import notices
from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.damaged_entries import (
    Damaged,
    DamagedEntry,
    merged,
    readable_descriptors,
    set_aside,
)
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.document_fields import (
    config_descriptor,
    descriptors,
    optional_descriptors,
    refuse_two_in_one,
    subject_descriptor,
)
from ocilayout.spec.fields import Fields
from ocilayout.spec.followed import SCHEMA_1, is_schema_1
from ocilayout.spec.names import owners_of_marks

Edit = Callable[[Descriptor], Descriptor | None]

_MAX_REMEMBERED = 4096
"""Bytes of a document that is kept in its parsed form, which takes several times as many."""

FIELDS = (
    "schemaVersion",
    "mediaType",
    "artifactType",
    "manifests",
    "config",
    "layers",
    "blobs",
    "subject",
    "annotations",
)


class _Document(NamedTuple):
    """What indexes and manifests share."""

    media_type: str
    raw: bytes
    digest: Digest
    """By which it was read; sha256 where it was made here."""
    fields: Mapping[str, object]
    children: tuple[Descriptor, ...]
    """What it leads to, in the order in which it is listed."""
    subject: Descriptor | None
    damaged: Damaged = ()
    """What else the top index of a layout lists, and cannot be read."""

    @property
    def descriptor(self) -> Descriptor:
        """A descriptor that leads to it, with nothing but what its bytes say."""
        return Descriptor.make(self.media_type, self.digest, len(self.raw))

    def _edited(self, changes: Mapping[str, object]) -> tuple[str, bytes] | None:
        """Media type and bytes with other top-level fields; None where nothing changes."""
        fields = {**self.fields, **changes}
        if fields == self.fields:
            return None
        raw = strict_json.encode({k: v for k, v in fields.items() if v is not None})
        media_type = fields.get("mediaType")
        return media_type if isinstance(media_type, str) else self.media_type, raw

    @classmethod
    def _checked(cls, media_type: str, raw: bytes, label: str) -> Fields:
        fields = Fields(strict_json.parse_object(raw, label), label, known=FIELDS)
        refuse_two_in_one(fields)
        if is_schema_1(fields.value):
            raise InvalidDocument(f"{label} is {SCHEMA_1}")
        version = fields.optional_integer("schemaVersion")
        if version not in {None, 2}:
            raise InvalidDocument(f"{label}: schemaVersion is {version}, 2 is what can be read")
        stated = fields.optional_text("mediaType")
        if stated is not None and stated != media_type:
            raise InvalidDocument(
                f"{label}: mediaType is {stated!r}, but what leads to it says {media_type!r}"
            )
        fields.mapping("annotations")
        return fields


class Index(_Document):
    """An OCI index or a Docker manifest list; `children` are its manifests."""

    @classmethod
    def parse(
        cls, media_type: str, raw: bytes, label: str, digest: Digest | None = None
    ) -> "Index":
        """The index that `raw` holds; raises InvalidDocument."""
        fields = cls._checked(media_type, raw, label)
        children = descriptors(fields, "manifests")
        found = digest or Digest.of(raw)
        return cls(media_type, raw, found, fields.value, children, subject_descriptor(fields))

    @classmethod
    def parse_top(cls, raw: bytes, label: str) -> "Index":
        """The `index.json` of a layout, whose media type only the document itself can state.

        Entries that cannot be read are among its `damaged`. umoci 0.4.7 writes `"manifests": null`
        in an empty layout. Raises InvalidDocument.
        """
        fields = Fields(strict_json.parse_object(raw, label), label, known=FIELDS)
        media_type = fields.optional_text("mediaType") or media_types.OCI_INDEX
        if media_type not in media_types.INDEXES or "manifests" not in fields.value:
            raise InvalidDocument(f"{label} is not an image index")
        if fields.value["manifests"] is None:
            notices.warn(f"{label}: manifests is null, which is read as an empty list")
        fields = cls._checked(media_type, raw, label)
        children, damaged = readable_descriptors(fields, "manifests")
        subject = subject_descriptor(fields)
        return cls(media_type, raw, Digest.of(raw), fields.value, children, subject, damaged)

    @classmethod
    def of(
        cls, descriptors: Iterable[Descriptor], *, media_type: str = media_types.OCI_INDEX
    ) -> "Index":
        """A new index that lists these manifests."""
        raw = strict_json.encode(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "manifests": [dict(descriptor.fields) for descriptor in descriptors],
            }
        )
        return cls.parse(media_type, raw, "new index")

    @cached_property
    def owners(self) -> Mapping[str, Digest]:
        """The image that its marked entries belong to, by name: computed once for all of them."""
        return owners_of_marks(self.children)

    def with_fields(self, **changes: object) -> "Index":
        """The index with other top-level fields; itself where nothing changes."""
        edited = self._edited(changes)
        if edited is None:
            return self
        if self.damaged and "manifests" not in changes:
            return self._rebuilt(*edited, self.children, self.damaged)
        return Index.parse(*edited, "edited document")

    def with_children(self, edit: Edit) -> "Index":
        """The index with each child edited, or dropped by None; itself where nothing changes."""
        edited = [edit(child) for child in self.children]
        return self.with_entries(child for child in edited if child)

    def with_entries(self, entries: Iterable[Descriptor]) -> "Index":
        """The index with other children; itself where they are the same.

        What is damaged stays, byte for byte the same JSON, where it stood.
        """
        children = tuple(entries)
        if children == self.children:
            return self
        return self._listing(children, self.damaged)

    def setting_aside(self, reasons: Mapping[int, str]) -> "Index":
        """The same bytes, with the children at these positions among the damaged entries."""
        children, damaged = set_aside(self.children, self.damaged, reasons)
        return self._replace(children=children, damaged=damaged)

    def without_damaged(self, dropped: Collection[DamagedEntry] | None = None) -> "Index":
        """The index without these damaged entries, or without any where they are None."""
        kept = () if dropped is None else [e for e in self.damaged if e not in dropped]
        return self if len(kept) == len(self.damaged) else self._listing(self.children, kept)

    def _listing(
        self, children: tuple[Descriptor, ...], damaged: Iterable[DamagedEntry]
    ) -> "Index":
        values, moved = merged(children, tuple(damaged))
        if not moved:
            return self._replace(damaged=()).with_fields(manifests=values)
        edited = self._edited({"manifests": values})
        return self if edited is None else self._rebuilt(*edited, children, moved)

    def _rebuilt(
        self, media_type: str, raw: bytes, children: tuple[Descriptor, ...], damaged: Damaged
    ) -> "Index":
        """An edit of an index of whose entries not all can be parsed again."""
        fields = Fields(strict_json.parse_object(raw, "edited document"), "edited document")
        subject = subject_descriptor(fields)
        return Index(media_type, raw, Digest.of(raw), fields.value, children, subject, damaged)


class Manifest(_Document):
    """An image or artifact manifest; `children` are its config, if any, and its layers."""

    @classmethod
    def parse(
        cls, media_type: str, raw: bytes, label: str, digest: Digest | None = None
    ) -> "Manifest":
        """The manifest that `raw` holds; raises InvalidDocument."""
        fields = cls._checked(media_type, raw, label)
        if media_type == media_types.OCI_ARTIFACT_MANIFEST:
            children = optional_descriptors(fields, "blobs")
        else:
            # Engines load images whose `layers` are null or absent: they have none.
            children = (config_descriptor(fields), *optional_descriptors(fields, "layers"))
        found = digest or Digest.of(raw)
        return cls(media_type, raw, found, fields.value, children, subject_descriptor(fields))

    @classmethod
    def of(cls, media_type: str, config: Descriptor, layers: Iterable[Descriptor]) -> "Manifest":
        """A new image manifest."""
        raw = strict_json.encode(
            {
                "schemaVersion": 2,
                "mediaType": media_type,
                "config": dict(config.fields),
                "layers": [dict(layer.fields) for layer in layers],
            }
        )
        return cls.parse(media_type, raw, "new manifest")

    def with_fields(self, **changes: object) -> "Manifest":
        """The manifest with other top-level fields; itself where nothing changes."""
        edited = self._edited(changes)
        return self if edited is None else Manifest.parse(*edited, "edited document")

    @property
    def config(self) -> Descriptor | None:
        """Its config; artifact manifests have none."""
        return None if self._is_artifact_manifest else self.children[0]

    @property
    def layers(self) -> tuple[Descriptor, ...]:
        """Layers of an image, blobs of an artifact."""
        return self.children if self._is_artifact_manifest else self.children[1:]

    @property
    def _is_artifact_manifest(self) -> bool:
        return self.media_type == media_types.OCI_ARTIFACT_MANIFEST

    @property
    def is_image(self) -> bool:
        """Whether it is a container image: its config says on which platform it runs.

        A config whose type says nothing is an image's where a layer is a layer tar and no artifact
        type is stated (manifest.md, "Guidelines for Artifact Usage"): engines unpack it.
        """
        if self.config is None:
            return False
        if self.config.media_type in media_types.IMAGE_CONFIGS:
            return True
        return (
            self.config.media_type in media_types.DEFAULTED_CONFIGS
            and not self.fields.get("artifactType")
            and any(media_types.layer_type(layer.media_type) for layer in self.layers)
        )

    @property
    def has_layer_tars(self) -> bool:
        """Whether it is an image that an engine can unpack.

        Attestations, cosign's signatures and WebAssembly modules borrow the config of images, and
        have no layer that is one. An unknown type among others is no error (manifest.md).
        """
        return self.is_image and (
            not self.layers
            or any(
                media_types.layer_type(layer.media_type) or "tar" in layer.media_type
                for layer in self.layers
            )
        )

    @property
    def list_of_layers(self) -> Digest:
        """One digest for all its layers in their order, to compare manifests by."""
        return list_digest(layer.digest.blob_path for layer in self.layers)

    @property
    def artifact_type(self) -> str | None:
        """What an artifact says it is (manifest.md, "Guidelines for artifact usage")."""
        stated = self.fields.get("artifactType")
        if isinstance(stated, str) and stated:
            return stated
        return None if self.is_image or self.config is None else self.config.media_type or None

    def with_children(self, edit: Callable[[Descriptor], Descriptor]) -> "Manifest":
        """The manifest with config and layers edited; itself where nothing changes."""
        layers = [edit(layer) for layer in self.layers]
        config = edit(self.config) if self.config else None
        if config == self.config and layers == list(self.layers):
            return self
        key = "blobs" if self._is_artifact_manifest else "layers"
        changes: dict[str, object] = {key: [dict(layer.fields) for layer in layers]}
        if config is not None:
            changes["config"] = dict(config.fields)
        return self.with_fields(**changes)


Document = Index | Manifest


def is_build_cache(document: Document) -> bool:
    """Whether it is what `--cache-to` of buildx exports: layers, and what they were built by."""
    return any(child.media_type == media_types.BUILDKIT_CACHE for child in document.children)


BUILD_CACHE = "a build cache (docker buildx build --cache-from type=local,src=DIRECTORY takes it)"
"""What messages call it."""


def parse_document(descriptor: Descriptor, raw: bytes) -> Document:
    """The document that `descriptor` leads to; raises InvalidDocument."""
    parse = _parse_again if len(raw) <= _MAX_REMEMBERED else _parse_again.__wrapped__
    return parse(descriptor.media_type, raw, descriptor.digest)


@lru_cache(maxsize=1024)
def _parse_again(media_type: str, raw: bytes, digest: Digest) -> Document:
    """A document that was perhaps parsed before: each step of a verb reads it once."""
    kind = Index if media_type in media_types.INDEXES else Manifest
    return kind.parse(media_type, raw, str(digest), digest)


def list_digest(paths: Iterable[str]) -> Digest:
    """The digest of a list of blobs, each the path that a layout keeps it under."""
    return Digest.of("\n".join(paths).encode())
