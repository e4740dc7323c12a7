"""The one copy loop: whatever moves between two places moves here."""

import io
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from ocilayout import notices
from ocilayout.capabilities import (
    ChoosyDestination,
    LinkDestination,
    MountDestination,
    NamedDestination,
    SharedDestination,
)
from ocilayout.crew import MAX_THREADS, Crew
from ocilayout.damage import refuse_unfollowed
from ocilayout.errors import TransferBroken
from ocilayout.graph import is_document, open_verified, read_document, walk
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.recode_policy import Recode, check_counts, keep, orders_of
from ocilayout.recoding import Recoded, Workshop
from ocilayout.rewriting import Rewriter, levels_of_documents
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Manifest
from ocilayout.spec.names import names_of
from ocilayout.stopping import stop_if_abandoned
from ocilayout.streams import Progress, Watch, ignore, unwatched

R = TypeVar("R")
Outcome = tuple[list[Descriptor], Descriptor]
"""A blob, and the list of the report in which it belongs."""


class MovedName(NamedTuple):
    """A name that led to another image at the destination."""

    name: str
    old: Digest
    new: Digest


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
    moved: list[MovedName] = field(default_factory=list)
    """The names that were another image's at the destination."""


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
    refuse_unfollowed(source)
    blobs = list(walk(source))
    with Crew() as crew:
        tasks = (partial(destination.has_blob, blob) for blob in blobs)
        has = list(_results(tasks, crew, _hands(destination, jobs)))
    return [blob for blob, is_there in zip(blobs, has, strict=True) if not is_there]


def moved_names(source: ImageSource, destination: ImageDestination) -> list[MovedName]:
    """The names of a source that lead to other images at the destination, until it is written."""
    if not isinstance(destination, NamedDestination):
        return []
    new = {name: entry.digest for entry in source.index.children for name in names_of(entry)}
    held = destination.held_names(new)
    return [
        MovedName(name, held[name], digest)
        for name, digest in new.items()
        if held.get(name, digest) != digest
    ]


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
    refuse_unfollowed(source)
    check(source, destination)
    copier = _Copier(source, destination, watch, link)
    leaves = [blob for blob in walk(source) if not is_document(blob)]
    orders, relabelled = orders_of(source, recode)
    copier.rewriter.changed.update(relabelled)
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
    moved = moved_names(report.source, destination)
    destination.commit(report.source)
    for name, old, new in moved:
        notices.note(f"{name} was {old}, and is {new} now")
    return replace(report, moved=moved)


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
            check_counts(self._source, found)
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
