"""What refers to images in a registry, brought along with them.

In a source it is a further entry of the index, as the image specification and docker 29 have it:
with an annotation for what is found by its subject, under its own tag for what is found by that.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from ocilayout import notices
from ocilayout.errors import OciLayoutError, RegistryFailed
from ocilayout.graph import documents_below, listing
from ocilayout.protocols import ImageSource
from ocilayout.registries.referrers import (
    Referrer,
    has_signature_tag,
    listed_referrers,
    referrers_of,
)
from ocilayout.registries.repository import Repository
from ocilayout.signatures import COSIGN, kind_of_type
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.marks import SUBJECT
from ocilayout.spec.reference import Reference
from ocilayout.stores.registry import registry_sources

MAX_ASKED = 32
"""How many images are asked about only to say what stays behind."""
MAX_SUBJECTS = 10_000
"""How many manifests and indexes one repository is asked about, each with its referrers in turn."""


def with_referrers(source: ImageSource) -> ImageSource:
    """The source with all that its registry knows to refer to its images, and to that in turn.

    A source that is of no registry has its referrers already. Raises RegistryFailed.
    """
    entries = list(source.index.children)
    known = {entry.digest for entry in entries}
    for origin in registry_sources(source):
        for entry in _found(origin.repository, source):
            origin.lead_to([entry])
            if entry.digest not in known or names.names_of(entry):
                entries.append(entry)
                known.add(entry.digest)
    if len(entries) == len(source.index.children):
        return source
    notices.note(f"referrers come along ({len(entries) - len(source.index.children)})")
    return listing(source, entries)


def note_left_behind(source: ImageSource) -> None:
    """Say what refers to a registry's images and does not come along.

    A registry that does not answer is no reason to fail, or to wait.
    """
    for image, titles in _left_behind(source, frozenset()):
        notices.note(f"what refers to {image} stays behind ({titles}): --referrers takes it along")


def warn_of_changed(source: ImageSource, selected: ImageSource) -> None:
    """Say what refers to indexes of a registry that a selection made anew: it is void."""
    left = frozenset(entry.digest for entry in selected.index.children)
    for image, titles in _left_behind(source, left):
        notices.warn(f"left out, since it refers to all of {image}, not to a part: {titles}")


def _left_behind(source: ImageSource, left: Collection[Digest]) -> Iterator[tuple[str, str]]:
    """The images of registries, but for those that are `left`, and what refers to each, in words.

    Each is asked about once, and its signature tag too unless all tags were listed.
    """
    for origin in registry_sources(source):
        repository = Repository(origin.repository.registry, origin.repository.path, attempts=1)
        images = {entry.digest: entry for entry in origin.index.children}
        for entry in list(images.values())[:MAX_ASKED]:
            with suppress(OciLayoutError):
                if entry.digest not in left and (titles := _titles(repository, entry, images)):
                    image = ", ".join(names.names_of(entry)) or str(entry.digest)
                    yield image, notices.some_of(titles)


def _titles(
    repository: Repository, image: Descriptor, images: Mapping[Digest, Descriptor]
) -> list[str]:
    listed = listed_referrers(repository, image.digest)
    titles = [
        kind_of_type(entry.artifact_type) or entry.artifact_type or "referrer" for entry in listed
    ]
    # Several are there only where all tags were listed.
    if len(images) == 1 and has_signature_tag(repository, image.digest):
        titles.append(COSIGN)
    return titles


def _found(repository: Repository, source: ImageSource) -> Iterator[Descriptor]:
    below = documents_below(source, source.index.children)
    pending = deque(descriptor.digest for descriptor in below)
    asked: set[Digest] = set()
    while pending:
        subject = pending.popleft()
        if subject in asked:
            continue
        asked.add(subject)
        if len(asked) > MAX_SUBJECTS:
            raise RegistryFailed(
                f"{repository.registry.host}/{repository.path}: what refers to more than "
                f"{MAX_SUBJECTS} manifests would come along: pick fewer images by a tag or "
                "--platform, or leave out --referrers"
            )
        for referrer in referrers_of(repository, subject):
            yield _entry(repository, referrer, subject)
            pending.append(referrer.descriptor.digest)


def _entry(repository: Repository, referrer: Referrer, subject: Digest) -> Descriptor:
    descriptor = referrer.descriptor
    if referrer.tag is not None:
        name = Reference(repository.registry.host, repository.path, referrer.tag)
        return names.renamed(descriptor, [str(name)])[0]
    # Annotations of its manifest are among those that are listed, and are no names of it here.
    (nameless,) = names.renamed(descriptor, [])
    return nameless.with_annotations({**nameless.annotations, SUBJECT: str(subject)})
