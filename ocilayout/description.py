"""What is at a place, described for people and programs: images, platforms, sizes."""

from collections import Counter
from typing import NamedTuple

from ocilayout.graph import (
    View,
    is_document,
    manifest_if_here,
    manifests_below,
    platform_of,
    read_document,
    walk,
)
from ocilayout.protocols import ImageSource
from ocilayout.referrers import (
    is_listed_referrer,
    is_referrer,
    referrer_kind,
    subject_of_entry,
)
from ocilayout.signatures import signature_kind
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest, is_build_cache
from ocilayout.spec.names import names_of
from ocilayout.spec.platform import Platform
from ocilayout.transforms.missing import with_absent


class Image(NamedTuple):
    """One entry of an index with all the names that lead to it."""

    descriptor: Descriptor
    names: tuple[str, ...]
    kind: str
    """image, index, artifact, cache (of BuildKit), attestation or referrer."""
    platforms: tuple[Platform, ...]
    absent: tuple[Platform, ...]
    """Platforms that are named and are not here, or not whole.

    Layers that may not be distributed, as the bases of Windows, may be missing.
    """
    size: int
    """Bytes of all blobs that it leads to, each counted once, as documents state them."""
    unique_size: int
    """Bytes of those of its blobs that no other entry leads to."""
    refers_to: Digest | None = None
    """What a referrer refers to."""
    title: str = ""
    """What a referrer is called, as in `notation signature`."""


def surveyed(source: ImageSource) -> ImageSource:
    """A source that was walked once, and knows what it lacks; raises what walking raises."""
    found = with_absent(source)
    for _ in walk(found):
        pass
    return found


def images_in(source: ImageSource) -> list[Image]:
    """The images that a source lists, once each whatever their names.

    They are in its order, but for referrers, which stand behind the image that they refer to.
    """
    entries: dict[Digest, list[Descriptor]] = {}
    for entry in source.index.children:
        entries.setdefault(entry.digest, []).append(entry)
    sizes = _sizes(source, [same[0] for same in entries.values()])
    images = [_image(source, same, *sizes[digest]) for digest, same in entries.items()]
    return _with_referrers_behind(source, images)


def _with_referrers_behind(source: ImageSource, images: list[Image]) -> list[Image]:
    tops = {image.descriptor.digest: image.descriptor.digest for image in images}
    if any(image.refers_to is not None and image.refers_to not in tops for image in images):
        # What refers to a member of an index stands behind the index.
        for image in images:
            for member in manifests_below(source, [image.descriptor]):
                tops.setdefault(member.digest, image.descriptor.digest)
    # Annotations can make referrers of referrers a ring: those stay where they are.
    own = {image.descriptor.digest for image in images if image.refers_to is None}
    behind: dict[Digest, list[Image]] = {}
    heads: list[Image] = []
    for image in images:
        top = None if image.refers_to is None else tops.get(image.refers_to)
        (behind.setdefault(top, []) if top is not None and top in own else heads).append(image)
    return [each for head in heads for each in (head, *behind.get(head.descriptor.digest, ()))]


def total_size(source: ImageSource) -> int:
    """Bytes of all blobs that a source leads to, each counted once, as documents state them."""
    return sum(blob.size for blob in walk(source))


def _image(source: ImageSource, same: list[Descriptor], size: int, unique_size: int) -> Image:
    first = same[0]
    names = tuple(dict.fromkeys(name for entry in same for name in names_of(entry)))
    here: dict[Platform, None] = {}
    absent: dict[Platform, None] = {}
    for descriptor in manifests_below(source, same):
        if not is_listed_referrer(descriptor):
            platform, is_here = _platform(source, descriptor)
            if platform is not None and not platform.is_unknown:
                (here if is_here else absent)[platform] = None
    kind = _kind(source, first)
    is_listed_beside = kind in {"attestation", "referrer"}
    return Image(
        first,
        names,
        kind,
        tuple(here),
        tuple(absent),
        size,
        unique_size,
        subject_of_entry(source, first) if is_listed_beside else None,
        (signature_kind(source, first) or kind) if is_listed_beside else "",
    )


def _platform(source: ImageSource, descriptor: Descriptor) -> tuple[Platform | None, bool]:
    if descriptor.digest in source.absent or not is_document(descriptor):
        return descriptor.platform, False
    children = read_document(source, descriptor).children
    is_here = not any(
        child.digest in source.absent and media_types.is_distributable(child.media_type)
        for child in children
    )
    has_config = bool(children) and children[0].digest not in source.absent
    platform = platform_of(source, descriptor) if has_config else descriptor.platform
    return platform, is_here


def _kind(source: ImageSource, descriptor: Descriptor) -> str:
    if is_referrer(source, descriptor):
        return referrer_kind(descriptor)
    if not is_document(descriptor):
        return "artifact"
    if descriptor.digest in source.absent:
        return "image"
    document = read_document(source, descriptor)
    if is_build_cache(document):
        return "cache"
    if not isinstance(document, Manifest):
        return "index"
    return "image" if document.has_layer_tars else "artifact"


def _sizes(source: ImageSource, tops: list[Descriptor]) -> dict[Digest, tuple[int, int]]:
    """Bytes of all blobs of each entry, and of those that no other entry leads to."""
    sizes: Counter[Digest] = Counter()
    owners: dict[Digest, tuple[Digest | None, int]] = {}
    for top in tops:
        for blob in walk(View(source, Index.of([top]), absent=source.absent)):
            sizes[top.digest] += blob.size
            owners[blob.digest] = (None if blob.digest in owners else top.digest, blob.size)
    unique: Counter[Digest] = Counter()
    for owner, size in owners.values():
        if owner is not None:
            unique[owner] += size
    return {top.digest: (sizes[top.digest], unique[top.digest]) for top in tops}


def image_ids(source: ImageSource) -> dict[str, str]:
    """The image id, which is the config's digest, of each image by its manifest's digest."""
    found = {}
    for descriptor in manifests_below(source, source.index.children):
        manifest = None if is_listed_referrer(descriptor) else manifest_if_here(source, descriptor)
        if manifest is not None and manifest.is_image and manifest.config is not None:
            found[str(descriptor.digest)] = str(manifest.config.digest)
    return found
