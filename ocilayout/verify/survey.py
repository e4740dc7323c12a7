"""The walk over a graph that may be damaged: every document looked at once, every leaf noted.

The readers of `graph` raise at the first problem; here each document is read on its own, and what
can be read of it is followed.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from ocilayout.errors import BlobNotFound
from ocilayout.graph import MAX_LEVELS, contradiction_of, is_document, read_bytes
from ocilayout.problems import Problem
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform
from ocilayout.verify import configs, entries
from ocilayout.verify.configs import ConfigReading, Configs
from ocilayout.verify.documents import Reading, examined
from ocilayout.verify.leaf import Leaf
from ocilayout.verify.media_type_problems import digest_problems, following_problems, type_problems
from ocilayout.verify.telling import READING, told


@dataclass(frozen=True)
class _Arrow:
    descriptor: Descriptor
    where: str
    level: int
    """Documents above it."""
    index: str = ""
    """The index, other than the top one, that lists it."""


# Generators that yield findings, and return what goes on.
_Following = Generator[Problem, None, list[_Arrow]]
_Answering = Generator[Problem, None, bool]
_Reading = Generator[Problem, None, bytes | None]
_Configuring = Generator[Problem, None, ConfigReading | None]


class Survey:
    """One walk: its findings, and what it learned for later checks."""

    def __init__(self, source: ImageSource, label: str, platforms: Sequence[Platform]) -> None:
        """`label` is what messages call the source's index; no platforms are all."""
        self._source = source
        self._label = label
        self._platforms = platforms
        self._platforms_found: set[Platform] = set()
        self._seen: dict[Digest, Descriptor] = {}
        self._platform_of: dict[Digest, Platform | None] = {}
        self._absent: set[Digest] = set()
        self._lacking: dict[str, bool] = {}
        """Of each index, whether none of its members was here so far."""
        self._configs_told: set[Digest] = set()
        self._configs = Configs(source)
        self.leaves: dict[Digest, Leaf] = {}
        self.image_lists: dict[Digest, set[Digest]] = {}
        """For each config the lists of layers that images have for it, each as a digest; none for
        that of an artifact."""
        self.images = 0
        self.stacked: list[Descriptor] = []
        """The images that have a diff id for each layer."""
        self.bytes_read = 0
        self.is_whole = True
        """Whether every document could be read and followed, so that nothing was overlooked."""

    @property
    def platforms_absent(self) -> list[Platform]:
        """Those of the platforms asked for of which there is no image."""
        return [asked for asked in self._platforms if asked not in self._platforms_found]

    def has_met(self, digest: Digest) -> bool:
        """Whether something leads to it, be it here or not."""
        return digest in self._seen

    def problems(self) -> Iterator[Problem]:
        """Walk; the findings, in the order in which images are listed."""
        index = self._source.index
        top = Descriptor.make(index.media_type, index.digest, len(index.raw))
        reading = examined(index.raw, top, self._label)
        yield from reading.problems
        self._note(reading)
        if index.media_type not in media_types.INDEXES:
            text = f"it is {index.media_type!r}, which is no index"
            yield Problem("media-type-mismatch", f"{self._label}: mediaType", text)
        yield from entries.name_problems(reading.children)
        stack = list((yield from self._members(reading, _Arrow(top, self._label, 0))))[::-1]
        while stack:
            arrow = stack.pop()
            below = yield from self._visit(arrow)
            stack.extend(reversed(below))
        for label, lacking in self._lacking.items():
            if lacking:
                yield Problem("index-empty-handed", f"{label}: manifests", "none of them is here")

    def _members(self, reading: Reading, arrow: _Arrow) -> _Following:
        """The entries of an index that are to be followed."""
        yield from entries.attestation_problems(reading.children, self._is_here)
        index = "" if arrow.level == 0 else str(arrow.descriptor.digest)
        if index:
            yield from entries.platform_problems(reading.children)
        return [
            _Arrow(child, where, arrow.level + 1, index)
            for where, child in entries.wanted(reading.children, self._platforms)
        ]

    def _visit(self, arrow: _Arrow) -> _Following:
        descriptor = arrow.descriptor
        is_new = yield from self._meet(descriptor, arrow.where)
        if not is_new:
            self._count_member(arrow)
            known = self._platform_of.get(descriptor.digest)
            yield from configs.platform_problems(descriptor, known, arrow.where)
            return []
        if not is_document(descriptor):
            found = list(following_problems(self._source, descriptor, arrow.where))
            self.is_whole = self.is_whole and not found
            yield from found
            self._add_leaf(descriptor, arrow.where)
            return []
        if arrow.level > MAX_LEVELS:
            self.is_whole = False
            text = f"{descriptor.digest} stands below {MAX_LEVELS} others"
            yield Problem("nested-too-deep", arrow.where, text)
            return []
        raw = yield from self._bytes(arrow)
        if raw is None:
            return []
        reading = examined(raw, descriptor, str(descriptor.digest))
        yield from reading.problems
        self._note(reading)
        yield from self._subject_problems(reading)
        if descriptor.media_type in media_types.INDEXES:
            return (yield from self._members(reading, arrow))
        return (yield from self._manifest(reading, arrow))

    def _meet(self, descriptor: Descriptor, where: str) -> _Answering:
        """Whether a digest is met for the first time."""
        known = self._seen.setdefault(descriptor.digest, descriptor)
        if known is not descriptor:
            contradiction = contradiction_of(known, descriptor)
            if contradiction is not None:
                yield Problem("described-twice", where, contradiction)
            return False
        if not descriptor.digest.verifiable:
            text = f"nobody here knows {descriptor.digest.algorithm}"
            yield Problem("digest-unverifiable", f"{where}.digest", text)
        yield from digest_problems(descriptor, where)
        return True

    def _bytes(self, arrow: _Arrow) -> _Reading:
        """The bytes of a document, verified."""
        descriptor = arrow.descriptor
        raw: bytes | None = None
        try:
            raw = read_bytes(self._source, descriptor)
            self.bytes_read += len(raw)
        except READING as error:
            if isinstance(error, BlobNotFound):
                self._absent.add(descriptor.digest)
            if isinstance(error, BlobNotFound) and arrow.index:
                text = f"{entries.member_name(descriptor)} ({descriptor.digest}) is not here"
                yield Problem("platform-absent", arrow.where, text)
            else:
                self.is_whole = False
                yield told(error, arrow.where)
        self._count_member(arrow)
        return raw

    def _count_member(self, arrow: _Arrow) -> None:
        """Learn whether an index has a member that is here."""
        if arrow.index:
            lacking = self._lacking.get(arrow.index, True)
            self._lacking[arrow.index] = lacking and arrow.descriptor.digest in self._absent

    def _note(self, reading: Reading) -> None:
        self.is_whole = self.is_whole and reading.document is not None

    def _subject_problems(self, reading: Reading) -> Iterator[Problem]:
        document = reading.document
        if document is not None and document.subject is not None:
            digest = document.subject.digest
            if not self._is_here(digest):
                where = f"{document.digest}: subject"
                yield Problem("subject-absent", where, f"{digest} is not here")

    def _is_here(self, digest: Digest) -> bool:
        if digest in self._seen:
            return True
        subject = Descriptor.make(media_types.OCI_MANIFEST, digest, 0)
        try:
            self._source.open_blob(subject).close()
        except BlobNotFound:
            return False
        except READING:
            # Where it is listed, it is said what is wrong with it.
            return True
        return True

    def _manifest(self, reading: Reading, arrow: _Arrow) -> _Following:
        manifest = reading.document
        config = yield from self._config(reading)
        platform = None if config is None else config.platform
        self._platform_of[arrow.descriptor.digest] = platform
        yield from configs.platform_problems(arrow.descriptor, platform, arrow.where)
        if self._is_unwanted(platform):
            return []
        found = platform or arrow.descriptor.platform
        if found is not None:
            self._platforms_found.update(filter(found.fits, self._platforms))
        diff_ids: tuple[Digest, ...] = ()
        # What cannot be read may well be an image.
        is_image = config is not None and not isinstance(manifest, Manifest)
        if isinstance(manifest, Manifest) and manifest.is_image:
            is_image = True
            assert manifest.config is not None
            lists = self.image_lists.setdefault(manifest.config.digest, set())
            label = str(arrow.descriptor.digest)
            if manifest.has_layer_tars:
                self.images += not is_listed_referrer(arrow.descriptor)
                lists.add(manifest.list_of_layers)
                yield from type_problems(manifest, label)
            if config is not None:
                yield from configs.count_problems(manifest, config, label)
                if len(config.diff_ids or ()) == len(manifest.layers):
                    diff_ids = config.diff_ids or ()
                    if manifest.has_layer_tars:
                        self.stacked.append(arrow.descriptor)
        return (yield from self._parts(reading, arrow, diff_ids, is_image))

    def _is_unwanted(self, platform: Platform | None) -> bool:
        if not self._platforms or platform is None or platform.is_unknown:
            return False
        return not any(platform.fits(asked) for asked in self._platforms)

    def _config(self, reading: Reading) -> _Configuring:
        """The config of an image, if there is one; the config itself is looked at once."""
        if reading.image_config is None:
            return None
        where, config = reading.image_config
        yield from self._meet(config, where)
        found = self._configs.read(config, where)
        if config.digest not in self._configs_told:
            self._configs_told.add(config.digest)
            self.bytes_read += found.size
            yield from found.problems
        return found

    def _parts(
        self, reading: Reading, arrow: _Arrow, diff_ids: Sequence[Digest], is_image: bool
    ) -> _Following:
        """What a manifest leads to beside the config of an image."""
        below: list[_Arrow] = []
        parts = list(zip_longest(reading.children, diff_ids))
        if reading.config and not reading.image_config:
            parts.insert(0, (reading.config, None))
        for (where, child), diff_id in parts:
            if is_document(child):
                below.append(_Arrow(child, where, arrow.level + 1))
                continue
            is_layer = is_image and layer_type(child.media_type) is not None
            is_new = yield from self._meet(child, where)
            if is_new or (is_layer and not self._is_layer(child)):
                self._add_leaf(child, where, is_layer)
            if diff_id is not None and child.digest in self.leaves:
                self.leaves[child.digest].diff_ids.add(diff_id)
        return below

    def _is_layer(self, descriptor: Descriptor) -> bool:
        """Whether it was taken for a layer before; what is no leaf stays what it is."""
        known = self.leaves.get(descriptor.digest)
        return known is None or known.is_layer

    def _add_leaf(self, descriptor: Descriptor, where: str, is_layer: bool = False) -> None:
        self.leaves[descriptor.digest] = Leaf(descriptor, where, is_layer)
