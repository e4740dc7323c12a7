"""Which image goes to which repository of a registry, and under which tags."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ocilayout import notices, pick
from ocilayout.errors import AmbiguousName, UsageError
from ocilayout.graph import listing, manifests_below
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed, is_referrer
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.reference import DEFAULT_DOMAIN, MAX_NAME_LENGTH, Reference

Labels = Mapping[Digest, str]
"""How an image is picked on the command line, by its digest."""
_NO_LABELS: Labels = MappingProxyType({})


class _Renaming(NamedTuple):
    entry: Descriptor
    old: str
    new: Reference


def named_below(
    source: ImageSource, domain: str, prefix: str, labels: Labels = _NO_LABELS
) -> Iterator[tuple[Reference, ImageSource]]:
    """The images of a source by the repository below a prefix where each keeps its name.

    `docker.io/library/demo:1` is `demo:1` below it, as people write it; of other names all but the
    registry is kept. Each repository comes with one of its references. Raises UsageError for an
    image without a full name, and where one would be too long; AmbiguousName where two images would
    get one name.
    """
    renamings = [
        _Renaming(entry, name, _below(name, domain, prefix)) for entry, name in _named(source)
    ]
    _refuse_same_names(renamings, labels)
    groups: dict[str, list[_Renaming]] = {}
    for renaming in renamings:
        groups.setdefault(renaming.new.path, []).append(renaming)
    for group in groups.values():
        yield group[0].new, _renamed(source, group)


def with_all_tags(
    source: ImageSource, repository: Reference, labels: Labels = _NO_LABELS
) -> ImageSource:
    """All images of a source, each under its tags, in one repository.

    Raises UsageError for an image without a name, AmbiguousName where two would get one tag.
    """
    renamings = [
        _Renaming(entry, name, repository._replace(tag=names.tag_of(name)))
        for entry, name in _named(source)
    ]
    _refuse_same_names(renamings, labels)
    return _renamed(source, renamings)


def _refuse_same_names(renamings: Iterable[_Renaming], labels: Labels) -> None:
    owners: dict[Reference, _Renaming] = {}
    for renaming in renamings:
        owner = owners.setdefault(renaming.new, renaming)
        if owner.entry.digest == renaming.entry.digest:
            continue
        one, other = (labels.get(each.entry.digest, each.old) for each in (owner, renaming))
        new = renaming.new
        raise AmbiguousName(
            f"{one} and {other} would both be {new}: push one of them by itself under another "
            f"name, as in ocilayout push {other} {new.domain}/{new.path}:OTHER"
        )


def without_referrers(source: ImageSource) -> ImageSource:
    """The source without the entries that speak of its images; a note says how many there were.

    Attestations inside an index are part of the image and stay.
    """
    kept = [entry for entry in source.index.children if not is_referrer(source, entry)]
    count = len(source.index.children) - len(kept)
    if not (count and kept):
        # A referrer that was picked by itself is what is wanted.
        return source
    notices.note(f"referrers stay behind ({count}): --referrers takes them along")
    return listing(source, kept)


def _named(source: ImageSource) -> list[tuple[Descriptor, str]]:
    images = {image.digest for image in images_listed(source)}
    entries = [entry for entry in source.index.children if entry.digest in images]
    named = [(entry, name) for entry in entries for name in names.names_of(entry)]
    # oras lists the members of an index once more, without a name, at the top.
    come_along = {blob.digest for blob in manifests_below(source, [entry for entry, _ in named])}
    come_along.update(entry.digest for entry, _ in named)
    for entry in entries:
        if entry.digest not in come_along:
            raise UsageError(
                f"{entry.digest} has no name to keep: pick it by @DIGEST, and name it by --tag"
            )
    return named


def _below(name: str, domain: str, prefix: str) -> Reference:
    reference = names.reference_of(name)
    if reference is None:
        raise UsageError(f"{name!r} is a tag alone, not a name to keep: name it by --tag")
    path = f"{prefix}/{_familiar(reference)}" if prefix else _familiar(reference)
    if len(domain) + 1 + len(path) > MAX_NAME_LENGTH:
        raise UsageError(
            f"{name} would be longer than {MAX_NAME_LENGTH} characters below {domain}/{prefix}: "
            "push it by itself under another name"
        )
    return Reference(domain, path, reference.tag)


def _familiar(reference: Reference) -> str:
    is_docker = reference.domain == DEFAULT_DOMAIN
    return reference.path.removeprefix("library/") if is_docker else reference.path


def _renamed(source: ImageSource, renamings: Sequence[_Renaming]) -> ImageSource:
    """The images under their new names, and what refers to them."""
    unique = {(one.entry.digest, one.new): one for one in renamings}.values()
    entries = [new for one in unique for new in names.renamed(one.entry, [str(one.new)])]
    return pick.picked(source, entries)
