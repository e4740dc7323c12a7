"""The graph that an index leads to: verified reading, and the one walk."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO, cast

from ocilayout.blobs import MemoryBlobs, SpreadBlobs
from ocilayout.errors import BlobNotFound, InvalidDocument
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index, Manifest, is_build_cache, parse_document
from ocilayout.spec.platform import Platform
from ocilayout.streams import Progress, VerifiedReader, ignore

MAX_LEVELS = 32
"""Indexes within indexes; real ones have two."""


class View:
    """A source whose documents were edited: other index, other documents, the same blobs."""

    def __init__(
        self,
        base: BlobReader,
        index: Index,
        documents: MemoryBlobs | None = None,
        absent: Collection[Digest] = frozenset(),
        changed: Mapping[Digest, Descriptor] = MappingProxyType({}),
    ) -> None:
        """`changed` has the old digest of each document that was edited, and what it became."""
        self.base = base
        self.index = index
        self.documents = documents or MemoryBlobs()
        self.absent = absent
        self.changed = changed

    def with_index(self, index: Index) -> "View":
        """The same with another index."""
        return View(self.base, index, self.documents, self.absent, self.changed)

    @property
    def made_layers(self) -> Collection[Digest]:
        """Those of the base."""
        # Verbs that only read never ask, and start-up counts.
        from ocilayout.capabilities import made_layers

        return made_layers(self.base)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """An edited document, or a blob of the base; raises BlobNotFound."""
        if descriptor.digest in self.documents:
            return self.documents.open_blob(descriptor)
        return self.base.open_blob(descriptor)


def listing(source: ImageSource, entries: Iterable[Descriptor]) -> View:
    """The source with other entries at its top."""
    return View(source, source.index.with_entries(entries), absent=source.absent)


def changes(reader: BlobReader) -> dict[Digest, Descriptor]:
    """What each document that was edited on the way from the places to `reader` became."""
    if isinstance(reader, View):
        return compose(changes(reader.base), reader.changed)
    if isinstance(reader, SpreadBlobs):
        return {old: new for inner in reader.readers for old, new in changes(inner).items()}
    return {}


def compose(
    first: Mapping[Digest, Descriptor], then: Mapping[Digest, Descriptor]
) -> dict[Digest, Descriptor]:
    """Two steps of change as one."""
    passed = {new.digest for new in first.values()}
    return {old: then.get(new.digest, new) for old, new in first.items()} | {
        old: new for old, new in then.items() if old not in passed
    }


def is_document(descriptor: Descriptor) -> bool:
    """Whether it leads to an index or a manifest; everything else is a leaf."""
    return descriptor.media_type in media_types.DOCUMENTS


def open_verified(
    source: BlobReader, descriptor: Descriptor, on_bytes: Progress = ignore
) -> BinaryIO:
    """The content of a blob, which raises IntegrityError with its last byte if it is not so."""
    raw = source.open_blob(descriptor)
    return cast(
        BinaryIO,
        VerifiedReader(raw, descriptor.digest, descriptor.size, str(descriptor.digest), on_bytes),
    )


def read_bytes(
    source: BlobReader, descriptor: Descriptor, limit: int = strict_json.MAX_DOCUMENT_SIZE
) -> bytes:
    """All of a blob of at most `limit` bytes, verified; raises InvalidDocument of a larger one."""
    if descriptor.size > limit:
        raise InvalidDocument(
            f"{descriptor.digest} has {descriptor.size} bytes, a document may have {limit}"
        )
    with open_verified(source, descriptor) as content:
        return content.read()


def read_document(source: BlobReader, descriptor: Descriptor) -> Document:
    """The index or manifest that `descriptor` leads to, verified and parsed."""
    return parse_document(descriptor, read_bytes(source, descriptor))


def read_manifest(source: BlobReader, descriptor: Descriptor) -> Manifest:
    """The manifest that `descriptor` leads to; raises InvalidDocument where it is an index."""
    document = read_document(source, descriptor)
    if not isinstance(document, Manifest):
        raise InvalidDocument(f"{descriptor.digest} is an index, not a manifest")
    return document


def leads_to_build_cache(source: ImageSource, descriptor: Descriptor) -> bool:
    """Whether it is a build cache of BuildKit, as far as it is here."""
    is_here = is_document(descriptor) and descriptor.digest not in source.absent
    return is_here and is_build_cache(read_document(source, descriptor))


def manifest_if_here(source: BlobReader, descriptor: Descriptor) -> Manifest | None:
    """The manifest that `descriptor` leads to; None of anything else, and where it is not here."""
    if not is_document(descriptor):
        return None
    try:
        document = read_document(source, descriptor)
    except BlobNotFound:
        return None
    return document if isinstance(document, Manifest) else None


def read_config(source: BlobReader, manifest: Manifest) -> ImageConfig | None:
    """The config of an image; None of an artifact.

    Where its media type says nothing, it is an artifact's if it is no image config either.
    """
    config = manifest.config
    if config is None or not manifest.is_image:
        return None
    raw = read_config_bytes(source, config)
    if config.media_type not in media_types.DEFAULTED_CONFIGS:
        return ImageConfig.parse(raw, f"config {config.digest}")
    try:
        found = ImageConfig.parse(raw, f"config {config.digest}")
    except InvalidDocument:
        return None
    return found if found.fields.get("rootfs") is not None else None


def read_config_bytes(source: BlobReader, config: Descriptor) -> bytes:
    """All of a config, verified: an image's may be larger than other documents."""
    return read_bytes(source, config, strict_json.MAX_CONFIG_SIZE)


