"""Sparse and damaged sources: a policy for what an index names and is not here, or is not readable.

docker 29 and `ctr images export --platform` write sparse ones, and they are legal
(image-layout.md).
"""

from collections.abc import Collection, Sequence
from typing import Literal

from ocilayout import notices
from ocilayout.blobs import SpreadBlobs
from ocilayout.damage import (
    DAMAGE,
    Damage,
    despite_damage,
    has_others,
    readable,
    reason_of,
    refusal,
    refuse_damaged_entries,
    why_unreadable,
)
from ocilayout.errors import BlobNotFound, InvalidDocument
from ocilayout.graph import View, is_document, read_document
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index
from ocilayout.spec.media_types import is_distributable
from ocilayout.spec.names import names_of

Policy = Literal["refuse", "keep", "prune"]


def settle_missing(
    source: ImageSource, policy: Policy, elsewhere: BlobReader | None = None
) -> ImageSource:
    """The source with a decision on what is absent, and on what cannot be read.

    `refuse` raises BlobNotFound, naming the platform; `prune` drops the members that are not
    whole or cannot be read, with their attestations; `keep` leaves the index as it is. Layers that
    may not be distributed may always be absent. What is absent here and is `elsewhere`, where the
    copy goes to, is read from there instead of being refused. But for `prune`, InvalidDocument or
    what reading raises is raised of what is damaged.
    """
    if policy == "prune":
        return _pruned(without_damage(source))
    refuse_damaged_entries(source)
    survey = _Survey.of(source)
    if survey.incomplete and policy == "refuse" and elsewhere is not None:
        completed = View(SpreadBlobs([source, elsewhere]), source.index, absent=source.absent)
        if not (both := _Survey.of(completed)).incomplete:
            source, survey = completed, both
    _warn_of_foreign(survey)
    if policy == "refuse" and survey.incomplete:
        raise BlobNotFound(_refusal(survey))
    absent = frozenset(survey.missing)
    return View(source, source.index, absent=absent) if absent else source


def with_gaps(source: ImageSource) -> ImageSource:
    """The source with what is absent known, and what cannot be read set aside.

    To look at, and to edit in place: what an edit leaves as it is need not be whole.
    """
    return despite_damage(source, with_absent)[0]


def with_absent(source: ImageSource) -> ImageSource:
    """The source with what is absent known; raises what reading its documents raises."""
    survey = _Survey.of(source)
    _warn_of_foreign(survey)
    absent = frozenset((*source.absent, *survey.missing))
    return View(source, source.index, absent=absent) if absent else source


def without_damage(source: ImageSource) -> ImageSource:
    """The source without what cannot be read of it, which a warning names."""
    found = readable(source)
    if not found.damage:
        return source
    named = "; ".join(f"{damage.title}: {damage.reason}" for damage in found.damage)
    nothing = InvalidDocument(f"--missing prune would leave nothing: {named}")
    if not found.source.index.children:
        raise nothing
    index = found.source.index.without_damaged()
    left = {entry.digest for entry in index.children}
    gone = {damage.digest for damage in found.damage if damage.digest is not None} - left
    view = View(found.source, index, absent=found.source.absent)
    whole, _ = _left_without(view, found.members.keys(), gone)
    if not whole.index.children:
        raise nothing
    notices.warn(f"left out, since it cannot be read: {named}")
    return View(whole, whole.index, absent=source.absent)


def _refusal(survey: "_Survey") -> str:
    descriptor, missing = next(iter(survey.incomplete.values()))
    called = descriptor.platform or ", ".join(names_of(descriptor)) or "an image"
    others = len(survey.incomplete) - 1
    more = f" (and {others} more)" if others else ""
    return (
        f"{called} is not whole{more}: {missing.digest} ({missing.media_type}) is not here: "
        "--missing prune leaves out what is not whole, --missing keep keeps the gaps"
    )


