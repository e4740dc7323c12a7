"""Single-platform images merged into one multi-platform index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ocilayout import notices
from ocilayout.blobs import MemoryBlobs, SpreadBlobs
from ocilayout.errors import CannotHold, PlatformConflict, UsageError
from ocilayout.graph import (
    REFERENCE_DIGEST,
    REFERENCE_TYPE,
    View,
    is_attestation,
    is_document,
    manifests_below,
    platform_of,
    read_manifest,
    refers_to,
)
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.names import names_of, renamed
from ocilayout.spec.platform import UNKNOWN, Platform


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
    sources share. What comes out is one descriptor that leads to the index: engines load a flat
    list as its last platform (containerd), or not at all (skopeo).
    """
    called = list(labels) or [f"source {position}" for position in range(1, len(sources) + 1)]
    overrides = list(platforms) or [None] * len(sources)
    chosen: dict[Platform, _Member] = {}
    attestations: dict[Digest, dict[Digest, Descriptor]] = {}
    for source, label, override in zip(sources, called, overrides, strict=True):
        for member in _members(source, label, override):
            _choose(chosen, member, replace)
        for digest, found in _attestations(source):
            attestations.setdefault(digest, {})[found.digest] = found
    images = [chosen[platform].descriptor for platform in sorted(chosen)]
    if not images:
        raise CannotHold("there is nothing to merge: no image in any source")
    following = [
        found for image in images for _, found in sorted(attestations.get(image.digest, {}).items())
    ]
    index = Index.of(images + following, media_type=_media_type(images))
    entries = renamed(index.descriptor, list(names) or _shared_names(sources))
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
    for descriptor in manifests_below(source, source.index.children):
        if is_attestation(descriptor):
            continue
        if descriptor.digest in source.absent:
            if descriptor.platform is not None:
                yield descriptor
        elif _is_image(source, descriptor):
            yield descriptor
        else:
            notices.warn(f"{descriptor.digest} ({descriptor.media_type}) is no image: left out")


def _is_image(source: ImageSource, descriptor: Descriptor) -> bool:
    if not is_document(descriptor) or refers_to(source, descriptor) is not None:
        return False
    return read_manifest(source, descriptor).is_image


def _attestations(source: ImageSource) -> Iterator[tuple[Digest, Descriptor]]:
    """Attestations, with the image that each is of, in the form that BuildKit gives them."""
    for descriptor in manifests_below(source, source.index.children):
        if is_attestation(descriptor) and descriptor.digest not in source.absent:
            image = refers_to(source, descriptor)
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
        [name for entry in source.index.children for name in names_of(entry)] for source in sources
    ]
    return [name for name in dict.fromkeys(each[0]) if all(name in others for others in each)]
