import json
from collections.abc import Iterator

import pytest

from ocilayout.errors import (
    ImageNotFound,
    IntegrityError,
    InvalidDocument,
    RegistryFailed,
)
from ocilayout.registries import repository as repositories
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from tests.attestations import make_referrer
from tests.images import encode, make_blob, make_image, make_index, make_layer
from tests.registries.talking import ANN, assert_was_told_nothing, fill, repository
from tests.servers import rogue as rogues
from tests.servers.faults import Fault, answering, lying, redirecting, swapping
from tests.servers.gates import basic_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manifest, Manners
from tests.servers.site import running

pytestmark = pytest.mark.usefixtures("quick_retries")

IMAGE = make_image()
DIGEST = IMAGE.descriptor.digest
RAW = IMAGE.contents[DIGEST]
OTHER = make_image(layers=[make_layer("other")])


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        fill(registry, IMAGE)
        yield registry


@pytest.mark.parametrize("reference", ["1", DIGEST])
def test_a_manifest_is_read_byte_for_byte(registry: OciRegistry, reference: str | Digest) -> None:
    found = repository(registry).manifest(reference)
    assert found is not None
    assert (found.raw, found.descriptor.digest) == (RAW, DIGEST)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        Fault("HEAD", "", lying({"Docker-Content-Digest": ""}), times=None),
        Fault("HEAD", "", lying({"Docker-Content-Digest": "sha256:no"}), times=None),
        Fault("HEAD", "", answering(405), times=None),
        Fault("HEAD", "", answering(401), times=None),
    ],
)
def test_a_tag_has_the_digest_of_its_manifest(registry: OciRegistry, fault: Fault | None) -> None:
    registry.faults.extend([fault] if fault else [])
    assert repository(registry).digest_of("1") == DIGEST
    assert repository(registry).digest_of("2") is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_tag_that_nobody_may_see_has_no_digest(registry: OciRegistry, status: int) -> None:
    registry.faults.append(Fault("*", "/manifests/", answering(status), times=None))
    assert repository(registry).digest_of("1") is None


def test_what_is_not_there_is_none(registry: OciRegistry) -> None:
    assert repository(registry).manifest("2") is None
    assert not repository(registry).has_manifest(OTHER.descriptor.digest)


@pytest.mark.parametrize("digest", [str(OTHER.descriptor.digest), "sha256:no", "", "x" * 9000])
def test_the_digest_that_a_header_states_is_not_believed(
    registry: OciRegistry, digest: str
) -> None:
    registry.faults.append(Fault("GET", "", lying({"Docker-Content-Digest": digest}), times=None))
    for reference in ("1", DIGEST):
        found = repository(registry).manifest(reference)
        assert found is not None
        assert found.descriptor.digest == DIGEST


@pytest.mark.parametrize("body", [OTHER.contents[OTHER.descriptor.digest], RAW + b" ", RAW[:-1]])
def test_other_bytes_than_those_of_the_digest_are_refused(
    registry: OciRegistry, body: bytes
) -> None:
    headers = {"Content-Type": media_types.OCI_MANIFEST, "Docker-Content-Digest": str(DIGEST)}
    registry.faults.append(Fault("GET", "", answering(200, headers, body)))
    with pytest.raises((IntegrityError, InvalidDocument), match=str(DIGEST)[:20]):
        repository(registry).manifest(DIGEST)


def test_a_type_that_two_tools_would_see_two_ways_is_refused(registry: OciRegistry) -> None:
    headers = {"Content-Type": media_types.OCI_INDEX}
    registry.faults.append(Fault("GET", "", lying(headers)))
    with pytest.raises(InvalidDocument, match="its header says"):
        repository(registry).manifest("1")


@pytest.mark.parametrize("stated", [media_types.OCI_MANIFEST + "; charset=utf-8", "text/plain", ""])
def test_the_type_is_what_the_document_says(registry: OciRegistry, stated: str) -> None:
    registry.faults.append(Fault("GET", "", lying({"Content-Type": stated})))
    found = repository(registry).manifest("1")
    assert found is not None
    assert found.media_type == media_types.OCI_MANIFEST


