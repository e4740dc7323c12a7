"""What of a layout folder is reachable, in doubt more than is.

Documents of known types are read as such. What stands in the place of a document but is of a type
that is unknown here, or is named where only a later specification would name something, may lead
to blobs in ways that nobody here knows: each digest that is written in it counts as a reference.
What stands in the place of a config or a layer is content, in which no tool looks for blobs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from ocilayout.errors import IntegrityError, InvalidArchive, InvalidDocument
from ocilayout.folders import FolderFiles
from ocilayout.graph import View, is_document, read_bytes, read_config, read_document, walk
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import HEX_LENGTHS, Digest
from ocilayout.spec.documents import Document, Index, Manifest
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT
from ocilayout.spec.media_types import layer_type
from ocilayout.stores.file_names import MANIFEST
from ocilayout.stores.layout_source import read_small

_DIGEST = re.compile(
    "|".join(f"({name})[:/]([0-9a-f]{{{n}}})(?![0-9a-f])" for name, n in HEX_LENGTHS.items()),
    re.ASCII,
)


@dataclass(frozen=True)
class _Passed:
    """What the walk passes over: documents that it was in before, and what is not here."""

    files: FolderFiles
    walked: set[Digest]

    def __contains__(self, digest: object) -> bool:
        assert isinstance(digest, Digest)
        return digest in self.walked or digest.blob_path not in self.files

    def __iter__(self) -> Iterator[Digest]:
        return iter(self.walked)

    def __len__(self) -> int:
        return len(self.walked)


class Marks:
    """The marks on a layout's blobs; raises what reading raises, also IntegrityError."""

    def __init__(self, files: FolderFiles, index: Index) -> None:
        """Mark all that `index` leads to."""
        self._files = files
        self._walked: set[Digest] = set()
        self._mentioned: set[Digest] = set()
        self._looked_into: set[Digest] = set()
        self._subjects: list[Descriptor] = []
        self._spoken_of: set[Digest] = set()
        self.reached: set[Digest] = set()
        self.gaps: dict[Digest, Descriptor] = {}
        """What is led to and not here: members of indexes, of which nobody knows what they lead to,
        and configs and layers, so that an image is not whole."""
        self._walk(index)
        self._learn(index)
        self._listed = frozenset(self.reached)
        if MANIFEST in files:
            # docker leaves images out of its index.json that its manifest.json lists.
            listed = read_small(files, MANIFEST).decode("ascii", "replace")
            self._mentioned |= set(_digests_in(listed))
        self._follow()

    @property
    def subjects(self) -> list[Digest]:
        """What is reached only since something that is listed refers to it."""
        return sorted((self._spoken_of & self.reached) - self._listed)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A blob that is read to learn what it leads to; raises IntegrityError, BlobNotFound."""
        if not descriptor.digest.verifiable:
            raise IntegrityError(
                f"{descriptor.digest} cannot be verified, since {descriptor.digest.algorithm} is "
                "unknown here: so what it leads to is not known"
            )
        return self._files.open(descriptor.digest.blob_path)

    def keep_referrers(self, candidates: Iterable[Digest]) -> list[Digest]:
        """Mark the `candidates` that refer to what is marked, and what they lead to.

        Some tools find referrers by their `subject` alone and list them nowhere.
        """
        waiting: dict[Digest, list[Digest]] = {}
        for candidate in candidates:
            subject = self._subject_in(candidate)
            if subject is not None:
                waiting.setdefault(subject, []).append(candidate)
        kept: list[Digest] = []
        while ready := waiting.keys() & self.reached:
            found = [referrer for subject in ready for referrer in waiting.pop(subject)]
            kept += (referrer for referrer in found if referrer not in self.reached)
            self._mentioned.update(found)
            self._follow()
        return sorted(kept)

    def _follow(self) -> None:
        while self._mentioned or self._subjects:
            if self._mentioned:
                self._look_into(self._mentioned.pop())
                continue
            subject = self._subjects.pop()
            if subject.digest not in self._walked and self._is_here(subject.digest):
                self._walk(Index.of([subject]))

    def _walk(self, index: Index) -> None:
        for blob in walk(View(self, index, absent=_Passed(self._files, self._walked))):
            self.reached.add(blob.digest)
            if is_document(blob):
                self._walked.add(blob.digest)
                self._learn(read_document(self, blob))

    def _learn(self, document: Document) -> None:
        """Note what else a document of a known type may lead to, and what it leads to in vain.

        Raises InvalidDocument where an index does not say what it lists.
        """
        if isinstance(document, Index) and document.fields.get("manifests") is None:
            raise InvalidDocument(f"{document.digest} does not say which manifests it lists")
        mentioned = set(_mentioned_by(document))
        if document.subject is not None:
            self._spoken_of.add(document.subject.digest)
            if is_document(document.subject):
                self._subjects.append(document.subject)
                mentioned.discard(document.subject.digest)
        if isinstance(document, Manifest):
            self._check_config(document)
            for child in document.children:
                self._check_leaf(child)
            mentioned -= {child.digest for child in document.children}
        else:
            mentioned -= {child.digest for child in document.children if is_document(child)}
            for child in document.children:
                if not self._is_here(child.digest):
                    self.gaps.setdefault(child.digest, child)
        self._mentioned |= mentioned

    def _check_config(self, manifest: Manifest) -> None:
        """Raises where a config is not what it should be: it leads nowhere, but is a document."""
        config = manifest.config
        if config is None or not self._is_here(config.digest):
            return
        if manifest.is_image:
            _refuse_unstated_layers(manifest, read_config(self, manifest))
        elif config.size <= strict_json.MAX_DOCUMENT_SIZE:
            read_bytes(self, config)

    def _check_leaf(self, leaf: Descriptor) -> None:
        """Note that a config or a layer is not here; raises where it is of another size.

        Layers are not read: that takes long, and they lead nowhere.
        """
        kind = layer_type(leaf.media_type)
        if not self._is_here(leaf.digest):
            if kind is None or kind.distributable:
                self.gaps.setdefault(leaf.digest, leaf)
            return
        size = self._files.size(leaf.digest.blob_path)
        if size != leaf.size:
            raise IntegrityError(
                f"{leaf.digest} has {size} bytes, its descriptor says {leaf.size}",
                remedy="fetch or build it again",
            )

    def _look_into(self, digest: Digest) -> None:
        """Mark a blob of whatever type, and what it mentions if it may be a document."""
        if digest in self._walked or digest in self._looked_into or not self._is_here(digest):
            return
        self._looked_into.add(digest)
        self.reached.add(digest)
        size = self._files.size(digest.blob_path)
        if size > strict_json.MAX_DOCUMENT_SIZE:
            return
        raw = read_bytes(self, _of_any_type(digest, size))
        stated = _fields_in(raw).get("mediaType")
        if isinstance(stated, str) and stated in media_types.DOCUMENTS:
            self._walk(Index.of([Descriptor.make(stated, digest, size)]))
        else:
            self._mentioned |= set(_digests_in(raw.decode("ascii", "replace")))

    def _subject_in(self, candidate: Digest) -> Digest | None:
        """What a blob that nothing leads to refers to, if it is whole and a document."""
        size = self._files.size(candidate.blob_path)
        if size > strict_json.MAX_DOCUMENT_SIZE:
            return None
        try:
            raw = read_bytes(self, _of_any_type(candidate, size))
        except (IntegrityError, InvalidArchive):
            return None
        subject = _fields_in(raw).get("subject")
        if not isinstance(subject, dict):
            return None
        return next(_digests_in(str(subject.get("digest"))), None)

    def _is_here(self, digest: Digest) -> bool:
        return digest.blob_path in self._files


def _refuse_unstated_layers(manifest: Manifest, config: ImageConfig | None) -> None:
    """A reader may take null for no layers. Who removes what is not listed may not, where the
    config says that there are some; raises InvalidDocument."""
    if config is not None and config.diff_ids and manifest.fields.get("layers") is None:
        raise InvalidDocument(
            f"{manifest.digest} does not say which layers it has, and its config has "
            f"{len(config.diff_ids)} diff ids"
        )


def _of_any_type(digest: Digest, size: int) -> Descriptor:
    return Descriptor.make("application/octet-stream", digest, size)


def _fields_in(raw: bytes) -> Mapping[str, object]:
    """The object that a blob holds; empty where it is something else."""
    if raw[:1] not in b"{ \t\r\n":
        return {}
    try:
        return strict_json.parse_object(raw, "blob")
    except InvalidDocument:
        return {}


def _mentioned_by(document: Document) -> Iterator[Digest]:
    """The digests in a document's fields, but those in annotations, which are for people.

    `org.opencontainers.image.base.digest` would keep every image that another was built on.
    """
    for child in document.children:
        if isinstance(document, Index) and not is_document(child):
            yield child.digest
        for key in (REFERENCE_DIGEST, SUBJECT):
            yield from _digests_in(child.annotations.get(key, ""))
    pending: list[object] = [document.fields]
    while pending:
        value = pending.pop()
        if isinstance(value, Mapping):
            pending += (item for key, item in value.items() if key != "annotations")
        elif isinstance(value, list):
            pending += value
        elif isinstance(value, str):
            yield from _digests_in(value)


def _digests_in(text: str) -> Iterator[Digest]:
    for match in _DIGEST.finditer(text):
        yield Digest(*filter(None, match.groups()))