def read_fitting_config(source: BlobReader, manifest: Manifest) -> ImageConfig | None:
    """The same, of as many diff ids as there are layers, or none; raises InvalidDocument."""
    config = read_config(source, manifest)
    return None if config is None else fitting_config(manifest, config)


def fitting_config(manifest: Manifest, config: ImageConfig) -> ImageConfig:
    """The config, which has as many diff ids as there are layers, or none at all, as oras makes it
    of files; raises InvalidDocument."""
    if config.diff_ids and len(config.diff_ids) != len(manifest.layers):
        raise InvalidDocument(
            f"image {manifest.descriptor.digest} has {len(manifest.layers)} layers, but its config "
            f"counts {len(config.diff_ids)} diff ids: no engine takes that"
        )
    return config


def platform_of(source: BlobReader, descriptor: Descriptor) -> Platform | None:
    """The platform of an image: what the descriptor says, else the config; None of others."""
    if descriptor.platform is not None:
        return descriptor.platform
    if descriptor.media_type not in media_types.MANIFESTS:
        return None
    config = read_config(source, read_manifest(source, descriptor))
    return None if config is None else config.platform


def manifests_below(source: ImageSource, tops: Iterable[Descriptor]) -> Iterator[Descriptor]:
    """The entries that `tops` lead to through indexes, in the order in which they are listed.

    Once each: a manifest that is listed for two platforms is two entries. An index that is not here
    is given as it stands.
    """
    return (found for found, is_open in _below(source, tops, _listed_if_here) if not is_open)


def documents_below(source: ImageSource, tops: Iterable[Descriptor]) -> Iterator[Descriptor]:
    """The indexes and manifests among `tops` and what they lead to, once each, parents first.

    What `source.absent` names is given as it stands; raises BlobNotFound at another gap.
    """
    seen: set[Digest] = set()
    for found, _ in _below(source, tops, _listed):
        if is_document(found) and found.digest not in seen:
            seen.add(found.digest)
            yield found


_Lister = Callable[[ImageSource, Descriptor], tuple[Descriptor, ...] | None]


def _below(
    source: ImageSource, tops: Iterable[Descriptor], listed: _Lister
) -> Iterator[tuple[Descriptor, bool]]:
    """`tops` and what they lead to through indexes, and whether each is an index that is here."""
    seen: dict[Digest, set[Platform | None]] = {}
    pending = list(tops)[::-1]
    while pending:
        descriptor = pending.pop()
        platforms = seen.setdefault(descriptor.digest, set())
        platform = _listed_for(descriptor)
        if platform in platforms or (platform is None and platforms):
            continue
        platforms.add(platform)
        entries = listed(source, descriptor)
        yield descriptor, entries is not None
        pending.extend(reversed(entries or ()))


def _listed_for(entry: Descriptor) -> Platform | None:
    """The platform that tells a manifest's entry from others that lead to it too.

    An index is opened once, however often it is listed: a few can make a tree without end.
    """
    if entry.platform is None or entry.media_type in media_types.INDEXES:
        return None
    return entry.platform.normalized


def _listed(source: ImageSource, descriptor: Descriptor) -> tuple[Descriptor, ...] | None:
    """What an index lists; None of anything else, and of what is known to be absent."""
    if descriptor.media_type not in media_types.INDEXES or descriptor.digest in source.absent:
        return None
    return read_document(source, descriptor).children


def _listed_if_here(source: ImageSource, descriptor: Descriptor) -> tuple[Descriptor, ...] | None:
    try:
        return _listed(source, descriptor)
    except BlobNotFound:
        return None


def walk(source: ImageSource) -> Iterator[Descriptor]:
    """Every blob that the index leads to, once each, children before parents.

    Passes over what `source.absent` names. Raises what reading a document raises, and
    InvalidDocument where one digest is two different things.
    """
    seen: dict[Digest, Descriptor] = {}
    # Each parent with those of its children that are still to be visited.
    top: tuple[Descriptor | None, Iterator[Descriptor]] = (None, iter(source.index.children))
    stack = [top]
    while stack:
        parent, children = stack[-1]
        child = next(children, None)
        if child is None:
            stack.pop()
            if parent is not None:
                yield parent
        elif _is_new(child, seen) and child.digest not in source.absent:
            if not is_document(child):
                yield child
                continue
            if len(stack) > MAX_LEVELS:
                raise InvalidDocument(f"{child.digest} stands below {MAX_LEVELS} other indexes")
            stack.append((child, iter(read_document(source, child).children)))


def _is_new(child: Descriptor, seen: dict[Digest, Descriptor]) -> bool:
    known = seen.setdefault(child.digest, child)
    if known is child:
        return True
    contradiction = contradiction_of(known, child)
    if contradiction is not None:
        raise InvalidDocument(contradiction)
    return False


def contradiction_of(known: Descriptor, other: Descriptor) -> str | None:
    """In what two descriptors of one digest cannot both be right; None where they can."""
    kinds = {_kind(known), _kind(other)} - {None}
    if known.size == other.size and len(kinds) <= 1 and is_document(known) == is_document(other):
        return None
    return (
        f"{other.digest} is described in two ways: {known.media_type} of {known.size} bytes "
        f"and {other.media_type} of {other.size} bytes"
    )


def _kind(descriptor: Descriptor) -> str | None:
    """What a descriptor is read as; None of content that no image tool looks into."""
    if is_document(descriptor):
        return descriptor.media_type
    if descriptor.media_type in media_types.IMAGE_CONFIGS:
        return "config"
    return "layer" if media_types.layer_type(descriptor.media_type) else None