def test_where_a_document_says_nothing_the_header_counts(registry: OciRegistry) -> None:
    raw = encode({"schemaVersion": 2, "manifests": []})
    headers = {"Content-Type": media_types.OCI_INDEX}
    registry.faults.append(Fault("GET", "", answering(200, headers, raw)))
    assert isinstance(repository(registry).manifest("1"), Index)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"mediaType": 5}', b'{"mediaType": "text/plain"}']
)
def test_what_is_no_manifest_is_refused(registry: OciRegistry, body: bytes) -> None:
    registry.faults.append(Fault("GET", "", answering(200, body=body)))
    with pytest.raises(InvalidDocument):
        repository(registry).manifest("1")


def test_a_manifest_of_any_length_ends() -> None:
    with rogues.rogue("127.0.0.1:1", b"", rogues.endless_body) as host:
        site = OciRegistry()
        site.host = host
        with pytest.raises(RegistryFailed, match="which is no document"):
            repository(site).manifest("1")


def test_blobs_are_asked_for_by_head(registry: OciRegistry) -> None:
    known = repository(registry)
    blob = make_blob("text/plain", b"absent")
    layer = next(iter(IMAGE.contents))
    assert known.has_blob(make_layer_descriptor(layer))
    assert not known.has_blob(blob.descriptor)
    assert {request.method for request in registry.requests} == {"HEAD"}


def make_layer_descriptor(digest: Digest) -> Descriptor:
    content = IMAGE.contents[digest]
    return Descriptor.make("application/octet-stream", digest, len(content))


@pytest.mark.parametrize("status", [401, 403, 405, 501])
def test_where_head_is_not_answered_get_is(registry: OciRegistry, status: int) -> None:
    headers = {"WWW-Authenticate": 'Basic realm="x"'}
    registry.faults.append(Fault("HEAD", "", answering(status, headers), times=None))
    known = repository(registry, login=True)
    assert known.has_manifest(DIGEST)
    assert not known.has_manifest(OTHER.descriptor.digest)


def test_a_registry_that_will_not_say_is_not_taken_for_empty(registry: OciRegistry) -> None:
    registry.faults.append(Fault("*", "", answering(403), times=None))
    with pytest.raises(RegistryFailed, match="refused to say whether it has manifests/sha256"):
        repository(registry).has_manifest(DIGEST)


def tagged(registry: OciRegistry, count: int) -> list[str]:
    tags = [f"v{number:04}" for number in range(count)]
    registry["team/app"].tags = {tag: str(DIGEST) for tag in tags}
    return tags


def test_tags_are_listed_page_by_page(registry: OciRegistry) -> None:
    tags = tagged(registry, 25)
    registry.content.manners = Manners(page=10)
    assert list(repository(registry).tags()) == tags
    assert len(registry.requests) == 3


@pytest.mark.parametrize("body", [b'{"name": "team/app"}', b'{"tags": null}', b'{"tags": []}'])
def test_a_repository_without_tags_has_none(registry: OciRegistry, body: bytes) -> None:
    registry.faults.append(Fault("GET", "", answering(200, body=body)))
    assert list(repository(registry).tags()) == []


@pytest.mark.parametrize(
    "body", [b'{"tags": "v1"}', b'{"tags": [1]}', b'{"tags": ["a\\u001b[2J"]}']
)
def test_what_is_no_list_of_tags_is_refused(registry: OciRegistry, body: bytes) -> None:
    registry.faults.append(Fault("GET", "", answering(200, body=body)))
    with pytest.raises(InvalidDocument, match=r"tags of 127.0.0.1"):
        list(repository(registry).tags())


def test_a_repository_that_is_not_there_is_told(registry: OciRegistry) -> None:
    registry["team/app"].tags.clear()
    registry["team/app"].manifests.clear()
    with pytest.raises(ImageNotFound, match=r"cannot list the tags of team/app \(404: team/app\)"):
        list(repository(registry).tags())


@pytest.mark.parametrize(
    "link",
    [
        '<{}/v2/team/app/tags/list?last=x>; rel="next"',
        "</v2/team/app/tags/list?last=x>; rel=next",
        "<list?last=x>;rel=NEXT",
        '</other>; rel="prev", </v2/team/app/tags/list?last=x>; title="x"; rel="next"',
    ],
)
def test_links_of_all_kinds_lead_on(registry: OciRegistry, link: str) -> None:
    headers = {"Link": link.format(registry.url)}
    registry.faults.append(Fault("GET", "", answering(200, headers, b'{"tags": ["a"]}')))
    assert list(repository(registry).tags()) == ["a"]
    assert registry.requests[-1].query == {"last": "x"}


