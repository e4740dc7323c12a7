"""The tags that what is pushed to a repository gets there."""

from ocilayout import notices
from ocilayout.errors import AmbiguousName, CannotHold, OciLayoutError
from ocilayout.protocols import ImageSource
from ocilayout.referrers import tag_of_mark
from ocilayout.registries.repository import Repository
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.marks import needs_tag
from ocilayout.spec.reference import is_tag


def tagged(source: ImageSource, repository: Repository) -> dict[str, Descriptor]:
    """The entry that each tag is to lead to.

    Entries that cosign save or hauler marked get the tags that cosign looks for. Raises CannotHold
    where a name is not one of this repository's tags, and where such a tag would have two owners;
    AmbiguousName where another would.
    """
    found: dict[str, Descriptor] = {}
    for entry in source.index.children:
        mark = tag_of_mark(source, entry)
        if mark is None and needs_tag(entry):
            notices.warn(f"{entry.digest} belongs to an image that is not here: it gets no tag")
        for tag in _tags(entry, repository) if mark is None else [mark]:
            known = found.setdefault(tag, entry)
            if known.digest != entry.digest:
                raise _two_owners(tag, known, entry, is_mark=mark is not None)
    return found


def _two_owners(tag: str, one: Descriptor, other: Descriptor, *, is_mark: bool) -> OciLayoutError:
    if is_mark:
        return CannotHold(
            f"{one.digest} and {other.digest} both need the tag {tag}: push one image "
            "by :NAME, or none of what refers to it (--attestations drop)"
        )
    return AmbiguousName(
        f"{one.digest} and {other.digest} would both get the tag {tag}: push one of them by "
        "itself, by @DIGEST and with --tag"
    )


def _tags(entry: Descriptor, repository: Repository) -> list[str]:
    return [tag_of(name, repository) for name in names.names_of(entry)]


def tag_of(name: str, repository: Repository) -> str:
    """The tag that a name is in a repository; raises CannotHold where it is none there."""
    registry = repository.registry.host
    reference = names.reference_of(name)
    if names.subject_of_tag(name) is not None:
        # It refers to an image by its tag, in whatever repository both are.
        return names.tag_of(name)
    if reference is None:
        if not is_tag(name):
            raise CannotHold(f"{name!r} is no tag: name the image by --tag")
        return name
    if (reference.domain, reference.path) != (registry, repository.path):
        raise CannotHold(f"{name} is not in {registry}/{repository.path}")
    return reference.tag
