"""The tags that what is pushed to a repository gets there."""

from ocilayout.errors import CannotHold
from ocilayout.protocols import ImageSource
from ocilayout.referrers import tag_of_mark
from ocilayout.registries.repository import Repository
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.reference import is_tag


def tagged(source: ImageSource, repository: Repository) -> dict[str, Descriptor]:
    """The entry that each tag is to lead to.

    Entries that cosign save or hauler marked get the tags that cosign looks for. Raises CannotHold
    where a name is not one of this repository's tags, and where such a tag would have two owners.
    """
    found: dict[str, Descriptor] = {}
    for entry in source.index.children:
        mark = tag_of_mark(source, entry)
        for tag in _tags(entry, repository) if mark is None else [mark]:
            known = found.setdefault(tag, entry)
            if mark is not None and known.digest != entry.digest:
                raise CannotHold(
                    f"{known.digest} and {entry.digest} both need the tag {tag}: push one image "
                    "by :NAME, or none of what refers to it (--attestations drop)"
                )
            found[tag] = entry
    return found


def _tags(entry: Descriptor, repository: Repository) -> list[str]:
    registry = repository.registry.host
    tags = []
    for name in names.names_of(entry):
        reference = names.reference_of(name)
        if names.subject_of_tag(name) is not None:
            # It refers to an image by its tag, in whatever repository both are.
            tags.append(names.tag_of(name))
        elif reference is None:
            if not is_tag(name):
                raise CannotHold(f"{name!r} is no tag: name the image by --tag")
            tags.append(name)
        elif (reference.domain, reference.path) == (registry, repository.path):
            tags.append(reference.tag)
        else:
            raise CannotHold(f"{name} is not in {registry}/{repository.path}")
    return tags
