"""Marked entries of an index beside their images: to which they belong, and where they go with it.

cosign save and hauler list signatures, attestations and SBOMs under the name of their image, and
mark them (marks.py). Whatever is done to the names of an image is done to its marked entries too.
"""

from collections.abc import Iterable, Sequence

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marks import KIND, SUBJECT, SUBJECT_DIGEST, mark_of, stated_subject
from ocilayout.spec.names import names_at, names_of, renamed, replaced


def owner_of(index: Index, entry: Descriptor) -> Digest | None:
    """The image of the index that a marked entry belongs to, if it is there; None of all others.

    It is the one of the name that the mark is listed under, else the one that it refers to, else
    the only one.
    """
    if mark_of(entry) is None:
        return None
    owners = [index.owners[name] for name in names_at(entry) if name in index.owners]
    if owners:
        return owners[0]
    stated = entry.annotations.get(SUBJECT)
    if stated is not None or names_at(entry):
        return None if stated is None else Digest.parse(stated)
    return index.owners.get("")


def following(before: Index, entries: Sequence[Descriptor]) -> list[Descriptor]:
    """Entries of an edited index, in which marked ones go where their images have gone.

    A mark is listed under the names that its image had and still has, and under those that it got
    since; that of an image without a name says which one by a digest, that of one that is no longer
    listed goes. `before` is the index in which the marks are found. Marks whose image never was
    there stay as they are.
    """
    had, has = _names_of_images(before.children), _names_of_images(entries)
    result: list[Descriptor] = []
    listed: set[object] = set()
    for entry in entries:
        candidates = [image for image in (owner_of(before, entry), stated_subject(entry)) if image]
        if mark_of(entry) is None or not candidates:
            result.append(entry)
            continue
        # A member of an index may have been taken out of it, with what refers to it.
        for owner in [image for image in candidates if image in has][:1]:
            gained = [name for name in has[owner] if name not in had.get(owner, ())]
            for new in _under_names(entry, owner, has[owner], gained):
                if identity_of(new) not in listed:
                    listed.add(identity_of(new))
                    result.append(new)
    return result


def _names_of_images(entries: Iterable[Descriptor]) -> dict[Digest, list[str]]:
    names: dict[Digest, list[str]] = {}
    for entry in entries:
        if mark_of(entry) is None:
            names.setdefault(entry.digest, []).extend(names_of(entry))
    return names


def _under_names(
    mark: Descriptor, owner: Digest, names: Sequence[str], gained: Sequence[str]
) -> list[Descriptor]:
    """The entries of a mark whose image has `names`, some of them since the mark was listed."""
    own = names_at(mark)
    kept = [name for name in own if name in names]
    new = [*kept, *gained] or list(names[:1])
    if tuple(new) == own:
        return [mark]
    return renamed(mark, new) if new else [pinned(renamed(mark, [])[0], owner)]


def pinned(mark: Descriptor, owner: Digest) -> Descriptor:
    """A marked entry that says by a digest which image it belongs to, as it has no name to."""
    subject = mark.annotations.get(SUBJECT, str(owner))
    member = {} if subject == str(owner) else {SUBJECT_DIGEST: subject}
    return mark.with_annotations({**mark.annotations, **member, SUBJECT: str(owner)})


def joined(existing: Index, added: Index) -> list[Descriptor]:
    """The entries of a layout after those of `added` came: a name that is written again moves."""
    images = replaced(_unmarked(existing), _unmarked(added))
    marks = [
        entry
        for index in (existing, added)
        for entry in following(index, [*images, *filter(mark_of, attributed(index))])
        if mark_of(entry) is not None
    ]
    once = {identity_of(mark): mark for mark in marks}
    return [*images, *once.values()]


def _unmarked(index: Index) -> list[Descriptor]:
    return [entry for entry in index.children if mark_of(entry) is None]


def attributed(index: Index) -> list[Descriptor]:
    """The entries of an index, fit to stand among others.

    Marked ones without a name say by a digest which image they belong to.
    """
    owners = [(entry, owner_of(index, entry)) for entry in index.children]
    return [
        entry if owner is None or names_at(entry) else pinned(entry, owner)
        for entry, owner in owners
    ]


def identity_of(mark: Descriptor) -> object:
    """What two entries share that mark one document as the same thing of the same image."""
    return mark.digest, mark.annotations.get(KIND), names_at(mark)
