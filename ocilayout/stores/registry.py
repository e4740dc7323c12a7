"""Images in a registry, as a store like any other: `docker://HOST/REPOSITORY[:TAG][@DIGEST]`.

A source is one image, or several tags of one repository. A destination takes blobs in any order,
documents after what they lead to, and the tags at the end.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from ocilayout import notices, remains
from ocilayout.blobs import SpreadBlobs
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import BlobNotFound, ImageNotFound
from ocilayout.graph import View, is_document, read_document, walk
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.registries.http import Answer
from ocilayout.registries.referrers import list_referrer
from ocilayout.registries.registry import Registries, shared_or_new
from ocilayout.registries.repository import Repository
from ocilayout.registries.uploads import Upload
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index, parse_document
from ocilayout.spec.media_types import is_distributable, layer_type
from ocilayout.spec.reference import Reference, is_repository
from ocilayout.stores.places import Place
from ocilayout.stores.registry_tags import tag_of, tagged

NAME = "docker"
MOUNT_ATTEMPTS = 3
SOURCE_ANNOTATION = "containerd.io/distribution.source."
"""With the host behind it: the repositories where a blob came from, as containerd notes them."""
_RECENT_SIZE = 16 * 1024 * 1024
_SMALL = 1024 * 1024


class RegistrySource:
    """Images of one repository; shared by threads."""

    absent: Collection[Digest] = frozenset()

    def __init__(self, repository: Repository, index: Index) -> None:
        self.repository = repository
        self.index = index
        self._recent = _Recent()
        self._led_to = {entry.digest for entry in index.children}
        self._foreign: dict[Digest, Descriptor] = {}

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content, not verified yet, and asked for when it is first read.

        Raises BlobNotFound at once for what no document of this source leads to: others may have
        it.
        """
        if descriptor.digest not in self._led_to:
            raise BlobNotFound(f"{self._label} leads to no {descriptor.digest}")
        known = self._recent.get(descriptor.digest)
        if known is not None:
            return BytesIO(known)
        if is_document(descriptor):
            found = self.repository.manifest(descriptor.digest)
            if found is None:
                raise BlobNotFound(f"{self._label} has no manifest {descriptor.digest}")
            self.keep(found)
            return BytesIO(found.raw)
        foreign = self._foreign.get(descriptor.digest)
        if foreign is not None:
            # What asks for it may have made an ordinary layer of it, without URLs.
            return self._open_foreign(foreign)
        kind = layer_type(descriptor.media_type)
        blob = self.repository.open_blob(descriptor)
        if kind is None and descriptor.size <= _SMALL:
            with blob:
                # Whatever comes in one piece, read() goes on to the end.
                return self._kept(descriptor.digest, blob.read())
        return blob

    def keep(self, document: Document) -> None:
        """Remember a document that was read already, and what it leads to."""
        self.lead_to(document.children)
        self._kept(document.descriptor.digest, document.raw)

    def lead_to(self, descriptors: Iterable[Descriptor]) -> None:
        """Let these be read too."""
        for descriptor in descriptors:
            self._led_to.add(descriptor.digest)
            if not is_distributable(descriptor.media_type):
                self._foreign[descriptor.digest] = descriptor

    @property
    def _label(self) -> str:
        return f"{self.repository.registry.host}/{self.repository.path}"

    def _kept(self, digest: Digest, content: bytes) -> BinaryIO:
        self._recent.put(digest, content)
        return BytesIO(content)

    def _open_foreign(self, descriptor: Descriptor) -> BinaryIO:
        if self.repository.has_blob(descriptor):
            return self.repository.open_blob(descriptor)
        urls = descriptor.fields.get("urls")
        if self.repository.registry.allow_foreign and isinstance(urls, list) and urls:
            return self.repository.open_foreign(descriptor, [str(url) for url in urls])
        raise BlobNotFound(
            f"{self._label} has no {descriptor.digest}, which may not be distributed: "
            "--allow-foreign fetches it from where it says"
        )


