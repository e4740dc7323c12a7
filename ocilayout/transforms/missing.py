"""Sparse images: one policy for indexes that name what is not there.

docker 29 and `ctr images export --platform` write them, and they are legal (image-layout.md).
"""

from collections.abc import Sequence
from typing import Literal

from ocilayout import notices
from ocilayout.blobs import SpreadBlobs
from ocilayout.errors import BlobNotFound
from ocilayout.graph import View, is_document, read_document
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.media_types import is_distributable
from ocilayout.spec.names import names_of

Policy = Literal["refuse", "keep", "prune"]


def settle_missing(
    source: ImageSource, policy: Policy, elsewhere: BlobReader | None = None
) -> ImageSource:
    """The source with a decision on what is absent.

    `refuse` raises BlobNotFound, naming the platform; `prune` drops the members that are not
    whole, with their attestations; `keep` leaves the index as it is. Layers that may not be
    distributed may always be absent. What is absent here and is `elsewhere`, where the copy goes
    to, is read from there instead of being refused.
    """
    survey = _surveyed(source)
    if survey.incomplete and policy == "refuse" and elsewhere is not None:
        completed = View(SpreadBlobs([source, elsewhere]), source.index, absent=source.absent)
        if not (both := _surveyed(completed)).incomplete:
            source, survey = completed, both
    absent = frozenset(survey.foreign)
    for digest in survey.foreign:
        notices.warn(f"{digest} may not be distributed and is not here; it stays absent")
    if not survey.incomplete:
        return View(source, source.index, absent=absent) if absent else source
    if policy == "refuse":
        raise BlobNotFound(_refusal(survey))
    if policy == "keep":
        everything = absent | survey.missing
        return View(source, source.index, absent=everything)
    return _pruned(View(source, source.index, absent=absent | survey.missing), survey)


def _surveyed(source: ImageSource) -> "_Survey":
    survey = _Survey(source)
    for child in source.index.children:
        survey.visit(child)
    return survey


def _refusal(survey: "_Survey") -> str:
    descriptor, missing = next(iter(survey.incomplete.values()))
    called = descriptor.platform or ", ".join(names_of(descriptor)) or "an image"
    others = len(survey.incomplete) - 1
    more = f" (and {others} more)" if others else ""
    return (
        f"{called} is not whole{more}: {missing.digest} ({missing.media_type}) is not here: "
        "--missing prune leaves out what is not whole, --missing keep keeps the gaps"
    )


def _pruned(source: View, survey: "_Survey") -> ImageSource:
    # Few runs prune, and start-up counts.
    from ocilayout import members

    gone = survey.incomplete.keys()
    titles: dict[str, None] = {}

    def edit(descriptor: Descriptor) -> Descriptor | None:
        if descriptor.digest not in gone:
            return descriptor
        titles[str(descriptor.platform or descriptor.digest)] = None
        return None

    pruned = members.edited(source, edit)
    dropped = ", ".join(titles)
    whole, left_out = members.without_orphans(pruned, source, gone)
    if not whole.index.children:
        raise BlobNotFound(f"--missing prune would leave nothing: {dropped} is not whole")
    notices.warn(f"left out, since it is not whole: {dropped}")
    if left_out:
        from ocilayout.signatures import warn_of_left_out

        warn_of_left_out(source, left_out)
    return View(whole, whole.index, absent=frozenset(survey.foreign))


class _Survey:
    """What of a source is there."""

    def __init__(self, source: BlobReader) -> None:
        self._source = source
        self.incomplete: dict[Digest, tuple[Descriptor, Descriptor]] = {}
        """Manifests that lack something, with the first thing that they lack."""
        self.missing: set[Digest] = set()
        self.foreign: dict[Digest, None] = {}
        """Absent layers that may not be distributed, in the order in which they were met."""
        self._seen: dict[Digest, bool] = {}

    def visit(self, top: Descriptor) -> None:
        pending = [top]
        while pending:
            descriptor = pending.pop()
            if descriptor.digest in self._seen:
                continue
            if not self._is_here(descriptor):
                self.incomplete[descriptor.digest] = (descriptor, descriptor)
            elif is_document(descriptor):
                document = read_document(self._source, descriptor)
                if isinstance(document, Index):
                    pending.extend(reversed(document.children))
                else:
                    self._check(descriptor, document.children)

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
            try:
                self._source.open_blob(descriptor).close()
                known = True
            except BlobNotFound:
                known = False
                self.missing.add(descriptor.digest)
            self._seen[descriptor.digest] = known
        return known
