from collections.abc import Callable

import pytest

from ocilayout.errors import CannotHold
from ocilayout.graph import changes, read_document, read_manifest, walk
from ocilayout.referrers import subject_of
from ocilayout.spec import media_types
from ocilayout.spec.documents import Index
from ocilayout.spec.media_types import Family, in_family, layer_type
from ocilayout.transforms.media_types import in_media_types
from tests.attestations import (
    make_attestation,
    make_cosign_signature,
    make_new_attestation,
    make_referrer,
)
from tests.images import Made, make_blob, make_image, make_index, make_manifest, make_source
from tests.snapshots import contents_of, names_in, platforms_in

NAME = "registry.example/app:v1"
FAMILIES: tuple[Family, Family] = ("oci", "docker")
PLATFORMS = ("linux/amd64", "linux/arm64")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_type_is_of_the_family(family: Family) -> None:
    other: Family = "docker" if family == "oci" else "oci"
    images = [make_image(platform, family=other) for platform in PLATFORMS]
    index = make_index(*images, media_type=in_family(media_types.OCI_INDEX, other)).named(NAME)
    found = in_media_types(make_source(index), family)
    for descriptor in walk(found):
        assert in_family(descriptor.media_type, family) == descriptor.media_type
    assert platforms_in(found) == list(PLATFORMS)
    assert list(names_in(found)) == [NAME]
    contents_of(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_documents_say_what_leads_to_them(family: Family) -> None:
    index = make_index(make_image(), make_image("linux/arm64"))
    found = in_media_types(make_source(index), family)
    (entry,) = found.index.children
    document = read_document(found, entry)
    assert isinstance(document, Index)
    assert document.fields["mediaType"] == in_family(media_types.OCI_INDEX, family)
    for child in document.children:
        manifest = read_manifest(found, child)
        assert manifest.fields["mediaType"] == in_family(media_types.OCI_MANIFEST, family)


def test_configs_and_layers_keep_their_bytes() -> None:
    image = make_image()
    before = dict(image.contents)
    del before[image.descriptor.digest]
    after = contents_of(in_media_types(make_source(image), "docker"))
    assert before.items() <= after.items()
    assert image.descriptor.digest not in after


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_of_the_family_already_keeps_its_bytes(family: Family) -> None:
    source = make_source(make_image(family=family).named(NAME))
    found = in_media_types(source, family)
    assert found.index.raw == source.index.raw
    assert contents_of(found) == source.contents


def test_what_changed_is_known() -> None:
    image = make_image()
    found = in_media_types(make_source(image), "docker")
    (entry,) = found.index.children
    assert changes(found)[image.descriptor.digest].digest == entry.digest


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_layers_keep_their_codec(codec: str) -> None:
    found = in_media_types(make_source(make_image(codec=codec)), "docker")
    kinds = [layer_type(descriptor.media_type) for descriptor in walk(found)]
    assert {kind.codec for kind in kinds if kind} == {codec}


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation, make_referrer])
def test_docker_has_no_form_for_attestations_and_that_is_said(
    make: Callable[[Made], Made], caplog: pytest.LogCaptureFixture
) -> None:
    images = [make_image(platform) for platform in PLATFORMS]
    source = make_source(make_index(*images, *map(make, images)))
    found = in_media_types(source, "docker")
    (entry,) = found.index.children
    document = read_document(found, entry)
    assert len(document.children) == 2
    assert "attestations are left out" in caplog.text


def test_docker_has_no_form_for_signatures_of_cosign(caplog: pytest.LogCaptureFixture) -> None:
    image = make_image()
    found = in_media_types(make_source(image, make_cosign_signature(image)), "docker")
    assert len(found.index.children) == 1
    assert "attestations are left out" in caplog.text


def test_docker_has_no_form_for_artifacts() -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    with pytest.raises(CannotHold, match=r"application/vnd\.example"):
        in_media_types(make_source(make_image(), artifact), "docker")


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation, make_referrer])
def test_attestations_of_what_changed_are_pointed_to_the_new_digest(
    make: Callable[[Made], Made],
) -> None:
    image = make_image(family="docker")
    source = make_source(make_index(image, make(image)))
    found = in_media_types(source, "oci")
    (entry,) = found.index.children
    new_image, attestation = read_document(found, entry).children
    assert new_image.digest != image.descriptor.digest
    assert subject_of(found, attestation) == new_image.digest
    subject = read_manifest(found, attestation).subject
    assert subject is None or subject.digest == new_image.digest


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("stated", [None, ""])
def test_documents_that_do_not_state_their_type_state_it_then(
    family: Family, stated: str | None
) -> None:
    """ECR and Nexus refuse OCI manifests without `mediaType`, which the specification allows."""
    images = [make_image(platform, mediaType=stated) for platform in PLATFORMS]
    source = make_source(make_index(*images, mediaType=stated).named(NAME))
    found = in_media_types(source, family)
    for descriptor in walk(found):
        if descriptor.media_type in media_types.DOCUMENTS:
            assert read_document(found, descriptor).fields["mediaType"] == descriptor.media_type


def test_an_artifact_that_does_not_state_its_type_states_it_then() -> None:
    config = make_blob("application/vnd.example.config", b"{}")
    artifact = make_manifest(config, [], mediaType=None)
    found = in_media_types(make_source(artifact), "oci")
    (entry,) = found.index.children
    assert read_document(found, entry).fields["mediaType"] == media_types.OCI_MANIFEST