class RegistryDestination:
    """One repository that is pushed to."""

    is_shared = True

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._uploads: dict[Digest, Upload] = {}
        self._sources: list[str] = []
        self._referrers: set[Digest] = set()
        self._lock = threading.Lock()
        self._listing = threading.Lock()
        self._taken: list[int] = []
        """The sizes of the blobs that the registry has from here."""

    def check(self, source: ImageSource) -> None:
        """Raises CannotHold where a name is not one of this repository's tags."""
        tagged(source, self._repository)
        self._sources = [
            found.repository.path
            for found in registry_sources(source)
            if found.repository.registry.host == self._repository.registry.host
            and found.repository.path != self._repository.path
        ]
        self._referrers = {
            blob.digest
            for blob in walk(source)
            if is_document(blob) and read_document(source, blob).subject is not None
        }

    def held_names(self, names: Collection[str]) -> Mapping[str, Digest]:
        """The names that are tags of the repository already, and their images."""
        found = {name: self._repository.digest_of(tag_of(name, self._repository)) for name in names}
        return {name: digest for name, digest in found.items() if digest is not None}

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the registry says so: it verified what it was sent.

        It is not asked of referrers, as those may have to be listed yet, nor of layers that it is
        not to have, as those who pull get them from elsewhere.
        """
        if not is_distributable(descriptor.media_type):
            return not self._repository.registry.allow_foreign or self._repository.has_blob(
                descriptor
            )
        if is_document(descriptor):
            is_referrer = descriptor.digest in self._referrers
            return not is_referrer and self._repository.has_manifest(descriptor.digest)
        return self._repository.has_blob(descriptor)

    def mount_blob(self, descriptor: Descriptor) -> bool:
        """Take a blob that another repository of the registry has."""
        if is_document(descriptor):
            return False
        for path in self._places_of(descriptor):
            upload = self._upload(descriptor.digest)
            scopes = (*self._repository.scopes, f"repository:{path}:pull")
            if upload.mount(descriptor.digest, path, scopes):
                self._done(descriptor)
                return True
        return False

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Send a blob or a document.

        Raises TransferBroken where it is to be called again, AccessDenied, RegistryFailed.
        """
        if is_document(descriptor):
            document = parse_document(descriptor, content.read())
            answer = self._put_document(descriptor.digest, document)
            # The list is read and put again: one at a time.
            with self._listing:
                list_referrer(self._repository, document, answer)
            return
        upload = self._upload(descriptor.digest)
        if not upload.was_broken or not self._repository.has_blob(descriptor):
            upload.send(descriptor, content)
        self._done(descriptor)

    def commit(self, source: ImageSource) -> None:
        """Give each tag its image."""
        for tag, entry in tagged(source, self._repository).items():
            self._put_document(tag, read_document(source, entry))
            remains.keep(f"{self._label}:{tag} was pushed")

    def note_what_stays(self) -> None:
        """Note the blobs that the registry took, in case that it has no tag for them."""
        if self._taken:
            what = "1 blob stays" if len(self._taken) == 1 else f"{len(self._taken)} blobs stay"
            remains.keep(f"{what} in {self._label}", sum(self._taken))

    @property
    def _label(self) -> str:
        return f"{self._repository.registry.host}/{self._repository.path}"

    def _put_document(self, reference: str | Digest, document: Document) -> Answer:
        return self._repository.put_manifest(reference, document)

    def _places_of(self, descriptor: Descriptor) -> Sequence[str]:
        host = self._repository.registry.host
        noted = descriptor.annotations.get(f"{SOURCE_ANNOTATION}{host}", "").split(",")
        known = self._repository.registry.repositories_with(descriptor.digest)
        found = dict.fromkeys((*known, *self._sources, *(path.strip() for path in noted)))
        others = [path for path in found if is_repository(path) and path != self._repository.path]
        return others[:MOUNT_ATTEMPTS]

    def _upload(self, digest: Digest) -> Upload:
        with self._lock:
            return self._uploads.setdefault(digest, self._repository.upload())

    def _done(self, blob: Descriptor) -> None:
        with self._lock:
            self._uploads.pop(blob.digest, None)
            self._taken.append(blob.size)
        self._repository.registry.note_blob(blob.digest, self._repository.path)