def _pruned(source: ImageSource) -> ImageSource:
    survey = _Survey.of(source)
    _warn_of_foreign(survey)
    foreign = frozenset(survey.foreign)
    if not survey.incomplete:
        return View(source, source.index, absent=foreign) if foreign else source
    gone = survey.incomplete.keys()
    sparse = View(source, source.index, absent=foreign | survey.missing)
    whole, titles = _left_without(sparse, gone, gone)
    dropped = ", ".join(titles)
    if not whole.index.children:
        raise BlobNotFound(f"--missing prune would leave nothing: {dropped} is not whole")
    notices.warn(f"left out, since it is not whole: {dropped}")
    return View(whole, whole.index, absent=foreign)


def _left_without(
    view: View, members_gone: Collection[Digest], gone: Collection[Digest]
) -> tuple[View, Collection[str]]:
    """The source without these members and without the referrers of what is gone; what messages
    call each member."""
    # Few runs prune, and start-up counts.
    from ocilayout import members

    titles: dict[str, None] = {}

    def edit(descriptor: Descriptor) -> Descriptor | None:
        if descriptor.digest not in members_gone:
            return descriptor
        titles[str(descriptor.platform or descriptor.digest)] = None
        return None

    pruned = members.edited(view, edit)
    whole, left_out = members.without_orphans(pruned, view, gone)
    if left_out and whole.index.children:
        from ocilayout.signatures import warn_of_left_out

        warn_of_left_out(view, left_out)
    return whole, titles


def _warn_of_foreign(survey: "_Survey") -> None:
    for digest in survey.foreign:
        notices.warn(f"{digest} may not be distributed and is not here; it stays absent")


class _Survey:
    """What of a source is there."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self.incomplete: dict[Digest, tuple[Descriptor, Descriptor]] = {}
        """Manifests that lack something, with the first thing that they lack."""
        self.missing: set[Digest] = set()
        self.foreign: dict[Digest, None] = {}
        """Absent layers that may not be distributed, in the order in which they were met."""
        self._seen: dict[Digest, bool] = {}

    @classmethod
    def of(cls, source: ImageSource) -> "_Survey":
        """A look at all of a source; raises what reading its documents raises."""
        survey = cls(source)
        for child in source.index.children:
            survey.visit(child)
        return survey

    def visit(self, top: Descriptor) -> None:
        pending = [top]
        while pending:
            descriptor = pending.pop()
            if descriptor.digest in self._seen:
                continue
            if not self._is_here(descriptor):
                self.incomplete[descriptor.digest] = (descriptor, descriptor)
            elif is_document(descriptor):
                document = self._document(descriptor)
                if isinstance(document, Index):
                    pending.extend(reversed(document.children))
                else:
                    self._check(descriptor, document.children)
            else:
                self._refuse_unfollowed(descriptor)

    def _document(self, descriptor: Descriptor) -> Document:
        try:
            return read_document(self._source, descriptor)
        except DAMAGE as error:
            if not has_others(self._source, descriptor):
                raise
            raise self._refusal(descriptor, reason_of(error, descriptor)) from None

    def _refuse_unfollowed(self, descriptor: Descriptor) -> None:
        reason = why_unreadable(self._source, descriptor)
        if reason is not None:
            raise self._refusal(descriptor, reason)

    def _refusal(self, descriptor: Descriptor, reason: str) -> InvalidDocument:
        names = names_of(descriptor)
        damage = Damage(descriptor.digest, names, descriptor.platform, reason)
        return refusal([damage], has_others=has_others(self._source, descriptor))

    def _check(self, manifest: Descriptor, children: Sequence[Descriptor]) -> None:
        for child in children:
            if self._is_here(child):
                continue
            if is_distributable(child.media_type):
                self.incomplete.setdefault(manifest.digest, (manifest, child))
            else:
                self.foreign[child.digest] = None

    def _is_here(self, descriptor: Descriptor) -> bool:
        known = self._seen.get(descriptor.digest)
        if known is None:
            known = descriptor.digest not in self._source.absent and self._opens(descriptor)
            if not known:
                self.missing.add(descriptor.digest)
            self._seen[descriptor.digest] = known
        return known

    def _opens(self, descriptor: Descriptor) -> bool:
        try:
            self._source.open_blob(descriptor).close()
        except BlobNotFound:
            return False
        except DAMAGE as error:
            if not has_others(self._source, descriptor):
                raise
            raise self._refusal(descriptor, reason_of(error, descriptor)) from None
        return True
