"""What refers to images: BuildKit's attestations, signatures, SBOMs and other referrers.

BuildKit says to what in an annotation of the entry (attestation-storage.md), docker 29 in another,
OCI 1.1 in the manifest's `subject`; cosign and regctl make a tag of the digest. cosign save and
hauler mark the entries that belong to an image (spec/marks.py).
"""

from collections.abc import Iterable, Iterator

from ocilayout.errors import BlobNotFound
from ocilayout.graph import is_document, manifests_below, read_document, read_manifest
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.marked_entries import owner_of
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT, mark_of, stated_subject
from ocilayout.spec.names import names_of, subject_of_tag

REFERENCE_TYPE = "vnd.docker.reference.type"


def is_attestation(entry: Descriptor) -> bool:
    """Whether an entry of an index is an attestation of BuildKit's, as the entry itself says."""
    return (
        REFERENCE_DIGEST in entry.annotations
        or entry.annotations.get(REFERENCE_TYPE) == "attestation-manifest"
        or entry.artifact_type == media_types.DOCKER_ATTESTATION
    )


def is_listed_referrer(entry: Descriptor) -> bool:
    """Whether an entry of an index says by itself that it is an attestation, or refers to an image.

    A referrer of which only its tag or its document says so is not among them; is_referrer looks
    there.
    """
    return SUBJECT in entry.annotations or mark_of(entry) is not None or is_attestation(entry)


def referrer_kind(entry: Descriptor) -> str:
    """What an entry that is_referrer accepts is called."""
    return "attestation" if is_attestation(entry) else "referrer"


def subject_of(source: BlobReader, descriptor: Descriptor) -> Digest | None:
    """The image that an attestation or another referrer refers to; None where there is none."""
    stated = stated_subject(descriptor)
    if stated is not None:
        return stated
    if not is_document(descriptor):
        return None
    try:
        subject = read_document(source, descriptor).subject
    except BlobNotFound:
        return None
    return None if subject is None else subject.digest


def is_referrer(source: ImageSource, descriptor: Descriptor) -> bool:
    """Whether it is an attestation or another referrer, by its entry, tag or document."""
    return is_listed_referrer(descriptor) or subject_of_entry(source, descriptor) is not None


def images_below(
    source: ImageSource, tops: Iterable[Descriptor]
) -> Iterator[tuple[Descriptor, Manifest]]:
    """The container images that `tops` lead to: no artifacts, no attestations, nothing absent."""
    for descriptor in manifests_below(source, tops):
        if descriptor.digest in source.absent or is_listed_referrer(descriptor):
            continue
        if is_document(descriptor):
            manifest = read_manifest(source, descriptor)
            if manifest.is_image:
                yield descriptor, manifest


def subject_of_entry(source: ImageSource, entry: Descriptor) -> Digest | None:
    """What an entry of an index refers to: by its tag, by itself, or by its mark; None of images.

    A marked entry that says no digest refers to the image that it belongs to; None where that is
    not in the index.
    """
    for name in names_of(entry):
        subject = subject_of_tag(name)
        if subject is not None:
            return subject
    subject = None if entry.digest in source.absent else subject_of(source, entry)
    return owner_of(source.index, entry) if subject is None else subject


def tag_of_mark(source: ImageSource, entry: Descriptor) -> str | None:
    """The tag under which cosign looks for a marked entry in a registry: `sha256-HEX.sig`.

    None of entries that are not marked, that need no tag, or whose image is not known (cosign:
    pkg/oci/remote/remote.go).
    """
    mark = mark_of(entry)
    subject = None if mark is None else subject_of_entry(source, entry)
    if mark is None or mark.tag_suffix is None or subject is None:
        return None
    return f"{subject.algorithm}-{subject.encoded}.{mark.tag_suffix}"


def images_listed(source: ImageSource) -> list[Descriptor]:
    """The entries of a source's index that are images of their own, once each."""
    found: dict[Digest, Descriptor] = {}
    for entry in source.index.children:
        if not is_referrer(source, entry):
            found.setdefault(entry.digest, entry)
    return list(found.values())
