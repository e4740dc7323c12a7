"""Images as trees: index, manifests, platforms, configs, layers, and what speaks of each.

Attestations and other referrers stand under the image that they speak of, wherever they are
listed: in its index (BuildKit), beside it (docker 29), or under a tag made of its digest (cosign,
regctl).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ocilayout.graph import MAX_LEVELS, is_document, read_bytes, read_config, read_document
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer, referrer_kind, subject_of_entry
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest, is_build_cache
from ocilayout.spec.layers import Layer, layers_of
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform

if TYPE_CHECKING:
    from ocilayout.spec.statements import Statement


class Node(NamedTuple):
    """A descriptor and what it leads to."""

    descriptor: Descriptor
    kind: str
    """index, image, artifact, cache, attestation, referrer or blob; absent where it is not here,
    repeated where it stands in the tree already."""
    platform: Platform | None = None
    refers_to: Digest | None = None
    manifest: Manifest | None = None
    config: ImageConfig | None = None
    layers: tuple[Layer, ...] = ()
    statements: "Mapping[Digest, Statement]" = MappingProxyType({})
    """What those of the layers say that are statements or SBOMs."""
    lacks: tuple[Digest, ...] = ()
    """What of its config and layers is not here."""
    members: tuple["Node", ...] = ()
    referrers: tuple["Node", ...] = ()
    """What speaks of it."""


def inspect(source: ImageSource, tops: Iterable[Descriptor]) -> list[Node]:
    """The trees below descriptors of a source that was surveyed.

    What stands there a second time is a leaf: a few blobs can make a tree without end. A top that
    speaks of what stands in a tree has none of its own.
    """
    entries = list(tops)
    inspector = _Inspector(source, _placed(source, entries))
    return [inspector.node(top) for top in entries if not inspector.is_placed(top)]


def _placed(source: ImageSource, tops: Sequence[Descriptor]) -> dict[Digest, list[Descriptor]]:
    """What speaks of what stands in the trees, by the digest of that."""
    subjects = {found.digest: (found, subject) for found, subject in _listed(source, tops)}
    placed: dict[Digest, list[Descriptor]] = {}
    for descriptor, subject in subjects.values():
        if subject is not None and _leads_to_an_image(subject, subjects):
            placed.setdefault(subject, []).append(descriptor)
    return placed


def _listed(
    source: ImageSource, tops: Sequence[Descriptor]
) -> Iterator[tuple[Descriptor, Digest | None]]:
    """The documents in the trees, with what each speaks of; what speaks is not gone into."""
    seen: set[Digest] = set()
    pending = list(tops)[::-1]
    while pending:
        descriptor = pending.pop()
        if not is_document(descriptor) or descriptor.digest in seen:
            continue
        seen.add(descriptor.digest)
        if descriptor.digest in source.absent:
            continue
        subject = subject_of_entry(source, descriptor)
        yield descriptor, subject
        if subject is None and descriptor.media_type in media_types.INDEXES:
            pending.extend(reversed(read_document(source, descriptor).children))


def _leads_to_an_image(
    subject: Digest, subjects: Mapping[Digest, tuple[Descriptor, Digest | None]]
) -> bool:
    """Whether referrers of referrers end somewhere: annotations can make them a ring."""
    for _ in range(MAX_LEVELS):
        if subject not in subjects:
            return False
        following = subjects[subject][1]
        if following is None:
            return True
        subject = following
    return False


class _Inspector:
    def __init__(self, source: ImageSource, placed: Mapping[Digest, Sequence[Descriptor]]) -> None:
        self._source = source
        self._placed = placed
        self._moved = {found.digest for group in placed.values() for found in group}
        self._seen: set[Digest] = set()

    def is_placed(self, descriptor: Descriptor) -> bool:
        """Whether it stands under what it speaks of."""
        return descriptor.digest in self._moved

    def node(self, descriptor: Descriptor) -> Node:
        """The tree below a descriptor."""
        if descriptor.digest in self._source.absent:
            return Node(descriptor, "absent", descriptor.platform)
        if not is_document(descriptor):
            return Node(descriptor, "blob", descriptor.platform)
        if descriptor.digest in self._seen:
            return Node(descriptor, "repeated", descriptor.platform)
        self._seen.add(descriptor.digest)
        document = read_document(self._source, descriptor)
        if isinstance(document, Manifest):
            return self._manifest(descriptor, document)
        return Node(
            descriptor,
            "cache" if is_build_cache(document) else "index",
            descriptor.platform,
            subject_of_entry(self._source, descriptor),
            members=tuple(
                self.node(child) for child in document.children if not self.is_placed(child)
            ),
            referrers=self._referrers(descriptor),
        )

    def _manifest(self, descriptor: Descriptor, manifest: Manifest) -> Node:
        absent = self._source.absent
        has_config = manifest.config is not None and manifest.config.digest not in absent
        config = read_config(self._source, manifest) if has_config else None
        if is_listed_referrer(descriptor):
            kind = referrer_kind(descriptor)
        elif is_build_cache(manifest):
            kind = "cache"
        else:
            kind = "image" if manifest.has_layer_tars else "artifact"
        return Node(
            descriptor,
            kind,
            descriptor.platform or (config.platform if config else None),
            subject_of_entry(self._source, descriptor),
            manifest,
            config,
            tuple(layers_of(manifest, config)),
            self._statements(manifest),
            tuple(child.digest for child in manifest.children if child.digest in absent),
            referrers=self._referrers(descriptor),
        )

    def _statements(self, manifest: Manifest) -> "dict[Digest, Statement]":
        others = [layer for layer in manifest.layers if layer_type(layer.media_type) is None]
        if not others:
            return {}
        # Images have none, and start-up counts.
        from ocilayout.spec.statements import may_be_statement

        return {layer.digest: self._statement(layer) for layer in others if may_be_statement(layer)}

    def _statement(self, layer: Descriptor) -> "Statement":
        from ocilayout.spec.statements import statement_in, unread_statement

        is_small = layer.size <= strict_json.MAX_DOCUMENT_SIZE
        if is_small and layer.digest not in self._source.absent:
            return statement_in(layer, read_bytes(self._source, layer))
        return unread_statement(layer)

    def _referrers(self, descriptor: Descriptor) -> tuple[Node, ...]:
        return tuple(self.node(found) for found in self._placed.get(descriptor.digest, ()))
