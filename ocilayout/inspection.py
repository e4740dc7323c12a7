"""One image as a tree: index, manifests, platforms, configs, layers and their history."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ocilayout.errors import BlobNotFound
from ocilayout.graph import (
    is_attestation,
    is_document,
    platform_of,
    read_config,
    read_document,
    refers_to,
)
from ocilayout.protocols import ImageSource
from ocilayout.spec.config import HistoryEntry, ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform


@dataclass(frozen=True)
class Layer:
    """A layer, what its config says of it, and which step of the build made it."""

    descriptor: Descriptor
    diff_id: Digest | None
    history: HistoryEntry | None

    @property
    def codec(self) -> str:
        """How its media type says that it is compressed; the type itself where it is no tar."""
        kind = layer_type(self.descriptor.media_type)
        return self.descriptor.media_type if kind is None else kind.codec


@dataclass(frozen=True)
class Node:
    """A descriptor and what it leads to."""

    descriptor: Descriptor
    kind: str
    """index, image, artifact, attestation or blob; absent where it is not here."""
    platform: Platform | None = None
    refers_to: Digest | None = None
    manifest: Manifest | None = None
    config: ImageConfig | None = None
    layers: tuple[Layer, ...] = ()
    members: tuple["Node", ...] = field(default=())


def inspect(source: ImageSource, descriptor: Descriptor) -> Node:
    """The tree below a descriptor, which graph.walk has found to be sound."""
    if not is_document(descriptor):
        return Node(descriptor, "blob", descriptor.platform)
    try:
        document = read_document(source, descriptor)
    except BlobNotFound:
        return Node(descriptor, "absent", descriptor.platform)
    if isinstance(document, Index):
        members = tuple(inspect(source, child) for child in document.children)
        return Node(descriptor, "index", descriptor.platform, members=members)
    return _manifest(source, descriptor, document)


def _manifest(source: ImageSource, descriptor: Descriptor, manifest: Manifest) -> Node:
    config = read_config(source, manifest)
    if is_attestation(descriptor):
        kind = "attestation"
    else:
        kind = "image" if manifest.is_image else "artifact"
    return Node(
        descriptor,
        kind,
        platform_of(source, descriptor),
        refers_to(source, descriptor),
        manifest,
        config,
        tuple(_layers(manifest, config)),
    )


def _layers(manifest: Manifest, config: ImageConfig | None) -> Iterator[Layer]:
    diff_ids = config.diff_ids if config else ()
    steps = [step for step in config.history if not step.empty_layer] if config else []
    for position, descriptor in enumerate(manifest.layers):
        yield Layer(
            descriptor,
            diff_ids[position] if len(diff_ids) == len(manifest.layers) else None,
            steps[position] if len(steps) == len(manifest.layers) else None,
        )
