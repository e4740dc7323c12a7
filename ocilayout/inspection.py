"""One image as a tree: index, manifests, platforms, configs, layers and their history."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ocilayout.graph import (
    is_attestation,
    is_document,
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
    """index, image, artifact, attestation or blob; absent where it is not here, repeated where it
    stands in the tree already."""
    platform: Platform | None = None
    refers_to: Digest | None = None
    manifest: Manifest | None = None
    config: ImageConfig | None = None
    layers: tuple[Layer, ...] = ()
    lacks: tuple[Digest, ...] = ()
    """What of its config and layers is not here."""
    members: tuple["Node", ...] = field(default=())


def inspect(source: ImageSource, descriptor: Descriptor) -> Node:
    """The tree below a descriptor of a source that was surveyed.

    What stands in it a second time is a leaf there: a few blobs can make a tree without end.
    """
    return _node(source, descriptor, set())


def _node(source: ImageSource, descriptor: Descriptor, seen: set[Digest]) -> Node:
    if descriptor.digest in source.absent:
        return Node(descriptor, "absent", descriptor.platform)
    if not is_document(descriptor):
        return Node(descriptor, "blob", descriptor.platform)
    if descriptor.digest in seen:
        return Node(descriptor, "repeated", descriptor.platform)
    seen.add(descriptor.digest)
    document = read_document(source, descriptor)
    if isinstance(document, Index):
        members = tuple(_node(source, child, seen) for child in document.children)
        return Node(descriptor, "index", descriptor.platform, members=members)
    return _manifest(source, descriptor, document)


def _manifest(source: ImageSource, descriptor: Descriptor, manifest: Manifest) -> Node:
    has_config = manifest.config is not None and manifest.config.digest not in source.absent
    config = read_config(source, manifest) if has_config else None
    if is_attestation(descriptor):
        kind = "attestation"
    else:
        kind = "image" if manifest.is_image else "artifact"
    return Node(
        descriptor,
        kind,
        descriptor.platform or (config.platform if config else None),
        refers_to(source, descriptor),
        manifest,
        config,
        tuple(_layers(manifest, config)),
        tuple(child.digest for child in manifest.children if child.digest in source.absent),
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
