"""The one copy loop: whatever moves between two places moves here."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import BinaryIO, TypeVar

from ocilayout.capabilities import (
    ChoosyDestination,
    LinkDestination,
    MountDestination,
    SharedDestination,
    made_layers,
)
from ocilayout.compression import CODECS
from ocilayout.crew import MAX_THREADS, Crew
from ocilayout.errors import IntegrityError, InvalidDocument, TransferBroken
from ocilayout.graph import (
    is_document,
    open_verified,
    read_config,
    read_document,
    walk,
)
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.recoding import Order, Recoded, Workshop, codec_in, with_codec
from ocilayout.rewriting import Document, Rewriter, levels_of_documents
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.stopping import stop_if_abandoned
from ocilayout.streams import Progress, Watch, ignore, unwatched

R = TypeVar("R")
Outcome = tuple[list[Descriptor], Descriptor]
"""A blob, and the list of the report in which it belongs."""
Recode = Callable[[Descriptor, str], str | None]
"""Given a layer and the codec that its bytes have: the codec that it is to have, None to keep."""


def keep(layer: Descriptor, codec: str) -> str | None:
    """The policy that leaves every layer as it is."""
    return None


def compress_all(codec: str) -> Recode:
    """The policy that gives every layer this codec; those that have it stay as they are."""
    return lambda layer, has: codec


def compress_made(sources: Sequence[ImageSource], *, plain: str = "none") -> Recode:
    """The policy for layers whose manifests had to be made, as no other tool knows their digests.

    Plain ones become `plain`, those that OCI has no media type for (xz, bzip2) become gzip. A
    layer that also stands in a manifest that was found is kept, and so are all others.
    """
    made = {digest for source in sources for digest in made_layers(source)}
    if not made:
        return keep
    for source in sources:
        if not made_layers(source):
            made.difference_update(blob.digest for blob in walk(source))
    wishes = {"none": plain, "xz": "gzip", "bzip2": "gzip"}
    return lambda layer, has: wishes.get(has, has) if layer.digest in made else None


@dataclass(frozen=True)
class Report:
    """What a transfer did."""

    source: ImageSource
    """What was committed: the source, or what it became."""
    copied: list[Descriptor] = field(default_factory=list)
    skipped: list[Descriptor] = field(default_factory=list)
    """What the destination had already."""
    linked: list[Descriptor] = field(default_factory=list)
    """What it took without reading it."""
    mounted: list[Descriptor] = field(default_factory=list)
    """What it took from elsewhere without being sent it."""
    changed: dict[Digest, Descriptor] = field(default_factory=dict)
    """The old digest of each blob that changed, and what it became."""


def check(source: ImageSource, destination: ImageDestination) -> None:
    """Raise beforehand what the destination would refuse at the end."""
    if isinstance(destination, ChoosyDestination):
        destination.check(source)


def missing_blobs(
    source: ImageSource, destination: ImageDestination, *, jobs: int = 1
) -> list[Descriptor]:
    """What a transfer would have to read: each blob that the destination lacks.

    `jobs` threads ask, where the destination is shared.
    """
    blobs = list(walk(source))
    with Crew() as crew:
        tasks = (partial(destination.has_blob, blob) for blob in blobs)
        has = list(_results(tasks, crew, _hands(destination, jobs)))
    return [blob for blob, is_there in zip(blobs, has, strict=True) if not is_there]


def transfer(
    source: ImageSource,
    destination: ImageDestination,
    *,
    recode: Recode = keep,
    level: int | None = None,
    jobs: int = 1,
    scratch: Path | None = None,
    link: bool = False,
    watch: Watch = unwatched,
) -> Report:
    """Copy all that the source's index leads to, verify every byte, and commit.

    `recode` says which layers are compressed anew, at `level`, in files below `scratch`. `jobs`
    threads compress, and copy where the destination is shared; no bytes depend on their number.
    `link` takes blobs by hard links where both sides are layout folders on one file system; those
    are not read. `watch` is told, blob by blob, what was read of the source. Raises what reading
    and writing raise; then nothing was committed.
    """
    check(source, destination)
    copier = _Copier(source, destination, watch, link)
    leaves = [blob for blob in walk(source) if not is_document(blob)]
    orders = _orders(source, recode, copier.rewriter) if recode is not keep else {}
    wanted = [orders[leaf.digest] for leaf in leaves if leaf.digest in orders]
    with (
        Workshop(
            source, scratch or Path("."), max(jobs, 1), level, watch, copier.adopts
        ) as workshop,
        Crew() as crew,
    ):
        tasks = copier.tasks(leaves, orders, workshop.recoded(wanted, crew))
        hands = _hands(destination, jobs)
        for outcome, blob in _results(tasks, crew, hands):
            outcome.append(blob)
        for same_level in levels_of_documents(source):
            documents = (copier.document_task(descriptor) for descriptor in same_level)
            for outcome, blob in _results(documents, crew, hands):
                outcome.append(blob)
    report = copier.report()
    destination.commit(report.source)
    return report


def _hands(destination: ImageDestination, jobs: int) -> int:
    """How many blobs a destination takes at a time."""
    is_shared = isinstance(destination, SharedDestination) and destination.is_shared
    return max(1, min(jobs, MAX_THREADS)) if is_shared else 1


def _results(tasks: Iterable[Callable[[], R]], crew: Crew, hands: int) -> Iterator[R]:
    """The results of `tasks` in their order; a single pair of hands is our own."""
    return crew.in_order(tasks, "copy", hands) if hands > 1 else (task() for task in tasks)


class _Copier:
    """Puts blobs; each way says in which list of the report the blob belongs."""

    def __init__(
        self, source: ImageSource, destination: ImageDestination, watch: Watch, link: bool
    ) -> None:
        self._source = source
        self._destination = destination
        self._adopter = destination if isinstance(destination, LinkDestination) else None
        self._linker = self._adopter if link else None
        self._mounter = destination if isinstance(destination, MountDestination) else None
        self._watch = watch
        self._report = Report(source)
        self.rewriter = Rewriter(source)

    @property
    def adopts(self) -> bool:
        """Whether what is made here may become the destination's without being copied."""
        return self._adopter is not None

    def tasks(
        self,
        leaves: Iterable[Descriptor],
        orders: Collection[Digest],
        recoded: Iterator[Recoded],
    ) -> Iterator[Callable[[], Outcome]]:
        """The work that each leaf is, in the order of `leaves`."""
        begun: set[Digest] = set()
        for leaf in leaves:
            new = next(recoded) if leaf.digest in orders else None
            target = leaf if new is None else new.descriptor
            if new is not None:
                self.rewriter.changed[leaf.digest] = target
            if target.digest in begun:
                # Two layers became one, which perhaps is still on its way.
                yield partial(self._pass, leaf, new)
            elif new is None:
                yield partial(self._put, leaf)
            else:
                yield partial(self._put_recoded, new)
            begun.add(target.digest)

    def _pass(self, leaf: Descriptor, new: Recoded | None) -> Outcome:
        if new is not None:
            new.file.close()
            return self._report.skipped, new.descriptor
        with self._watch(leaf) as on_bytes:
            on_bytes(leaf.size)
        return self._report.skipped, leaf

    def _put(self, leaf: Descriptor) -> Outcome:
        with self._watch(leaf) as on_bytes:
            unread = self._unread(leaf)
            if unread is not None:
                on_bytes(leaf.size)
                return unread, leaf
            self._send(leaf, partial(open_verified, self._source, leaf), on_bytes)
            return self._report.copied, leaf

    def _unread(self, leaf: Descriptor) -> list[Descriptor] | None:
        """The list of the report for a leaf that comes to the destination without being read."""
        if self._linked(leaf):
            return self._report.linked
        if self._destination.has_blob(leaf):
            return self._report.skipped
        if self._mounter is not None and self._mounter.mount_blob(leaf):
            return self._report.mounted
        return None

    def _linked(self, leaf: Descriptor) -> bool:
        if self._linker is None:
            return False
        with self._source.open_blob(leaf) as file:
            return self._linker.link_blob(leaf, file)

    def _put_recoded(self, new: Recoded) -> Outcome:
        with new.file:
            if self._destination.has_blob(new.descriptor):
                return self._report.skipped, new.descriptor
            # Its digest was taken of these bytes as they were written.
            if self._adopter is None or not self._adopter.link_blob(new.descriptor, new.file):
                self._send(new.descriptor, lambda on_bytes: new.open(), ignore)
        return self._report.copied, new.descriptor

    def document_task(self, descriptor: Descriptor) -> Callable[[], Outcome]:
        """The work that a document is, as it is now; those that it needs were put before."""
        found = read_document(self._source, descriptor)
        if isinstance(found, Manifest):
            _check_counts(self._source, found)
        return partial(self._put_document, descriptor, self.rewriter.rewrite(found))

    def _put_document(self, old: Descriptor, document: Document) -> Outcome:
        now = document.descriptor
        with self._watch(old) as on_bytes:
            on_bytes(old.size)
            if self._destination.has_blob(now):
                return self._report.skipped, now
            self._send(now, lambda on_bytes: io.BytesIO(document.raw), ignore)
        return self._report.copied, now

    def _send(
        self, blob: Descriptor, opened: Callable[[Progress], BinaryIO], on_bytes: Progress
    ) -> None:
        """Put a blob, however often its transfer breaks: the destination knows when to give up."""
        counted = _CountedOnce(on_bytes)
        while True:
            try:
                with opened(counted.attempt()) as content:
                    self._destination.put_blob(blob, content)
                return
            except TransferBroken:
                stop_if_abandoned()

    def report(self) -> Report:
        """What was done."""
        changed = self.rewriter.changed
        if not changed:
            return self._report
        view = self.rewriter.view()
        return replace(self._report, source=view, changed=changed)


