"""What of an image file matters to an engine: its shape, its entries, and what they lead to.

Only documents and the first bytes of layers are read: whether the rest is sound is another
question, which no engine asks before it has begun.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ocilayout.damage import Damage, Readable, readable, why_no_document
from ocilayout.engines.faults import Fault
from ocilayout.engines.finding import as_engines_find
from ocilayout.engines.importer_view import NOT_IMPORTED, ImporterView, importer_view
from ocilayout.engines.layer_reading import NOT_READ, LayerReading, read_layers
from ocilayout.engines.member import (
    Member,
    artifact_of,
    as_docker,
    member_of_entry,
    members_of,
)
from ocilayout.engines.saved_links import Linked, saved_links
from ocilayout.engines.saved_list import SavedItem, absent_members, saved_items
from ocilayout.engines.unread_forms import unread_form
from ocilayout.errors import UsageError
from ocilayout.graph import leads_to_build_cache, manifests_below
from ocilayout.protocols import Files, ImageSource
from ocilayout.referrers import is_referrer, subject_of_entry
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import BUILD_CACHE
from ocilayout.spec.names import IMAGE_NAME, REF_NAME, reference_of
from ocilayout.spec.platform import Platform
from ocilayout.stores import Opened
from ocilayout.stores.docker_entries import Entry as DockerEntry
from ocilayout.stores.docker_entries import is_docker_archive, read_entries
from ocilayout.stores.file_names import INDEX, MARKER
from ocilayout.stores.layout_source import LayoutSource

KIND_IMAGE, KIND_ARTIFACT, KIND_REFERRER = "image", "artifact", "referrer"


@dataclass(frozen=True)
class Entry:
    """An image of index.json, or of manifest.json, with all the names that lead to it."""

    digest: Digest
    kind: str
    names: tuple[str, ...]
    """As they are written there."""
    members: tuple[Member, ...]
    is_index: bool = False
    has_referrers: bool = False
    """Whether attestations or other referrers speak of it."""
    artifact: Member | None = None
    """What its manifest says, where it has one and is no image."""
    is_cache: bool = False
    """Whether it is a build cache of BuildKit."""

    @property
    def called(self) -> str:
        """What messages call something that is no image."""
        return BUILD_CACHE if self.is_cache else "an artifact"

    @property
    def title(self) -> str:
        """What messages call it."""
        return ", ".join(self.names) or str(self.digest)

    @property
    def full_names(self) -> tuple[str, ...]:
        """The names in the form in which they are compared; free text stays as it is."""
        return tuple(str(reference_of(name) or name) for name in self.names)

    @property
    def image_ids(self) -> tuple[Digest, ...]:
        """Of the platforms that are here, in the order of the index."""
        return tuple(member.image_id for member in self.members if member.image_id)

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Those that are whole."""
        return tuple(member.platform for member in self.members if member.platform and member.whole)


