"""What speaks of images in a registry, brought along with them.

In a source it is a further entry of the index, as the image specification and docker 29 have it:
with an annotation for what is found by its subject, under its own tag for what is found by that.
"""

from collections import deque
from collections.abc import Iterator

from ocilayout import notices
from ocilayout.errors import RegistryFailed
from ocilayout.graph import documents_below, listing
from ocilayout.protocols import ImageSource
from ocilayout.registries.referrers import Referrer, referrers_of
from ocilayout.registries.repository import Repository
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.marks import SUBJECT
from ocilayout.spec.reference import Reference
from ocilayout.stores.registry import registry_sources

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