class _CountedOnce:
    """Progress through a blob that may be read from its first byte several times."""

    def __init__(self, on_bytes: Progress) -> None:
        self._on_bytes = on_bytes
        self._told = 0

    def attempt(self) -> Progress:
        """The progress of one reading: what lies beyond all earlier ones counts."""
        position = 0

        def advance(count: int) -> None:
            nonlocal position
            position += count
            if position > self._told:
                self._on_bytes(position - self._told)
                self._told = position

        return advance


def unsettled(source: ImageSource, recode: Recode) -> set[Digest]:
    """What a transfer would change in a way that is not known before: layers that are compressed
    anew, and the documents that lead to them."""
    found = set(_orders(source, recode, Rewriter(source))) if recode is not keep else set()
    for blob in walk(source) if found else ():
        if is_document(blob):
            children = read_document(source, blob).children
            if any(child.digest in found for child in children):
                found.add(blob.digest)
    return found


def _orders(source: ImageSource, recode: Recode, rewriter: Rewriter) -> dict[Digest, Order]:
    """Which layers are compressed anew; one that only bears a wrong label gets the right one."""
    orders: dict[Digest, Order] = {}
    for manifest in _images(source):
        layers = [layer for layer in manifest.layers if _may_change(source, layer)]
        for layer, diff_id in _with_diff_ids(source, manifest) if layers else ():
            if layer.digest in orders or not _may_change(source, layer):
                continue
            codec = codec_in(source, layer)
            if codec.name == "none":
                _check_plain(layer, diff_id)
            wanted = recode(layer, codec.name)
            if wanted is not None and wanted != codec.name:
                orders[layer.digest] = Order(layer, CODECS[wanted], diff_id)
            elif wanted is not None:
                labelled = with_codec(layer, codec)
                if labelled.media_type != layer.media_type:
                    rewriter.changed[layer.digest] = labelled
    return orders


