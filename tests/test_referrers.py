"""What speaks of images."""

import pytest

from ocilayout.errors import InvalidDigest
from ocilayout.referrers import (
    REFERENCE_TYPE,
    is_attestation,
    is_listed_referrer,
    subject_of,
)
from ocilayout.spec import media_types
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT
from tests.images import (
    Made,
    make_blob,
    make_image,
    make_index,
    make_manifest,
    make_source,
)

AMD64 = make_image("linux/amd64")
BOTH = make_index(AMD64, make_image("linux/arm64"))
ATTESTATION = make_manifest(
    make_blob(media_types.OCI_CONFIG, b"{}"), [make_blob("application/vnd.in-toto+json", b"{}")]
)
LEAF = make_blob("application/x-unknown", b"a leaf")


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": {REFERENCE_DIGEST: str(AMD64.descriptor.digest)}},
        {"annotations": {REFERENCE_TYPE: "attestation-manifest"}},
        {"annotations": {SUBJECT: str(AMD64.descriptor.digest)}},
        {"artifactType": media_types.DOCKER_ATTESTATION},
    ],
)
def test_a_referrer_is_known_by_what_leads_to_it(changes: dict[str, object]) -> None:
    assert is_listed_referrer(ATTESTATION.descriptor.edited(**changes))
    assert not is_listed_referrer(ATTESTATION.descriptor)


@pytest.mark.parametrize("annotation", [REFERENCE_DIGEST, SUBJECT])
def test_an_annotation_says_what_an_entry_refers_to(annotation: str) -> None:
    made = ATTESTATION.annotated({annotation: str(AMD64.descriptor.digest)})
    assert subject_of(make_source(made), made.descriptor) == AMD64.descriptor.digest


def test_a_subject_says_what_a_document_refers_to() -> None:
    subject = dict(AMD64.descriptor.fields)
    for made in (make_image(subject=subject), make_index(subject=subject)):
        assert subject_of(make_source(made), made.descriptor) == AMD64.descriptor.digest


@pytest.mark.parametrize("made", [AMD64, BOTH, LEAF])
def test_most_entries_refer_to_nothing(made: Made) -> None:
    assert subject_of(make_source(made), made.descriptor) is None


def test_what_is_not_here_refers_to_nothing() -> None:
    assert subject_of(make_source(), AMD64.descriptor) is None


def test_a_reference_that_is_no_digest_is_refused() -> None:
    made = ATTESTATION.annotated({REFERENCE_DIGEST: "../../etc/passwd"})
    with pytest.raises(InvalidDigest):
        subject_of(make_source(made), made.descriptor)


def test_an_attestation_is_told_from_other_referrers() -> None:
    image = str(AMD64.descriptor.digest)
    by_subject = ATTESTATION.annotated({SUBJECT: image}).descriptor
    assert is_listed_referrer(by_subject)
    assert not is_attestation(by_subject)
    assert is_attestation(ATTESTATION.annotated({REFERENCE_DIGEST: image}).descriptor)
