"""Keep some images and platforms of a source, with what speaks of them, and drop the rest."""

from collections.abc import Callable, Collection, Iterator, Sequence

from ocilayout import notices
from ocilayout.errors import ImageNotFound
from ocilayout.graph import changes, listing, platform_of
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer, is_referrer, subject_of_entry
from ocilayout.signatures import warn_of_left_out
from ocilayout.spec.compatible import absence
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marks import mark_of
from ocilayout.spec.media_types import INDEXES
from ocilayout.spec.names import names_of, subject_of_tag
from ocilayout.spec.platform import Platform


def select(
    source: ImageSource, *, names: Sequence[str] = (), platforms: Sequence[Platform] = ()
) -> ImageSource:
    """The source with these images, tags or full names, and these platforms alone.

    An index is rewritten to what is kept, with the attestations of what is kept; all images, or
    all platforms, where none are given. Raises ImageNotFound, also where a platform that was
    asked for is nowhere, and AmbiguousName.
    """
    if names:
        source = _by_names(source, names)
    return select_from_all([source], platforms)[0] if platforms else source


def select_from_all(
    sources: Sequence[ImageSource], platforms: Sequence[Platform], present: Sequence[Platform] = ()
) -> list[ImageSource]:
    """The sources with these platforms alone, some with nothing left.

    Raises ImageNotFound where a platform is in none of them, and is not `present` besides.
    """
    found = {asked for asked in platforms if any(other.fits(asked) for other in present)}
    seen = dict.fromkeys(present)

    def accepts(platform: Platform) -> bool:
        seen[platform] = None
        wanted = [asked for asked in platforms if platform.fits(asked)]
        found.update(wanted)
        return bool(wanted)

    selected = [select_where(source, accepts) for source in sources]
    for platform in platforms:
        if platform not in found:
            raise ImageNotFound(absence(platform, seen))
    for source, result in zip(sources, selected, strict=True):
        moved = changes(result)
        _say_what_is_gone(source.index, result.index, moved)
        warn_of_left_out(source, _left_out(source, result, moved))
    return selected


def _left_out(
    source: ImageSource, result: ImageSource, moved: Collection[Digest]
) -> Iterator[tuple[Descriptor, Digest]]:
    """The referrers that are gone, since what they refer to became another, and what that was."""
    left = {entry.digest for entry in result.index.children}
    for entry in source.index.children:
        subject = None if entry.digest in left else subject_of_entry(source, entry)
        if subject is not None and subject in moved:
            yield entry, subject


def _by_names(source: ImageSource, names: Sequence[str]) -> ImageSource:
    from ocilayout import pick

    picked = [pick.by_name(source, name, "the source") for name in names]
    entries = {
        (entry.digest, names_of(entry)): entry for part in picked for entry in part.index.children
    }
    return listing(source, entries.values())


def select_where(source: ImageSource, accepts: Callable[[Platform], bool]) -> ImageSource:
    """The source with the images of the platforms that are accepted, and what refers to them."""
    from ocilayout import members

    kept: set[Digest] = set()

    def fits(descriptor: Descriptor) -> bool:
        platform = None
        if descriptor.digest not in source.absent and not is_listed_referrer(descriptor):
            platform = platform_of(source, descriptor)
        elif descriptor.platform is not None:
            platform = descriptor.platform
        return platform is not None and not platform.is_unknown and accepts(platform)

    def keep_images(descriptor: Descriptor) -> Descriptor | None:
        if is_referrer(source, descriptor):
            return descriptor
        if fits(descriptor):
            kept.add(descriptor.digest)
            return descriptor
        return None

    def keep_referrers(descriptor: Descriptor) -> Descriptor | None:
        if descriptor.digest in kept:
            return descriptor
        subject = subject_of_entry(source, descriptor)
        # Of a marked entry whose image is not here nothing is known.
        is_lone_mark = subject is None and mark_of(descriptor) is not None
        return descriptor if subject in kept or is_lone_mark else None

    # Images first: what refers to them may be listed before them.
    images = members.edited(source, keep_images)
    kept.update(child.digest for child in images.index.children if child.media_type in INDEXES)
    result = members.edited(images, keep_referrers)
    return result.with_index(_without_doubles(result.index))


def _without_doubles(index: Index) -> Index:
    """The index without nameless entries of what it also lists by a name.

    oras lists the members of indexes beside them; an index that is left with one becomes that one.
    """
    named = {entry.digest for entry in index.children if names_of(entry)}
    return index.with_children(
        lambda entry: entry if names_of(entry) or entry.digest not in named else None
    )


def _say_what_is_gone(before: Index, after: Index, changed: Collection[Digest]) -> None:
    """Name what is left out, but for what refers to images that changed."""
    left = {name for entry in after.children for name in names_of(entry)}
    gone = {name: None for entry in before.children for name in names_of(entry) if name not in left}
    images = [name for name in gone if subject_of_tag(name) is None]
    if images:
        notices.warn(f"left out, since there is no such platform of it: {', '.join(images)}")
    tags = [
        name
        for name in gone
        for subject in [subject_of_tag(name)]
        if subject is not None and subject not in changed
    ]
    if tags:
        notices.warn(f"left out, since what it refers to is left out: {', '.join(tags)}")