def _check_plain(layer: Descriptor, diff_id: Digest | None) -> None:
    """What is not compressed has its diff id for a digest; raises IntegrityError."""
    same_kind = diff_id is not None and diff_id.algorithm == layer.digest.algorithm
    if same_kind and diff_id != layer.digest:
        raise IntegrityError(
            f"layer {layer.digest} is not compressed, but its config says {diff_id}: the image is "
            "damaged: fetch or build it again"
        )


def _images(source: ImageSource) -> Iterator[Manifest]:
    for descriptor in walk(source):
        if is_document(descriptor):
            document = read_document(source, descriptor)
            if isinstance(document, Manifest) and document.is_image:
                yield document


def _may_change(source: ImageSource, layer: Descriptor) -> bool:
    """Whether it is a layer tar that is here; encrypted ones and foreign content are never."""
    return layer_type(layer.media_type) is not None and layer.digest not in source.absent


def _with_diff_ids(
    source: ImageSource, manifest: Manifest
) -> Sequence[tuple[Descriptor, Digest | None]]:
    config = _check_counts(source, manifest)
    diff_ids = () if config is None else config.diff_ids
    return list(zip_longest(manifest.layers, diff_ids[: len(manifest.layers)]))


def _check_counts(source: ImageSource, manifest: Manifest) -> ImageConfig | None:
    """The config of an image whose layers are as many as its diff ids; raises InvalidDocument.

    Artifacts borrow the type of image configs, so only an image of layer tars counts.
    """
    if manifest.config is None or manifest.config.digest in source.absent:
        return None
    if not all(layer_type(layer.media_type) for layer in manifest.layers):
        return None
    config = read_config(source, manifest)
    if config is not None and len(config.diff_ids) != len(manifest.layers):
        raise InvalidDocument(
            f"image {manifest.descriptor.digest} has {len(manifest.layers)} layers, but its config "
            f"counts {len(config.diff_ids)} diff ids: no engine takes that"
        )
    return config