class _Recent:
    """Small blobs that were read lately, as documents are read more than once."""

    def __init__(self) -> None:
        self._contents: OrderedDict[Digest, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, digest: Digest) -> bytes | None:
        with self._lock:
            if digest in self._contents:
                self._contents.move_to_end(digest)
            return self._contents.get(digest)

    def put(self, digest: Digest, content: bytes) -> None:
        with self._lock:
            self._size += len(content) - len(self._contents.pop(digest, b""))
            self._contents[digest] = content
            while self._size > _RECENT_SIZE:
                self._size -= len(self._contents.popitem(last=False)[1])


@contextmanager
def open_source(place: Place, registries: Registries | None = None) -> Iterator["RegistrySource"]:
    """The image that a place in a registry names.

    `registries` are those of the command, if it has any. Raises ImageNotFound, AccessDenied,
    RegistryFailed.
    """
    with shared_or_new(registries) as known:
        yield image_at(place, known)


def image_at(place: Place, registries: Registries) -> RegistrySource:
    """The image that a place names: by its digest if that is stated, under the tag if that is."""
    repository = repository_of(place, registries)
    name = None if place.digest and not place.has_tag else str(place.reference)
    return _source(repository, [(place.digest or place.reference.tag, name)])


def all_images_at(
    place: Place, registries: Registries, *, referrers: bool = False
) -> RegistrySource:
    """The images of all tags of a repository, but for tags that speak of others.

    A note says how many of those there are, unless `referrers` are going to be looked for.
    """
    repository = repository_of(place, registries)
    domain, path = place.reference.domain, place.reference.path
    known = list(repository.tags())
    tags = [tag for tag in known if names.subject_of_tag(tag) is None]
    if len(tags) < len(known) and not referrers:
        count = len(known) - len(tags)
        notices.note(f"tags of referrers stay behind ({count}): --referrers takes them along")
    return _source(repository, [(tag, str(Reference(domain, path, tag))) for tag in tags])


def _source(
    repository: Repository, wanted: Sequence[tuple[str | Digest, str | None]]
) -> RegistrySource:
    """The images that tags or digests name, each under its name; raises ImageNotFound."""
    documents = [(_found(repository, reference), name) for reference, name in wanted]
    entries = [
        entry
        for document, name in documents
        for entry in names.renamed(document.descriptor, [name] if name else [])
    ]
    source = RegistrySource(repository, Index.of(entries))
    for document, _ in documents:
        source.keep(document)
    return source


def _found(repository: Repository, reference: str | Digest) -> Document:
    document = repository.manifest(reference)
    if document is None:
        joint = "@" if isinstance(reference, Digest) else ":"
        raise ImageNotFound(
            f"{repository.registry.host} has no {repository.path}{joint}{reference}: "
            f"ocilayout ls docker://{repository.registry.host}/{repository.path} lists its tags"
        )
    return document


@contextmanager
def open_destination(place: Place, options: DestinationOptions) -> Iterator[RegistryDestination]:
    """A repository that is pushed to."""
    with shared_or_new(options.registries) as known:
        destination = RegistryDestination(repository_of(place, known, writes=True))
        try:
            yield destination
        except BaseException:
            destination.note_what_stays()
            raise


def repository_of(place: Place, registries: Registries, *, writes: bool = False) -> Repository:
    """The repository of a place, to read or to write."""
    reference = place.reference
    return Repository(registries.of(reference.domain), reference.path, writes=writes)


def registry_sources(reader: BlobReader) -> Iterator[RegistrySource]:
    """The registries that a source was made of."""
    if isinstance(reader, RegistrySource):
        yield reader
    elif isinstance(reader, View):
        yield from registry_sources(reader.base)
    elif isinstance(reader, SpreadBlobs):
        for inner in reader.readers:
            yield from registry_sources(inner)
