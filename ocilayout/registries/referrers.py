"""What refers to an image in a registry: the referrers interface, its tag schema, cosign's tags.

distribution-spec, "Listing Referrers" and "Referrers Tag Schema"; cosign's SIGNATURE_SPEC.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ocilayout import notices
from ocilayout.registries.http import Answer
from ocilayout.registries.repository import Repository
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index, Manifest

_COSIGN = ("sig", "att", "sbom")


@dataclass(frozen=True)
class Referrer:
    """A document that refers to another."""

    descriptor: Descriptor
    tag: str | None = None
    """The tag that says so, where no `subject` does."""


def referrers_of(repository: Repository, subject: Digest) -> Iterator[Referrer]:
    """All that refers to a manifest or an index; raises RegistryFailed, InvalidDocument."""
    for descriptor in listed_referrers(repository, subject):
        yield Referrer(descriptor)
    for suffix in _COSIGN:
        tag = f"{_tag(subject)}.{suffix}"
        found = repository.manifest(tag)
        if found is not None:
            yield Referrer(found.descriptor, tag)


def listed_referrers(repository: Repository, subject: Digest) -> list[Descriptor]:
    """What the registry lists as referring to a manifest, or the tag of that where it does not.

    Raises RegistryFailed, AccessDenied, InvalidDocument.
    """
    listed = repository.referrers(subject)
    if listed is not None:
        return listed
    index = _fallback(repository, subject)
    return [] if index is None else list(index.children)


def has_signature_tag(repository: Repository, subject: Digest) -> bool:
    """Whether cosign's tag says that there is a signature; raises RegistryFailed, AccessDenied."""
    return repository.has_tag(f"{_tag(subject)}.sig")


def list_referrer(repository: Repository, document: Document, answer: Answer) -> None:
    """See to it that a document that was put is listed as a referrer of its subject.

    A registry that does so itself says it in the answer to the PUT (`OCI-Subject`); with another,
    an index under the tag of the subject lists what refers to it. Raises RegistryFailed.
    """
    subject = document.subject
    if subject is None or answer.headers.get("OCI-Subject"):
        return
    tag = _tag(subject.digest)
    index = repository.manifest(tag) or Index.of([])
    if not isinstance(index, Index):
        notices.warn(
            f"{repository.registry.host}/{repository.path}:{tag} is no index, so what refers to "
            f"{subject.digest} cannot be listed there: remove that tag"
        )
        return
    if any(child.digest == document.descriptor.digest for child in index.children):
        return
    longer = index.with_entries((*index.children, _listed(document)))
    repository.put_manifest(tag, longer)


def _listed(document: Document) -> Descriptor:
    """The entry of a referrer, with what the specification wants of it beside its digest."""
    changes: dict[str, object] = {}
    if isinstance(document, Manifest) and document.artifact_type:
        changes["artifactType"] = document.artifact_type
    elif isinstance(document, Manifest) and document.config is not None:
        changes["artifactType"] = document.config.media_type
    annotations = document.fields.get("annotations")
    if annotations:
        changes["annotations"] = annotations
    return document.descriptor.edited(**changes)


def _fallback(repository: Repository, subject: Digest) -> Index | None:
    found = repository.manifest(_tag(subject))
    if found is not None and not isinstance(found, Index):
        # Whoever owns that tag, it lists no referrers.
        return None
    return found


def _tag(subject: Digest) -> str:
    """distribution-spec, "Referrers Tag Schema": at most 32 and 64 characters of the digest."""
    return f"{subject.algorithm[:32]}-{subject.encoded[:64]}"
