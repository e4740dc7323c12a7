import pytest

from ocilayout.graph import read_document
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.signatures import signature_kind, warn_of_void
from ocilayout.spec import media_types
from ocilayout.spec.marks import KIND, SUBJECT
from tests.attestations import (
    DSSE,
    make_attestation,
    make_cosign_signature,
    make_referrer,
    make_saved_signature,
    make_statement,
    subject_of,
)
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_image,
    make_layer,
    make_manifest,
    make_source,
)

IMAGE = make_image().named("app:1")
NAME = "docker.io/library/app:1"
EMPTY = make_blob(media_types.OCI_EMPTY, b"{}")
BLOB = make_blob("application/octet-stream", b"signed")


def artifact(
    artifact_type: str, layer: Made = BLOB, config: Made = EMPTY, **fields: object
) -> Made:
    if artifact_type:
        fields["artifactType"] = artifact_type
    return make_manifest(
        config, [layer], media_types.OCI_MANIFEST, subject=subject_of(IMAGE), **fields
    )


NOTATION = "application/vnd.cncf.notary.signature"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNATURES = {
    "notation signature": artifact(NOTATION),
    "notation signature by its config": artifact("", config=make_blob(NOTATION, b"{}")),
    "notation signature by its annotation": artifact(
        "application/x-test", annotations={"io.cncf.notary.x509chain.thumbprint#S256": "[]"}
    ),
    "sigstore bundle": artifact(BUNDLE),
    "sigstore bundle of a later version": artifact(BUNDLE.replace("0.3", "0.4")),
    "sigstore bundle by its layer": artifact("application/x-test", make_blob(BUNDLE, b"{}")),
    "cosign signature": artifact("application/vnd.dev.cosign.artifact.sig.v1+json"),
    "cosign signature by its tag": make_cosign_signature(IMAGE),
    "cosign signature by its mark": make_saved_signature(IMAGE),
    "cosign signature in hauler": make_saved_signature(IMAGE, "dev.hauler/sigs").named("app:1"),
    "cosign attestation": make_saved_signature(IMAGE, "dev.hauler/atts"),
    "cosign attestation by its tag": make_cosign_signature(IMAGE, "att"),
    "cosign signature by its layer": make_saved_signature(IMAGE).annotated(
        {SUBJECT: str(IMAGE.descriptor.digest)}
    ),
    "signed attestation": make_attestation(IMAGE, make_statement("x", {}, DSSE)),
}
OTHERS = {
    "SBOM by its tag": make_cosign_signature(IMAGE, "sbom"),
    "SBOM by its mark": make_saved_signature(IMAGE, "dev.hauler/sboms"),
    "attestation of BuildKit": make_attestation(IMAGE),
    "referrer": make_referrer(IMAGE),
    "image": IMAGE,
}


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_signature_is_known_in_every_form(case: str) -> None:
    made = SIGNATURES[case]
    (entry,) = make_source(made).index.children
    kind = signature_kind(make_source(made), entry)
    assert kind is not None
    assert case.startswith(kind)


@pytest.mark.parametrize("case", OTHERS)
def test_other_entries_are_no_signatures(case: str) -> None:
    made = OTHERS[case]
    (entry,) = make_source(made).index.children
    assert signature_kind(make_source(made), entry) is None


def test_an_entry_may_say_by_itself_what_it_is() -> None:
    """In the referrers of a registry, and where the document is not here."""
    entry = BLOB.descriptor.edited(mediaType=media_types.OCI_MANIFEST, artifactType=NOTATION)
    assert signature_kind(make_source(), entry) == "notation signature"
    assert signature_kind(make_source(), entry.edited(artifactType=None)) is None


def zstd_layers(source: MemorySource) -> Rewriter:
    rewriter = Rewriter(source)
    manifest = read_document(source, IMAGE.descriptor)
    for layer in manifest.children[1:]:
        rewriter.replace(layer, b"compressed anew " + layer.digest.encoded.encode())
    for descriptor in ordered_documents(source):
        rewriter.rewrite(read_document(source, descriptor))
    return rewriter


@pytest.mark.parametrize("case", SIGNATURES)
def test_a_signature_of_what_changed_is_said_to_be_void(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = make_source(IMAGE, SIGNATURES[case])
    zstd_layers(source).view()
    (said,) = [record.message for record in caplog.records]
    kind = signature_kind(source, source.index.children[1])
    assert said.startswith(f"void, since the digest that was signed changed: {kind} of {NAME} (")


@pytest.mark.parametrize("case", OTHERS)
def test_nothing_is_said_where_nothing_was_signed(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    zstd_layers(make_source(IMAGE, OTHERS[case])).view()
    assert caplog.records == []


def test_nothing_is_said_of_signatures_of_what_stays(caplog: pytest.LogCaptureFixture) -> None:
    other = make_image("linux/arm64", layers=[make_layer("other")])
    source = make_source(other.named("other:1"), make_cosign_signature(other), IMAGE)
    zstd_layers(source).view()
    warn_of_void(source, {other.descriptor.digest: other.descriptor})
    assert caplog.records == []


def test_what_an_earlier_step_voided_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    source = make_source(IMAGE, artifact(NOTATION))
    rewriter = zstd_layers(source)
    once = rewriter.view()
    again = Rewriter(once)
    for descriptor in ordered_documents(once):
        annotations = {"a": "b"} if descriptor.digest == once.index.children[0].digest else None
        again.rewrite(read_document(once, descriptor), annotations=annotations)
    again.view()
    assert len(caplog.records) == 1


def test_a_signature_of_a_signature_is_void_too(caplog: pytest.LogCaptureFixture) -> None:
    sbom = make_referrer(IMAGE)
    signature = make_manifest(EMPTY, [BLOB], artifactType=NOTATION, subject=subject_of(sbom))
    zstd_layers(make_source(IMAGE, sbom, signature)).view()
    assert f"notation signature of {sbom.descriptor.digest}" in caplog.text


def test_a_mark_of_a_digest_says_the_new_one() -> None:
    mark = make_saved_signature(IMAGE, f"dev.hauler/sigs/{IMAGE.descriptor.digest.encoded}")
    view = zstd_layers(make_source(IMAGE, mark)).view()
    image, entry = view.index.children
    assert entry.annotations[KIND] == f"dev.hauler/sigs/{image.digest.encoded}"
