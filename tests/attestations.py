"""What speaks of an image, in the forms that the tools of the field give it."""

from base64 import b64encode

from ocilayout.referrers import REFERENCE_TYPE
from ocilayout.spec import media_types
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT
from tests.images import Made, encode, make_blob, make_manifest

IN_TOTO = "application/vnd.in-toto+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"


def make_attestation(image: Made, *statements: Made) -> Made:
    """A classic one of BuildKit: an image manifest, told by annotations of its descriptor."""
    config = make_blob(media_types.OCI_CONFIG, b'{"rootfs":{}}')
    made = make_manifest(config, statements or [_statement(image)])
    annotations = {
        REFERENCE_DIGEST: str(image.descriptor.digest),
        REFERENCE_TYPE: "attestation-manifest",
    }
    return _unknown(made).annotated(annotations)


def make_new_attestation(image: Made) -> Made:
    """One of BuildKit since 2026: an artifact with a subject."""
    made = make_manifest(
        make_blob(media_types.OCI_EMPTY, b"{}"),
        [_statement(image)],
        artifactType=media_types.DOCKER_ATTESTATION,
        subject=subject_of(image),
    )
    annotations = {
        REFERENCE_DIGEST: str(image.descriptor.digest),
        REFERENCE_TYPE: "attestation-manifest",
    }
    return _unknown(made).annotated(annotations)


def make_referrer(image: Made) -> Made:
    """An artifact of OCI 1.1, a signature perhaps, that nothing but its subject tells."""
    return make_manifest(
        make_blob(media_types.OCI_EMPTY, b"{}"),
        [_statement(image)],
        artifactType="application/vnd.example.signature",
        subject=subject_of(image),
    )


def make_statement(predicate_type: str, predicate: object, media_type: str = IN_TOTO) -> Made:
    """An in-toto statement, as the layer of an attestation."""
    fields = {"_type": "https://in-toto.io/Statement/v1", "subject": []}
    raw = encode({**fields, "predicateType": predicate_type, "predicate": predicate})
    if media_type == DSSE:
        payload = b64encode(raw).decode()
        raw = encode({"payloadType": IN_TOTO, "payload": payload, "signatures": [{"sig": ""}]})
    return make_blob(media_type, raw)


def make_containerd_referrer(image: Made) -> Made:
    """A referrer as docker 29 lists it, at the top with an annotation of containerd's."""
    return make_referrer(image).annotated({SUBJECT: str(image.descriptor.digest)})


def make_cosign_signature(image: Made, kind: str = "sig") -> Made:
    """What cosign writes: as an image, told by nothing but its tag."""
    media_type = "text/spdx+json" if kind == "sbom" else SIMPLE_SIGNING
    made = _simple_signing(image, media_type)
    return made.named(f"sha256-{image.descriptor.digest.encoded}.{kind}")


def make_saved_signature(image: Made, kind: str = "dev.cosignproject.cosign/sigs") -> Made:
    """The same as `cosign save` lists it: without a name, with its kind; hauler adds a name."""
    return _simple_signing(image).annotated({"kind": kind})


def _simple_signing(image: Made, media_type: str = SIMPLE_SIGNING) -> Made:
    critical = {"image": {"docker-manifest-digest": str(image.descriptor.digest)}}
    layer = make_blob(media_type, encode({"critical": critical}))
    diff_ids = [str(layer.descriptor.digest)]
    fields = {"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return make_manifest(make_blob(media_types.OCI_CONFIG, encode(fields)), [layer])


def subject_of(image: Made) -> dict[str, object]:
    """The descriptor of an image, with nothing but what its bytes say."""
    keys = ("mediaType", "digest", "size")
    return {key: image.descriptor.fields[key] for key in keys}


def _statement(image: Made) -> Made:
    return make_blob(IN_TOTO, f"of {image.descriptor.digest}".encode())


def _unknown(made: Made) -> Made:
    platform = {"os": "unknown", "architecture": "unknown"}
    return Made(made.descriptor.edited(platform=platform), made.contents)
