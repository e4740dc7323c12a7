import json
from collections.abc import Iterator

import pytest

from ocilayout.errors import RegistryFailed
from ocilayout.registries.referrers import list_referrer, referrers_of
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest, parse_document
from tests.attestations import make_referrer
from tests.images import Made, make_blob, make_image, make_manifest
from tests.registries.talking import fill, repository
from tests.servers.faults import Fault, answering, redirecting
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import running

pytestmark = pytest.mark.usefixtures("quick_retries")

IMAGE = make_image()
DIGEST = IMAGE.descriptor.digest
SIGNATURE = make_referrer(IMAGE)
TAG = f"sha256-{DIGEST.encoded}"
COSIGN = make_manifest(make_blob("application/vnd.dev.cosign.simplesigning.v1+json", b"{}"))


@pytest.fixture(params=[True, False], ids=["interface", "tags"])
def registry(request: pytest.FixtureRequest) -> Iterator[OciRegistry]:
    with running(OciRegistry(Manners(referrers_api=request.param))) as registry:
        fill(registry, IMAGE)
        yield registry


@pytest.fixture
def old() -> Iterator[OciRegistry]:
    with running(OciRegistry(Manners(referrers_api=False))) as registry:
        fill(registry, IMAGE)
        yield registry


def document(made: Made) -> Index | Manifest:
    return parse_document(made.descriptor, made.contents[made.descriptor.digest])


def put(registry: OciRegistry, made: Made) -> None:
    """Put a document as a push does, whose blobs are there."""
    for digest, content in made.contents.items():
        registry["team/app"].blobs[str(digest)] = content
    known = repository(registry, writes=True)
    answer = known.put_manifest(made.descriptor.digest, document(made))
    assert answer.status == 201
    list_referrer(known, document(made), answer)


def found(registry: OciRegistry, subject: Digest = DIGEST) -> dict[Digest, str | None]:
    listed = referrers_of(repository(registry), subject)
    return {referrer.descriptor.digest: referrer.tag for referrer in listed}


def test_what_was_put_is_listed_whatever_the_registry_knows(registry: OciRegistry) -> None:
    put(registry, SIGNATURE)
    assert found(registry) == {SIGNATURE.descriptor.digest: None}


def test_several_are_listed_side_by_side(registry: OciRegistry) -> None:
    sbom = make_image(layers=[], subject=dict(IMAGE.descriptor.fields))
    for made in (SIGNATURE, sbom, SIGNATURE):
        put(registry, made)
    assert set(found(registry)) == {SIGNATURE.descriptor.digest, sbom.descriptor.digest}


def test_nothing_is_listed_where_nothing_refers(registry: OciRegistry) -> None:
    assert found(registry) == {}


@pytest.mark.parametrize("suffix", ["sig", "att", "sbom"])
def test_tags_of_cosign_speak_of_an_image(registry: OciRegistry, suffix: str) -> None:
    fill(registry, COSIGN, tag=f"{TAG}.{suffix}")
    assert found(registry) == {COSIGN.descriptor.digest: f"{TAG}.{suffix}"}


def test_a_registry_with_the_interface_needs_no_tag() -> None:
    with running(OciRegistry()) as registry:
        fill(registry, IMAGE)
        put(registry, SIGNATURE)
        assert list(registry["team/app"].tags) == ["1"]


def test_the_index_under_the_tag_says_what_the_specification_wants(old: OciRegistry) -> None:
    described = make_manifest(
        make_blob("application/vnd.example.config", b"{}"),
        subject=dict(IMAGE.descriptor.fields),
        annotations={"by": "ann"},
    )
    put(old, described)
    put(old, SIGNATURE)
    held = old["team/app"]
    first, second = json.loads(held.manifests[held.tags[TAG]].raw)["manifests"]
    assert first["artifactType"] == "application/vnd.example.config"
    assert first["annotations"] == {"by": "ann"}
    assert second["artifactType"] == "application/vnd.example.signature"


def test_a_document_without_a_subject_is_listed_nowhere(old: OciRegistry) -> None:
    put(old, make_image())
    assert list(old["team/app"].tags) == ["1"]


def test_a_tag_that_is_somebody_elses_is_left_alone(
    old: OciRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    fill(old, IMAGE, tag=TAG)
    put(old, SIGNATURE)
    assert old["team/app"].tags[TAG] == str(DIGEST)
    assert f"{TAG} is no index" in caplog.text
    assert found(old) == {}


def test_what_cannot_be_listed_is_told(old: OciRegistry) -> None:
    old.faults.append(Fault("PUT", f"/manifests/{TAG}", answering(507)))
    with pytest.raises(
        RegistryFailed, match=f"refused to take the manifest team/app:{TAG} \\(507\\)"
    ):
        put(old, SIGNATURE)


def test_other_entries_of_the_index_stay_as_they_are(old: OciRegistry) -> None:
    put(old, SIGNATURE)
    held = old["team/app"]
    before = held.manifests[held.tags[TAG]].fields["manifests"]
    put(old, make_image(layers=[], subject=dict(IMAGE.descriptor.fields)))
    after = held.manifests[held.tags[TAG]].fields["manifests"]
    assert after[:1] == before  # type: ignore[index]
    assert isinstance(repository(old).manifest(TAG), Index)


def test_a_list_of_referrers_may_be_elsewhere(old: OciRegistry) -> None:
    with running(OciRegistry()) as other:
        fill(other, IMAGE)
        put(other, SIGNATURE)
        old.faults.append(Fault("GET", "/referrers/", redirecting(other.url)))
        assert found(old) == {SIGNATURE.descriptor.digest: None}
