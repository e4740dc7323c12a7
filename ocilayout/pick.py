"""Which entries of an index a person means by a name or a digest."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from ocilayout import notices
from ocilayout.damage import DAMAGE, despite_damage
from ocilayout.errors import (
    AmbiguousName,
    BlobNotFound,
    ImageNotFound,
    InvalidDocument,
    OciLayoutError,
)
from ocilayout.graph import View, documents_below, manifests_below
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed, subject_of_entry
from ocilayout.spec import names
from ocilayout.spec.damaged_entries import DamagedEntry
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import following
from ocilayout.spec.marks import mark_of
from ocilayout.unlisted import unlisted_document

AS_ONE = "convert, push, load, export and check take them as one with --index"


def by_name(source: ImageSource, wanted: str, label: str) -> ImageSource:
    """The source with the one image that `wanted`, a tag or a full name, names.

    Raises ImageNotFound, or AmbiguousName where a tag stands in several repositories; `label`
    names the source in messages.
    """
    found = _named(source, wanted, label)
    _refuse_several(found, wanted, label)
    return picked(source, _once_a_platform(found))


def all_by_name(source: ImageSource, wanted: str, label: str) -> ImageSource:
    """The source with all images that one name leads to, as in a flat index of platforms.

    Raises as by_name does, but not for several images of one name.
    """
    found = _named(source, wanted, label)
    _refuse_several_names(found, wanted, label)
    return picked(source, _once_a_platform(found))


def _once_a_platform(found: Iterable[tuple[str, Descriptor]]) -> list[Descriptor]:
    """The entries under their names alone; an image may be listed for several platforms."""
    entries = {
        (descriptor.digest, descriptor.platform): names.renamed(descriptor, [name])
        for name, descriptor in found
    }
    return [entry for renamed in entries.values() for entry in renamed]


def _named(source: ImageSource, wanted: str, label: str) -> list[tuple[str, Descriptor]]:
    """The entries that a name may mean, with the name of each; raises ImageNotFound."""
    known = [
        (name, descriptor)
        for descriptor in source.index.children
        for name in names.names_of(descriptor)
    ]
    found: list[tuple[str, Descriptor]] = []
    for meaning in names.meanings(wanted):
        found = [(name, descriptor) for name, descriptor in known if meaning(name)]
        if found:
            return found
    raise _not_found(source, repr(wanted), damaged_entries(source, wanted, None), label)


def _refuse_several_names(found: list[tuple[str, Descriptor]], wanted: str, label: str) -> None:
    full_names = sorted({name for name, _ in found})
    if len(full_names) > 1:
        raise AmbiguousName(
            f"{wanted!r} fits several images of {label}: {', '.join(full_names)}: "
            "write one of these"
        )


def _refuse_several(found: list[tuple[str, Descriptor]], wanted: str, label: str) -> None:
    _refuse_several_names(found, wanted, label)
    digests = sorted({str(descriptor.digest) for _, descriptor in found})
    if len(digests) > 1:
        raise AmbiguousName(
            f"{found[0][0]} names several images of {label}: pick one by @DIGEST: "
            f"{', '.join(digests)}; {AS_ONE}"
        )


def by_digest(source: ImageSource, wanted: Digest, label: str) -> ImageSource:
    """The source with the one image of that digest, which may be a member of an index.

    Raises ImageNotFound; `label` names the source in messages.
    """
    entries = [entry for entry in source.index.children if entry.digest == wanted]
    if not entries:
        member = _find_member(source, wanted)
        if member is None:
            raise _not_found(source, str(wanted), damaged_entries(source, None, wanted), label)
        entries = [member]
    return picked(source, entries)


def damaged_entries(
    source: ImageSource, name: str | None, digest: Digest | None
) -> list[DamagedEntry]:
    """The entries that cannot be read and that a name means, or a digest, or both."""
    meant = source.index.damaged if name is None else _damaged_named(source.index, name)
    return [entry for entry in meant if digest is None or entry.digest == digest]


def _damaged_named(index: Index, wanted: str) -> Sequence[DamagedEntry]:
    for meaning in names.meanings(wanted):
        if any(meaning(name) for entry in index.children for name in names.names_of(entry)):
            return ()
        damaged = [entry for entry in index.damaged if any(map(meaning, names.names_of(entry)))]
        if damaged:
            return damaged
    return ()


def _not_found(
    source: ImageSource, wanted: str, damaged: Sequence[DamagedEntry], label: str
) -> OciLayoutError:
    if damaged:
        return InvalidDocument(f"{wanted} of {label} cannot be read: {damaged[0].reason}")
    return ImageNotFound(f"{label} has no image {wanted}; it has {_known_names(source)}")


class Target(NamedTuple):
    """The one image that is meant."""

    entry: Descriptor
    """At the top of the source, under the name that was asked for, if one was."""
    member: Descriptor | None = None
    """Where a digest picked a member of the index that `entry` leads to."""

    @property
    def image(self) -> Descriptor:
        """What was picked itself."""
        return self.member or self.entry


def target(source: ImageSource, name: str | None, digest: Digest | None, label: str) -> Target:
    """The image of that name, or digest, or both; without either the only one.

    Raises ImageNotFound, or AmbiguousName where it could be several.
    """
    if name is not None:
        entries = [by_name(source, name, label).index.children[0]]
    elif digest is not None:
        entries = list({entry.digest: entry for entry in source.index.children}.values())
    else:
        return Target(only_image(source))
    if digest is None:
        return Target(entries[0])
    return _by_digest_in(source, entries, digest, label)


def _by_digest_in(
    source: ImageSource, entries: Sequence[Descriptor], digest: Digest, label: str
) -> Target:
    found = [Target(entry) for entry in entries if entry.digest == digest]
    if not found:
        members = ((entry, _member(source, entry, digest)) for entry in entries)
        found = [Target(entry, member) for entry, member in members if member is not None]
    if not found:
        unlisted = unlisted_document(source, digest)
        if unlisted is not None:
            return Target(unlisted)
        raise _not_found(source, str(digest), damaged_entries(source, None, digest), label)
    if len(found) > 1:
        raise AmbiguousName(
            f"{digest} is a member of several images of {label}: write PATH:NAME@DIGEST, with one "
            f"of {', '.join(str(n) for t in found for n in names.names_of(t.entry) or ('?',))}"
        )
    return found[0]


def _member(source: ImageSource, entry: Descriptor, digest: Digest) -> Descriptor | None:
    """The member of an index that has the digest, the first where it is listed several times.

    None too where the index cannot be read: another may be the one that is meant.
    """
    with suppress(BlobNotFound, *DAMAGE):
        below = manifests_below(source, [entry])
        return next((member for member in below if member.digest == digest), None)
    return None


def only_image(source: ImageSource) -> Descriptor:
    """The one image of a source, or what it has where that speaks of images elsewhere alone.

    Raises AmbiguousName.
    """
    images = _images_despite_damage(source)
    if len(images) != 1:
        raise several(images)
    return images[0]


def _images_despite_damage(source: ImageSource) -> list[Descriptor]:
    found, _ = despite_damage(source, lambda readable: images_listed(readable) or None)
    return found or list(source.index.children)


def several(images: Sequence[Descriptor]) -> AmbiguousName:
    """The error to raise where one image is needed and a place has more, or none."""
    known = [str(name) for image in images for name in names.names_of(image) or (image.digest,)]
    return AmbiguousName(
        f"there are {len(images)} images here: pick one by :NAME or @DIGEST: "
        f"{', '.join(known)}{f'; {AS_ONE}' if len(images) > 1 else ''}"
    )


def picked(source: ImageSource, entries: list[Descriptor]) -> ImageSource:
    """The source with these entries, and the entries that refer to them or to their members."""
    images = {entry.digest for entry in entries}
    subjects = images | {member.digest for member in manifests_below(source, entries)}
    referrers = [
        entry
        for entry in source.index.children
        if entry.digest not in images and _known_subject(source, entry) in subjects
    ]
    # What is damaged was not asked for, and stays behind.
    index = source.index.without_damaged()
    chosen = [*entries, *referrers]
    # A signature that is picked by itself follows no image.
    if not any(map(mark_of, entries)):
        chosen = following(source.index, chosen)
    return View(source, index.with_entries(chosen), absent=source.absent)


def _known_subject(source: ImageSource, entry: Descriptor) -> Digest | None:
    try:
        return subject_of_entry(source, entry)
    except OciLayoutError:
        # It was not asked for, so its damage hinders nobody.
        return None


def _find_member(source: ImageSource, wanted: Digest) -> Descriptor | None:
    """What an index leads to, or what lies among the blobs, by its digest.

    Raises what reading raised where it is not found, and may be in what could not be read.
    """
    entries = source.index.children
    gaps: list[Exception] = []
    # Together first, since entries may share what they lead to.
    found = _first_below(source, entries, wanted, gaps)
    if found is None and gaps:
        each = (_first_below(source, [entry], wanted, gaps) for entry in entries)
        found = next(filter(None, each), None)
    found = found or unlisted_document(source, wanted)
    if found is None and gaps and not damaged_entries(source, None, wanted):
        raise gaps[0]
    return found


def _first_below(
    source: ImageSource, tops: Sequence[Descriptor], wanted: Digest, gaps: list[Exception]
) -> Descriptor | None:
    try:
        below = documents_below(source, tops)
        return next((descriptor for descriptor in below if descriptor.digest == wanted), None)
    except (BlobNotFound, *DAMAGE) as error:
        gaps.append(error)
        return None


def _known_names(source: ImageSource) -> str:
    known = sorted(
        {name for descriptor in source.index.children for name in names.names_of(descriptor)}
    )
    if not known:
        return "images without names: pick one by @DIGEST, as ls shows it"
    return notices.some_of(known)
