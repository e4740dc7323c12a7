"""Documents: indexes and manifests, each identified by its bytes.

A document is parsed once, from the very bytes that were hashed, and encoded anew only by an edit
that changes something.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from ocilayout import notices
from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.fields import Fields
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
        _refuse_two_in_one(fields)
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
        children = _descriptors(fields, "manifests")
        found = digest or Digest.of(raw)
        return cls(media_type, raw, found, fields.value, children, _subject(fields))

    @classmethod
    def parse_top(cls, raw: bytes, label: str) -> "Index":
        """The `index.json` of a layout, whose media type only the document itself can state.

        umoci 0.4.7 writes `"manifests": null` in an empty layout.
        """
        fields = Fields(strict_json.parse_object(raw, label), label, known=FIELDS)
        media_type = fields.optional_text("mediaType") or media_types.OCI_INDEX
        if media_type not in media_types.INDEXES or "manifests" not in fields.value:
            raise InvalidDocument(f"{label} is not an image index")
        if fields.value["manifests"] is None:
            notices.warn(f"{label}: manifests is null, which is read as an empty list")
        return cls.parse(media_type, raw, label)

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
        return self if edited is None else Index.parse(*edited, "edited document")

    def with_children(self, edit: Edit) -> "Index":
        """The index with each child edited, or dropped by None; itself where nothing changes."""
        edited = [edit(child) for child in self.children]
        return self.with_entries(child for child in edited if child)

    def with_entries(self, entries: Iterable[Descriptor]) -> "Index":
        """The index with other children; itself where they are the same."""
        children = tuple(entries)
        if children == self.children:
            return self
        return self.with_fields(manifests=[dict(entry.fields) for entry in children])


class Manifest(_Document):
    """An image or artifact manifest; `children` are its config, if any, and its layers."""

    @classmethod
    def parse(
        cls, media_type: str, raw: bytes, label: str, digest: Digest | None = None
    ) -> "Manifest":
        """The manifest that `raw` holds; raises InvalidDocument."""
        fields = cls._checked(media_type, raw, label)
        if media_type == media_types.OCI_ARTIFACT_MANIFEST:
            children = _optional_descriptors(fields, "blobs")
        else:
            # Engines load images whose `layers` are null or absent: they have none.
            children = (_config(fields), *_optional_descriptors(fields, "layers"))
        found = digest or Digest.of(raw)
        return cls(media_type, raw, found, fields.value, children, _subject(fields))

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


def _refuse_two_in_one(fields: Fields) -> None:
    """CVE-2021-41190: one document that is an index for one tool and a manifest for another."""
    if "manifests" in fields.value and ("layers" in fields.value or "config" in fields.value):
        raise InvalidDocument(
            f"{fields.where} is an index and a manifest in one (CVE-2021-41190): "
            "tools would run different images from it"
        )


def _descriptors(fields: Fields, key: str) -> tuple[Descriptor, ...]:
    return tuple(
        Descriptor.parse(item, f"{fields.path(key)}[{position}]")
        for position, item in enumerate(fields.objects(key))
    )


def _optional_descriptors(fields: Fields, key: str) -> tuple[Descriptor, ...]:
    return _descriptors(fields, key) if fields.optional_list(key) else ()


def _config(fields: Fields) -> Descriptor:
    if "config" not in fields.value:
        raise InvalidDocument(f"{fields.path('config')} is missing")
    return Descriptor.parse(fields.value["config"], fields.path("config"), needs_type=False)


def _subject(fields: Fields) -> Descriptor | None:
    subject = fields.value.get("subject")
    return None if subject is None else Descriptor.parse(subject, fields.path("subject"))