@pytest.mark.parametrize("link", ["", "x", '</other>; rel="prev"', "<>; rel=nextish", "<" * 9000])
def test_what_is_no_link_to_a_next_page_ends_the_list(registry: OciRegistry, link: str) -> None:
    registry.faults.append(Fault("GET", "", answering(200, {"Link": link}, b'{"tags": ["a"]}')))
    assert list(repository(registry).tags()) == ["a"]
    assert len(registry.requests) == 1


@pytest.mark.parametrize("port", ["other", "169.254.169.254", "evil.test"])
def test_a_next_page_elsewhere_is_not_asked_for(registry: OciRegistry, port: str) -> None:
    registry.gate = basic_gate(ANN)
    with running(OciRegistry()) as other:
        url = other.url if port == "other" else f"http://{port}"
        link = {"Link": f'<{url}/v2/team/app/tags/list?n=1>; rel="next"'}
        registry.faults.append(Fault("GET", "/tags/", answering(200, link, b'{"tags": ["a"]}')))
        with pytest.raises(RegistryFailed, match="for a next page, and nothing is sent"):
            list(repository(registry, login=True).tags())
        assert_was_told_nothing(other)
        assert other.requests == []


def test_pages_in_a_circle_end(registry: OciRegistry) -> None:
    link = {"Link": '</v2/team/app/tags/list?last=x>; rel="next"'}
    registry.faults.append(Fault("GET", "", answering(200, link, b"{}"), times=None))
    with pytest.raises(RegistryFailed, match="without an end"):
        list(repository(registry).tags())
    assert len(registry.requests) <= 3


def test_pages_without_an_end_end(registry: OciRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repositories, "MAX_PAGES", 20)
    tagged(registry, 50)
    registry.content.manners = Manners(page=1)
    with pytest.raises(RegistryFailed, match="without an end"):
        list(repository(registry).tags())
    assert len(registry.requests) == 20


def test_referrers_are_listed_page_by_page(registry: OciRegistry) -> None:
    speakers = [make_referrer(IMAGE), make_image(layers=[], subject={**IMAGE.descriptor.fields})]
    for made in speakers:
        raw = made.contents[made.descriptor.digest]
        registry["team/app"].manifests[str(made.descriptor.digest)] = Manifest(
            made.descriptor.media_type, raw
        )
    registry.content.manners = Manners(page=1)
    found = repository(registry).referrers(DIGEST)
    assert found is not None
    assert {entry.digest for entry in found} == {made.descriptor.digest for made in speakers}


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_registry_without_the_interface_is_told_from_an_empty_list(
    registry: OciRegistry, status: int
) -> None:
    assert repository(registry).referrers(DIGEST) == []
    registry.faults.append(Fault("GET", "", answering(status)))
    assert repository(registry).referrers(DIGEST) is None


def test_referrers_without_an_end_end(
    registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repositories, "MAX_REFERRERS", 5)
    made = make_index(*(make_image(layers=[make_layer(str(number))]) for number in range(6)))
    raw = made.contents[made.descriptor.digest]
    headers = {"Content-Type": media_types.OCI_INDEX}
    registry.faults.append(Fault("GET", "", answering(200, headers, raw)))
    with pytest.raises(RegistryFailed, match="more than 5"):
        repository(registry).referrers(DIGEST)


@pytest.mark.parametrize("body", [b"<html>", b"{}", json.dumps({"manifests": 5}).encode()])
def test_what_is_no_list_of_referrers_is_refused(registry: OciRegistry, body: bytes) -> None:
    registry.faults.append(Fault("GET", "", answering(200, body=body)))
    with pytest.raises(InvalidDocument):
        repository(registry).referrers(DIGEST)


def test_a_manifest_may_be_elsewhere(registry: OciRegistry) -> None:
    registry.gate = basic_gate(ANN)
    with running(OciRegistry()) as other:
        fill(other, IMAGE)
        registry.faults.append(Fault("GET", "", redirecting(other.url), after=1))
        assert repository(registry, login=True).manifest("1") is not None
        assert_was_told_nothing(other)


def test_a_document_with_other_bytes_under_a_tag_is_what_it_hashes_to(
    registry: OciRegistry,
) -> None:
    raw = OTHER.contents[OTHER.descriptor.digest]
    registry.faults.append(Fault("GET", "", swapping(raw)))
    found = repository(registry).manifest("1")
    assert found is not None
    assert found.descriptor.digest == OTHER.descriptor.digest
