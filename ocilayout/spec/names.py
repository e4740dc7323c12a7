"""Names of images as an index lists them: read in every dialect, written in one.

Read: containerd's `io.containerd.image.name` (a full name); else `ref.name`, which holds a tag, a
full name, or in older BuildKits several names with commas between them (moby/buildkit#4615).
Written: both annotations, one descriptor a name, so that every engine finds the full name.
Signatures and the like that are listed under the name of their image bear none (marks.py).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from ocilayout.errors import AmbiguousName, InvalidDocument
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest, is_digest
from ocilayout.spec.marks import Annotated, is_marked_image, mark_of
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference

# annotations.md, "Pre-Defined Annotation Keys", org.opencontainers.image.ref.name
_WORD = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_REF_NAME = rf"{_WORD}(?:/{_WORD})*"
_REFERRERS_TAG = r"sha256-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?"

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"


def names_of(descriptor: Annotated) -> tuple[str, ...]:
    """The names that an entry of an index bears: full ones, or a bare text where it has no more.

    An entry that is marked as a signature or the like bears none: its image does.
    """
    return () if mark_of(descriptor) is not None else names_at(descriptor)


def names_at(descriptor: Annotated) -> tuple[str, ...]:
    """The names in the annotations of an entry, be they its own or those of its image."""
    full = descriptor.annotations.get(IMAGE_NAME)
    if full:
        return _as_names([full])
    return _as_names(descriptor.annotations.get(REF_NAME, "").split(","))


def owners_of_marks(entries: Sequence[Descriptor]) -> dict[str, Digest]:
    """The image that marked entries among `entries` belong to, by the name they are listed under.

    Those without a name, as cosign saves them, belong to the only image; its key is empty.
    """
    owners: dict[str, Digest] = {}
    images: dict[Digest, bool] = {}
    for entry in entries:
        names = names_of(entry)
        if mark_of(entry) is not None or any(map(subject_of_tag, names)):
            continue
        images[entry.digest] = is_marked_image(entry) or images.get(entry.digest, False)
        for name in names:
            owners.setdefault(name, entry.digest)
    for candidates in (list(images), [digest for digest, is_marked in images.items() if is_marked]):
        if len(candidates) == 1:
            owners[""] = candidates[0]
    return owners


def subject_of_tag(name: str) -> Digest | None:
    """The image that a tag speaks of by the referrers tag schema: `sha256-HEX`, as cosign's too.

    Its source is the distribution specification, "Referrers Tag Schema".
    """
    match = re.fullmatch(_REFERRERS_TAG, tag_of(name), re.ASCII)
    return None if match is None else Digest("sha256", match[1])


def reference_of(name: str) -> Reference | None:
    """The reference that `name` is; None where it is a bare tag or free text."""
    if "/" not in name and ":" not in name:
        return None
    try:
        return Reference.parse(name)
    except InvalidDocument:
        return None


def is_ref_name(text: str) -> bool:
    """Whether `ref.name` may hold `text`: more than tags and full names, as `v1+meta`."""
    return re.fullmatch(_REF_NAME, text, re.ASCII) is not None


def full_name(name: str) -> str:
    """The full name that `name` stands for; a bare tag or free text as it is."""
    reference = reference_of(name)
    return name if reference is None else str(reference)


def tag_of(name: str) -> str:
    """The tag of a full name; a bare name is its own tag."""
    reference = reference_of(name)
    return name if reference is None else reference.tag


def meanings(wanted: str) -> Iterator[Callable[[str], bool]]:
    """What a person may mean by a name, the likeliest first, as tests of known names.

    The name as it stands; a full name; a tag; a repository, whose tag is then `latest`.
    """
    yield lambda name: name == wanted
    reference = reference_of(wanted)
    if reference is not None:
        yield lambda name: reference_of(name) == reference
        return
    yield lambda name: tag_of(name) == wanted
    try:
        repository = Reference.parse(wanted)
    except InvalidDocument:
        return
    yield lambda name: reference_of(name) == repository


def renamed(descriptor: Descriptor, names: Sequence[str]) -> list[Descriptor]:
    """The entries, one a name, that lead to the same image under these names alone."""
    annotations = {
        key: value
        for key, value in descriptor.annotations.items()
        if key not in {REF_NAME, IMAGE_NAME}
    }
    if not names:
        return [descriptor.with_annotations(annotations)]
    return [descriptor.with_annotations({**annotations, **_annotations_of(name)}) for name in names]


def listed(descriptors: Iterable[Descriptor]) -> list[Descriptor]:
    """Entries in the one form that is written.

    Where two names share a tag, `ref.name` holds the full name of both: tools that know only this
    annotation would take the first, or none (umoci refuses). A name stands once for each platform
    that its image is listed for. Raises AmbiguousName where one name leads to two images.
    """
    entries: list[Descriptor] = []
    owners: dict[str, Descriptor] = {}
    platforms: dict[str, list[Platform | None]] = {}
    for descriptor in descriptors:
        names = names_of(descriptor)
        if not names:
            entries.append(descriptor)
        for name in names:
            owner = owners.setdefault(name, descriptor)
            if owner.digest != descriptor.digest:
                raise AmbiguousName(
                    f"{name} names two images, {owner.digest} and {descriptor.digest}: "
                    "select one by @DIGEST, or take them as one image with --index"
                )
            if _is_another(descriptor.platform, platforms.setdefault(name, [])):
                platforms[name].append(descriptor.platform)
                entries.extend(renamed(descriptor, [name]))
    return _with_distinct_tags(entries)


def _is_another(platform: Platform | None, known: Sequence[Platform | None]) -> bool:
    """Whether an image that is listed for `known` is listed for one more by `platform`."""
    if not known:
        return True
    if platform is None or None in known:
        return False
    return platform.normalized not in (other and other.normalized for other in known)


def replaced(existing: Iterable[Descriptor], added: Iterable[Descriptor]) -> list[Descriptor]:
    """The entries of a layout after `added` came: a name that is written again moves."""
    new = list(added)
    taken = {name for descriptor in new for name in names_of(descriptor)}
    kept = [entry for entry in listed(existing) if not taken.intersection(names_of(entry))]
    present = {entry.digest for entry in kept}
    return listed(kept + [entry for entry in new if names_of(entry) or entry.digest not in present])


def with_distinct_tags(entries: Iterable[Descriptor]) -> list[Descriptor]:
    """The entries as they are, but for those whose tag stands in several repositories.

    As `listed` writes them, those have the full name in `ref.name`, one entry a name.
    """
    found = list(entries)
    tags = _tags_of(found)
    single: list[Descriptor] = []
    for entry in found:
        names = names_of(entry)
        is_shared = any(tags[tag_of(name)] > 1 for name in names)
        single.extend(renamed(entry, names) if is_shared and len(names) > 1 else [entry])
    return _with_distinct_tags(single)


def _as_names(texts: Iterable[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for text in texts:
        stripped = text.strip()
        if stripped and not is_pin(stripped):
            names[full_name(stripped)] = None
    return tuple(names)


def is_pin(text: str) -> bool:
    """Whether it is a digest alone, as in `app@sha256:…`: which image, not what it is called."""
    repository, at, digest = text.partition("@")
    return bool(at) and ":" not in repository.rpartition("/")[2] and is_digest(digest)


def _annotations_of(name: str) -> dict[str, str]:
    reference = reference_of(name)
    if reference is None:
        return {REF_NAME: name}
    return {IMAGE_NAME: str(reference), REF_NAME: reference.tag}


def _tags_of(entries: Iterable[Descriptor]) -> Counter[str]:
    """How many names have each tag."""
    return Counter(map(tag_of, {name for entry in entries for name in names_of(entry)}))


def _with_distinct_tags(entries: list[Descriptor]) -> list[Descriptor]:
    tags = _tags_of(entries)
    return [
        entry.with_annotations({**entry.annotations, REF_NAME: name})
        if name is not None and tags[tag_of(name)] > 1 and reference_of(name) is not None
        else entry
        for entry in entries
        for name in [next(iter(names_of(entry)), None)]
    ]
