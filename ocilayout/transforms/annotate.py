"""Corrections to what an image says of itself: annotations, and the platforms of its members.

A platform is corrected in the index that lists the member, whose bytes stay as they are; in its
config too only where that is asked for. What leads to a changed document leads to the new one.
"""

from collections.abc import Collection, Iterator, Sequence

from ocilayout import pick
from ocilayout.errors import BlobNotFound, CannotHold
from ocilayout.graph import (
    View,
    listing,
    manifests_below,
    read_config,
    read_document,
    read_manifest,
)
from ocilayout.protocols import ImageSource
from ocilayout.referrers import subject_of_entry
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.spec import annotation, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.names import names_of
from ocilayout.spec.platform import Platform
from ocilayout.transforms.correction_plan import Plan
from ocilayout.transforms.corrections import Corrections, PlatformEdit


def annotate(
    source: ImageSource,
    target: pick.Target,
    corrections: Corrections,
    *,
    platforms: Sequence[Platform] = (),
    drop_attestations: bool = False,
) -> ImageSource:
    """The source whose one image, or members of it, are corrected; all its names follow.

    `platforms` picks members of an index, all without any. What speaks of a document that became
    another is pointed to the new one, or dropped. Raises ImageNotFound, AmbiguousName where a
    platform is set for several members, CannotHold and UsageError.
    """
    plan = Plan.of(source, target, corrections, platforms)
    scope = pick.by_digest(source, target.entry.digest, "the source")
    rewriter = _rewritten(scope, plan, frozenset())
    dropped: frozenset[Digest] = frozenset()
    if drop_attestations:
        dropped = _speaking_of(scope, rewriter.changed.keys())
        scope = listing(scope, [e for e in scope.index.children if e.digest not in dropped])
        rewriter = _rewritten(scope, plan, dropped)
    inside = {entry.digest for entry in scope.index.children}
    # oras lists the members of an index once more, without a name, at the top.
    inside |= {
        e.digest for e in source.index.children if not names_of(e)
    } & plan.platforms_of.keys()
    entries = [
        plan.described(entry, rewriter.current(entry)) if entry.digest in inside else entry
        for entry in source.index.children
        if entry.digest not in dropped
    ]
    return View(rewriter.view(), source.index.with_entries(entries), absent=source.absent)


def _rewritten(scope: ImageSource, plan: Plan, dropped: Collection[Digest]) -> Rewriter:
    rewriter = Rewriter(scope)
    if plan.corrections.config and plan.corrections.platform is not None:
        _edit_configs(rewriter, plan, plan.corrections.platform)
    lacking = {entry.digest for entry, _ in plan.meant} & set(scope.absent)
    if lacking and (plan.corrections.config or plan.corrections.of(annotation.MANIFEST)):
        raise BlobNotFound(f"{', '.join(map(str, lacking))} is not here, so cannot be changed")
    for descriptor in ordered_documents(scope):
        if descriptor.digest in dropped:
            continue
        document = read_document(scope, descriptor)
        originals = iter(document.children)

        def edit(now: Descriptor, originals: Iterator[Descriptor] = originals) -> Descriptor | None:
            # Not told by its digest: one manifest can be listed for several platforms.
            old = next(originals)
            return None if old.digest in dropped else plan.described(old, now)

        annotations = plan.annotations_of(document)
        if isinstance(document, Index):
            rewriter.rewrite(document, edit, annotations=annotations)
        else:
            rewriter.rewrite(document, annotations=annotations)
    return rewriter


def _edit_configs(rewriter: Rewriter, plan: Plan, edit: PlatformEdit) -> None:
    for member, _ in plan.meant:
        if member.digest not in plan.source.absent:
            manifest = read_manifest(plan.source, member)
            config = read_config(plan.source, manifest)
            if config is None or manifest.config is None:
                raise CannotHold(f"{member.digest} is no image: it has no config with a platform")
            edited = edit.applied(config.fields)
            if edited != config.fields:
                rewriter.replace(manifest.config, strict_json.encode(edited))


def _speaking_of(scope: ImageSource, moved: Collection[Digest]) -> frozenset[Digest]:
    below = manifests_below(scope, scope.index.children)
    return frozenset(found.digest for found in below if subject_of_entry(scope, found) in moved)