@dataclass(frozen=True)
class Cargo:
    """An image file as an engine would find it."""

    text: str
    """The place, as it was written."""
    path: Path | None
    is_folder: bool
    is_layout: bool
    """Whether there is an index.json."""
    outer: str
    window: int
    has_marker: bool
    """Whether there is an oci-layout file."""
    listed: tuple[Entry, ...]
    """What index.json lists; what else it is where there is none."""
    descriptors: int
    """How many entries index.json has, those that cannot be read among them."""
    saved: tuple[Entry, ...] | None
    """What manifest.json lists."""
    items: list[SavedItem] | str | None = None
    """The same as docker decodes it; why it cannot, and None where there is no such file."""
    links: Mapping[str, Linked] = field(default_factory=dict)
    """Which of the members that manifest.json names are links, and itself."""
    absent_members: tuple[str, ...] = ()
    """Configs and layers that it names and that are not there."""
    imported: ImporterView = NOT_IMPORTED
    """The file as containerd's importer reads it."""
    layers: LayerReading = NOT_READ
    """What is wrong with layers, as far as they were read."""
    picked: frozenset[Digest] | None = None
    """Manifests, indexes and image ids that were asked for by name or digest."""
    unread_form: str | None = None
    """Why no engine reads it in the form in which it lies, where it is such a form."""
    damaged: tuple[Damage, ...] = ()
    """What of it is no descriptor, or leads to no document, so that nothing is known of it."""
    reasons: Mapping[Digest, str] = field(default_factory=dict)
    """Why entries cannot be read here whole, though engines may find another fault first."""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The images here, whichever document lists them."""
        return self.listed if self.is_layout or self.saved is None else self.saved

    def layer_faults(self, member: Member) -> tuple[Fault, ...]:
        """What is wrong with the layers of an image, as far as they were read."""
        return self.layers.faults.get(member.image_id, ()) if member.image_id else ()

    def is_picked(self, entry: Entry) -> bool:
        """Whether it was asked for, as all is where nothing was."""
        if self.picked is None:
            return True
        return entry.digest in self.picked or not self.picked.isdisjoint(entry.image_ids)


def cargo_of(opened: Opened, *, reads_layers: bool = False) -> Cargo:
    """What matters of a place; raises what reading its documents raises.

    Of layers, those that are small together are read to their end, or all where `reads_layers`.
    """
    files = opened.files
    if files is None:
        raise UsageError(
            f"{opened.place.text} is in a registry, from which engines pull by themselves: check "
            "says what becomes of files and folders, so pull it first"
        )
    is_layout = INDEX in files
    items = None if files.is_folder else saved_items(files)
    found = own = _readable(opened.source, files)
    if is_layout:
        found = _readable(LayoutSource(files), files)
    source, picked = found.source, _picked(opened, own.source)
    listed = tuple(entries_of(source)) if is_layout or files.is_folder else ()
    return Cargo(
        text=opened.place.text,
        path=opened.place.path,
        is_folder=files.is_folder,
        is_layout=is_layout,
        outer=opened.outer.codec,
        window=opened.outer.window,
        has_marker=MARKER in files,
        listed=listed,
        descriptors=len(source.index.children) + len(source.index.damaged),
        saved=_saved(files, own.source),
        items=items,
        absent_members=absent_members(files, items),
        links=saved_links(files, items),
        imported=NOT_IMPORTED if files.is_folder else importer_view(files),
        layers=read_layers([own.source, source], reads_all=reads_layers),
        picked=picked,
        unread_form=unread_form(opened),
        damaged=(found if picked is None else own).damage,
        reasons={
            each.digest: each.reason
            for each in readable(opened.source).damage
            if each.digest is not None
        },
    )


def _readable(source: ImageSource, files: Files) -> Readable:
    """The source as engines find it, without what cannot be read."""
    return readable(as_engines_find(source, files), why_no_document)


def entries_of(source: ImageSource) -> Iterator[Entry]:
    """What a source lists, once each, with the names as they are written."""
    by_digest: dict[Digest, list[Descriptor]] = {}
    for descriptor in source.index.children:
        by_digest.setdefault(descriptor.digest, []).append(descriptor)
    subjects = {subject_of_entry(source, top) for top in source.index.children}
    for same in by_digest.values():
        names = [name for name in map(_written_name, same) if name]
        yield _entry(source, same[0], tuple(dict.fromkeys(names)), subjects)


def same_image(entry: Entry, among: Iterable[Entry]) -> Entry | None:
    """What another document lists of an image: under a name of it if there is, else the first."""
    hits = [each for each in among if not set(entry.image_ids).isdisjoint(each.image_ids)]
    names = set(entry.full_names)
    alike = [hit for hit in hits if names & set(hit.full_names) or not (names or hit.names)]
    return next(iter(alike or hits), None)


def _written_name(descriptor: Descriptor) -> str:
    annotations = descriptor.annotations
    return annotations.get(IMAGE_NAME) or annotations.get(REF_NAME, "")


def _entry(
    source: ImageSource,
    top: Descriptor,
    names: tuple[str, ...],
    subjects: Container[Digest | None],
) -> Entry:
    members = tuple(members_of(source, top))
    is_index = top.media_type in media_types.INDEXES
    if is_referrer(source, top):
        artifact = artifact_of(source, top)
        return Entry(top.digest, KIND_REFERRER, names, (), is_index, artifact=artifact)
    kind = KIND_IMAGE if members else KIND_ARTIFACT
    artifact = artifact_of(source, top) if not members else None
    has_referrers = top.digest in subjects or any(
        below.digest in subjects or is_referrer(source, below)
        for below in manifests_below(source, [top])
    )
    is_cache = not members and leads_to_build_cache(source, top)
    return Entry(top.digest, kind, names, members, is_index, has_referrers, artifact, is_cache)


def _saved(files: Files, source: ImageSource) -> tuple[Entry, ...] | None:
    if files.is_folder or not is_docker_archive(files):
        return None
    members = dict(_members_by_id(source))
    artifacts = dict(_artifacts_by_id(source))
    return tuple(_saved_entry(files, entry, members, artifacts) for entry in read_entries(files))


def _members_by_id(source: ImageSource) -> Iterable[tuple[Digest, Member]]:
    for top in source.index.children:
        for member in members_of(source, top):
            if member.image_id is not None:
                yield member.image_id, member


def _artifacts_by_id(source: ImageSource) -> Iterator[tuple[Digest, Member]]:
    """Signatures and other artifacts by their configs, which manifest.json may list as images."""
    for descriptor in manifests_below(source, source.index.children):
        artifact = artifact_of(source, descriptor)
        if artifact is not None and artifact.image_id is not None:
            yield artifact.image_id, artifact


def _saved_entry(
    files: Files,
    entry: DockerEntry,
    members: Mapping[Digest, Member],
    artifacts: Mapping[Digest, Member],
) -> Entry:
    known = members.get(entry.config_digest) or artifacts.get(entry.config_digest)
    if known is None:
        known = member_of_entry(files, entry)
    elif entry.config_digest not in members and not known.may_be_image:
        return Entry(entry.config_digest, KIND_ARTIFACT, entry.tags, ())
    return Entry(entry.config_digest, KIND_IMAGE, entry.tags, (as_docker(known, entry),))


def _picked(opened: Opened, source: ImageSource) -> frozenset[Digest] | None:
    if opened.place.name is None and opened.place.digest is None:
        return None
    tops = source.index.children
    ids = {member_id for member_id, _ in _members_by_id(source)}
    return frozenset({top.digest for top in tops} | ids)
