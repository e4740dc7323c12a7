"""Single-platform images merged into one multi-platform index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ocilayout import notices
from ocilayout.blobs import MemoryBlobs, SpreadBlobs
from ocilayout.errors import CannotHold, PlatformConflict, UsageError
from ocilayout.graph import View, is_document, manifests_below, platform_of, read_manifest
from ocilayout.protocols import ImageSource
from ocilayout.referrers import (
    REFERENCE_TYPE,
    is_attestation,
    is_listed_referrer,
    subject_of,
    subject_of_entry,
)
from ocilayout.signatures import ReferrerTitles
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import pinned
from ocilayout.spec.marks import REFERENCE_DIGEST, mark_of
from ocilayout.spec.names import names_of, renamed, subject_of_tag
from ocilayout.spec.platform import UNKNOWN, Platform


class _Referrer(NamedTuple):
    subject: Digest
    entry: Descriptor
    title: str


@dataclass(frozen=True)
class _Member:
    descriptor: Descriptor
    platform: Platform
    origin: str


def merge(
    sources: Sequence[ImageSource],
    names: Sequence[str] = (),
    *,
    labels: Sequence[str] = (),
    platforms: Sequence[Platform | None] = (),
    replace: bool = False,
) -> ImageSource:
    """One index of all images of `sources`, whose own indexes contribute all their members.

    `labels` call the sources in messages. `platforms` overrides the platform of a source that
    holds one image. The same platform twice with different digests raises PlatformConflict, or
    the last one wins with `replace`. Members are ordered by platform, so the order of the sources
    does not matter; their attestations follow. The index has `names`, else those that all
    sources share. What comes out is one descriptor that leads to the index, as engines load a
    flat list as its last platform (containerd), or not at all (skopeo); beside it stand other
    referrers of what is kept.
    """
    called = list(labels) or [f"source {position}" for position in range(1, len(sources) + 1)]
    overrides = list(platforms) or [None] * len(sources)
    chosen: dict[Platform, _Member] = {}
    attestations: dict[Digest, dict[Digest, Descriptor]] = {}
    referrers: list[_Referrer] = []
    for source, label, override in zip(sources, called, overrides, strict=True):
        for member in _members(source, label, override):
            _choose(chosen, member, replace)
        for digest, found in _attestations(source):
            attestations.setdefault(digest, {})[found.digest] = found
        referrers += _referrers(source)
    images = [chosen[platform].descriptor for platform in sorted(chosen)]
    if not images:
        raise CannotHold("there is nothing to merge: no image in any source")
    # One image may stand there for several platforms.
    following = [
        found
        for digest in dict.fromkeys(image.digest for image in images)
        for _, found in sorted(attestations.get(digest, {}).items())
    ]
    index = Index.of(images + following, media_type=_media_type(images))
    final_names = list(names) or _shared_names(sources)
    entries = renamed(index.descriptor, final_names)
    for entry in _of_what_is_kept(referrers, {index.digest, *(c.digest for c in index.children)}):
        entries += [entry] if mark_of(entry) is None else renamed(entry, final_names)
    absent = frozenset(digest for source in sources for digest in source.absent)
    return View(SpreadBlobs(sources), Index.of(entries), MemoryBlobs([index.raw]), absent=absent)


def _choose(chosen: dict[Platform, _Member], member: _Member, replace: bool) -> None:
    key = member.platform.normalized
    known = chosen.get(key)
    if known is not None and known.descriptor.digest != member.descriptor.digest:
        if not replace:
            raise PlatformConflict(_conflict(known, member))
        notices.warn(f"{member.platform}: {member.origin} replaces {known.origin}")
    chosen[key] = member


def _conflict(one: _Member, other: _Member) -> str:
    digests = f"({one.descriptor.digest}, {other.descriptor.digest})"
    if one.origin == other.origin:
        return (
            f"{one.origin} has several images for {one.platform} {digests}: pick one by :NAME or "
            "@DIGEST"
        )
    return (
        f"{one.origin} and {other.origin} both have {one.platform} {digests}: leave one out, or "
        "let the last one win with --replace"
    )


def _members(source: ImageSource, label: str, override: Platform | None) -> Iterator[_Member]:
    found = list(_images(source))
    if override is not None and len(found) != 1:
        raise UsageError(
            f"--set-platform is for one image, but {label} has {len(found)}: pick one by :NAME"
        )
    for descriptor in found:
        platform = override or platform_of(source, descriptor)
        if platform is None or platform.is_unknown:
            raise CannotHold(
                f"{label}: {descriptor.digest} does not say for which platform it is: "
                f"--set-platform {label}=OS/ARCH settles it"
            )
        if platform.lacks_arm_variant:
            notices.warn(
                f"{label}: linux/arm without a variant may be anything from v5 to v7; it is "
                f"taken for v7: --set-platform {label}=linux/arm/v6 settles it"
            )
        yield _Member(_as_member(descriptor, platform, override), platform, label)


def _as_member(descriptor: Descriptor, platform: Platform, override: Platform | None) -> Descriptor:
    """What an index says of a member: no name and no time, which say nothing of the image."""
    stated = descriptor.fields.get("platform") if override is None else None
    return descriptor.edited(annotations=None, platform=stated or platform.to_fields())


def _images(source: ImageSource) -> Iterator[Descriptor]:
    """The images of a source, once each, from whatever depth."""
    for descriptor in _members_below(source):
        if is_listed_referrer(descriptor):
            continue
        if descriptor.digest in source.absent:
            if descriptor.platform is not None:
                yield descriptor
        elif subject_of(source, descriptor) is not None:
            continue
        elif is_document(descriptor) and read_manifest(source, descriptor).is_image:
            yield descriptor
        else:
            notices.warn(f"{descriptor.digest} ({descriptor.media_type}) is no image: left out")


def _members_below(source: ImageSource) -> Iterator[Descriptor]:
    """What stands in the indexes of a source, but for those that list referrers of an image."""
    tops = [top for top in source.index.children if is_attestation(top) or _is_own(source, top)]
    return manifests_below(source, tops)


def _is_own(source: ImageSource, top: Descriptor) -> bool:
    return subject_of_entry(source, top) is None


def _referrers(source: ImageSource) -> Iterator[_Referrer]:
    """Referrers that are no attestations of BuildKit's, with what each refers to.

    Marked ones say by a digest to which member they refer: their name will be that of the index.
    """
    titles = ReferrerTitles(source)
    for descriptor in (*source.index.children, *_members_below(source)):
        if is_attestation(descriptor):
            continue
        subject = subject_of_entry(source, descriptor)
        is_marked = mark_of(descriptor) is not None
        if subject is not None:
            title = titles.of(descriptor, subject)
            entry = pinned(descriptor, subject) if is_marked else descriptor
            yield _Referrer(subject, entry, title)
        elif is_marked:
            notices.warn(f"{descriptor.digest} belongs to an image that is not here: left out")


def _of_what_is_kept(referrers: Sequence[_Referrer], kept: set[Digest]) -> list[Descriptor]:
    """The referrers of what is kept, and their own; what becomes of the others is said."""
    found: list[Descriptor] = []
    waiting = list(referrers)
    while ready := [referrer for referrer in waiting if referrer.subject in kept]:
        waiting = [referrer for referrer in waiting if referrer.subject not in kept]
        for _, entry, _ in ready:
            known = [(other.digest, names_of(other)) for other in found]
            if (entry.digest, names_of(entry)) not in known:
                found.append(entry)
        kept = kept | {referrer.entry.digest for referrer in ready}
    for subject, entry, title in waiting:
        notices.warn(
            f"{title} is left out: {entry.digest} refers to {subject}, which is not in the result"
        )
    return found


def _attestations(source: ImageSource) -> Iterator[tuple[Digest, Descriptor]]:
    """Attestations, with the image that each is of, in the form that BuildKit gives them."""
    for descriptor in _members_below(source):
        if is_attestation(descriptor) and descriptor.digest not in source.absent:
            image = subject_of(source, descriptor)
            if image is not None:
                yield image, _as_attestation(descriptor, image)


def _as_attestation(descriptor: Descriptor, image: Digest) -> Descriptor:
    annotations = {REFERENCE_DIGEST: str(image), REFERENCE_TYPE: "attestation-manifest"}
    unknown = Platform(UNKNOWN, UNKNOWN).to_fields()
    return descriptor.edited(annotations=annotations, platform=unknown)


def _media_type(images: Sequence[Descriptor]) -> str:
    """A Docker list where all members are Docker's, an OCI index otherwise."""
    docker = all(image.media_type == media_types.DOCKER_MANIFEST for image in images)
    return media_types.DOCKER_INDEX if docker else media_types.OCI_INDEX


def _shared_names(sources: Sequence[ImageSource]) -> list[str]:
    """The names that all sources have, in the order of the first."""
    each = [
        [
            name
            for entry in source.index.children
            for name in names_of(entry)
            if subject_of_tag(name) is None
        ]
        for source in sources
    ]
    return [name for name in dict.fromkeys(each[0]) if all(name in others for others in each)]
