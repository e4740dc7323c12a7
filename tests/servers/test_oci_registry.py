"""The tests' own registry keeps to the specification, where clients are judged by it."""

import hashlib
from collections.abc import Iterator

import pytest
import urllib3

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.images import Made, encode, make_blob, make_config, make_image, make_manifest
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import running

BLOB = b"0123456789"
DIGEST = str(Digest.of(BLOB))
UPLOADS = "/v2/team/app/blobs/uploads/"


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def ask(
    registry: OciRegistry, method: str, path: str, body: bytes | None = None, **headers: str
) -> urllib3.BaseHTTPResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.request(method, registry.url + path, body=body, headers=named, retries=False)


def put_image(registry: OciRegistry, made: Made, reference: str) -> None:
    top = made.descriptor
    for digest, raw in made.contents.items():
        if digest != top.digest:
            registry["team/app"].blobs[str(digest)] = raw
    raw = made.contents[top.digest]
    path = f"/v2/team/app/manifests/{reference}"
    assert ask(registry, "PUT", path, raw, Content_Type=top.media_type).status == 201


def code(response: urllib3.BaseHTTPResponse) -> str:
    return str(response.json()["errors"][0]["code"])


def test_chunks_make_a_blob(registry: OciRegistry) -> None:
    at = ask(registry, "POST", UPLOADS).headers["Location"]
    for start in (0, 4):
        part = BLOB[start : start + 4]
        answer = ask(registry, "PATCH", at, part, Content_Range=f"{start}-{start + 3}")
        assert (answer.status, answer.headers["Range"]) == (202, f"0-{start + 3}")
        at = answer.headers["Location"]
    assert ask(registry, "PUT", f"{at}&digest={DIGEST}", BLOB[8:]).status == 201
    assert registry["team/app"].blobs == {DIGEST: BLOB}


def test_chunk_out_of_order_is_refused_with_what_is_here(registry: OciRegistry) -> None:
    at = ask(registry, "POST", UPLOADS).headers["Location"]
    at = ask(registry, "PATCH", at, BLOB[:4], Content_Range="0-3").headers["Location"]
    answer = ask(registry, "PATCH", at, BLOB[6:], Content_Range="6-9")
    assert (answer.status, answer.headers["Range"]) == (416, "0-3")
    state = ask(registry, "GET", at)
    assert (state.status, state.headers["Range"]) == (204, "0-3")


def test_short_chunk_in_the_middle_is_refused_where_a_least_length_is_stated() -> None:
    with running(OciRegistry(Manners(min_chunk=4))) as registry:
        started = ask(registry, "POST", UPLOADS)
        assert started.headers["OCI-Chunk-Min-Length"] == "4"
        at = ask(registry, "PATCH", started.headers["Location"], BLOB[:2]).headers["Location"]
        assert ask(registry, "PATCH", at, BLOB[2:]).status == 400


def test_upload_needs_its_whole_address(registry: OciRegistry) -> None:
    at = ask(registry, "POST", UPLOADS).headers["Location"].partition("?")[0]
    assert code(ask(registry, "PUT", f"{at}?digest={DIGEST}", BLOB)) == "BLOB_UPLOAD_INVALID"


def test_wrong_digest_is_refused(registry: OciRegistry) -> None:
    answer = ask(registry, "POST", f"{UPLOADS}?digest={DIGEST}", b"other")
    assert (answer.status, code(answer)) == (400, "DIGEST_INVALID")
    assert registry["team/app"].blobs == {}


def test_blob_comes_with_the_post_in_any_algorithm(registry: OciRegistry) -> None:
    digest = f"sha512:{hashlib.sha512(BLOB).hexdigest()}"
    assert ask(registry, "POST", f"{UPLOADS}?digest={digest}", BLOB).status == 201
    assert ask(registry, "GET", f"/v2/team/app/blobs/{digest}").data == BLOB
    assert registry.seen("POST")[0].body_length == len(BLOB)


@pytest.mark.parametrize(("manners", "status"), [(Manners(), 201), (Manners(mounts=False), 202)])
def test_blob_is_mounted_or_not(manners: Manners, status: int) -> None:
    with running(OciRegistry(manners)) as registry:
        registry["base"].blobs[DIGEST] = BLOB
        assert ask(registry, "POST", f"{UPLOADS}?mount={DIGEST}&from=base").status == status
        assert (DIGEST in registry["team/app"].blobs) == (status == 201)


def test_ranges_of_blobs(registry: OciRegistry) -> None:
    registry["team/app"].blobs[DIGEST] = BLOB
    path = f"/v2/team/app/blobs/{DIGEST}"
    answer = ask(registry, "GET", path, Range="bytes=4-")
    assert (answer.status, answer.data) == (206, BLOB[4:])
    assert answer.headers["Content-Range"] == "bytes 4-9/10"
    assert ask(registry, "GET", path, Range="bytes=10-").status == 416
    head = ask(registry, "HEAD", path)
    assert (head.headers["Content-Length"], head.data) == ("10", b"")


def test_manifest_needs_its_blobs(registry: OciRegistry) -> None:
    top = make_image().descriptor
    raw = make_image().contents[top.digest]
    answer = ask(registry, "PUT", "/v2/team/app/manifests/1", raw, Content_Type=top.media_type)
    assert code(answer) == "MANIFEST_BLOB_UNKNOWN"


def test_manifest_comes_back_to_those_who_accept_it(registry: OciRegistry) -> None:
    made = make_image()
    put_image(registry, made, "1.0")
    top = made.descriptor
    for reference in ("1.0", top.digest):
        path = f"/v2/team/app/manifests/{reference}"
        answer = ask(registry, "GET", path, Accept=f"text/plain, {top.media_type}")
        assert answer.data == made.contents[top.digest]
        assert answer.headers["Docker-Content-Digest"] == str(top.digest)
        assert ask(registry, "GET", path, Accept=media_types.DOCKER_MANIFEST).status == 404


def test_removed_manifest_takes_its_tags_along(registry: OciRegistry) -> None:
    made = make_image()
    put_image(registry, made, "1.0")
    path = f"/v2/team/app/manifests/{made.descriptor.digest}"
    assert ask(registry, "DELETE", path).status == 202
    assert registry["team/app"].tags == {}


@pytest.mark.parametrize("status", [400, 415])
def test_old_registry_knows_no_oci_types(status: int) -> None:
    with running(OciRegistry(Manners(refuses_oci=status))) as registry:
        path, kind = "/v2/team/app/manifests/1", media_types.OCI_MANIFEST
        answer = ask(registry, "PUT", path, b"{}", Content_Type=kind)
        assert (answer.status, code(answer)) == (status, "MANIFEST_INVALID")


def test_tags_come_page_by_page() -> None:
    with running(OciRegistry(Manners(page=2))) as registry:
        registry["team/app"].tags = dict.fromkeys("abc", DIGEST)
        first = ask(registry, "GET", "/v2/team/app/tags/list?n=100")
        assert first.json() == {"name": "team/app", "tags": ["a", "b"]}
        assert first.headers["Link"] == '</v2/team/app/tags/list?n=100&last=b>; rel="next"'
        second = ask(registry, "GET", "/v2/team/app/tags/list?n=100&last=b")
        assert (second.json()["tags"], second.headers.get("Link")) == (["c"], None)


def test_repository_that_nobody_pushed_to_is_unknown(registry: OciRegistry) -> None:
    assert ask(registry, "HEAD", f"/v2/team/app/blobs/{DIGEST}").status == 404
    assert code(ask(registry, "GET", "/v2/team/app/tags/list")) == "NAME_UNKNOWN"


def referrer(subject: Made, kind: str) -> Made:
    config = make_blob(media_types.OCI_EMPTY, b"{}")
    stated = dict(subject.descriptor.edited(platform=None).fields)
    return make_manifest(config, subject=stated, artifactType=kind, annotations={"a": kind})


def test_referrers_by_artifact_type() -> None:
    image = make_image()
    of_image = f"/v2/team/app/referrers/{image.descriptor.digest}"
    with running(OciRegistry(Manners(page=1))) as registry:
        for kind in ("test/sbom", "test/signature"):
            made = referrer(image, kind)
            put_image(registry, made, str(made.descriptor.digest))
        assert registry.requests[0].status == 201
        pages = ask(registry, "GET", of_image)
        assert (len(pages.json()["manifests"]), "Link" in pages.headers) == (1, True)
        only = ask(registry, "GET", f"{of_image}?artifactType=test/sbom")
        [entry] = only.json()["manifests"]
        assert (entry["artifactType"], entry["annotations"]) == ("test/sbom", {"a": "test/sbom"})
        assert only.headers["OCI-Filters-Applied"] == "artifactType"


@pytest.mark.parametrize("offered", [True, False])
def test_subject_is_told_where_referrers_are_offered(offered: bool) -> None:
    image = make_image()
    made = referrer(image, "test/sbom")
    with running(OciRegistry(Manners(referrers_api=offered))) as registry:
        registry["team/app"].blobs[str(Digest.of(b"{}"))] = b"{}"
        raw, kind = made.contents[made.descriptor.digest], made.descriptor.media_type
        answer = ask(registry, "PUT", "/v2/team/app/manifests/1", raw, Content_Type=kind)
        digest = str(image.descriptor.digest)
        assert answer.headers.get("OCI-Subject") == (digest if offered else None)
        status = ask(registry, "GET", f"/v2/team/app/referrers/{digest}").status
        assert status == (200 if offered else 404)


def test_index_needs_its_images(registry: OciRegistry) -> None:
    entry = dict(make_image().descriptor.fields)
    raw = encode({"schemaVersion": 2, "manifests": [entry]})
    kind = media_types.OCI_INDEX
    answer = ask(registry, "PUT", "/v2/team/app/manifests/1", raw, Content_Type=kind)
    assert code(answer) == "MANIFEST_BLOB_UNKNOWN"


def test_names_are_checked(registry: OciRegistry) -> None:
    assert code(ask(registry, "GET", f"/v2/Team/blobs/{DIGEST}")) == "NAME_INVALID"


def test_what_is_no_manifest_is_refused(registry: OciRegistry) -> None:
    raw = make_config("linux/amd64", [])
    assert code(ask(registry, "PUT", "/v2/team/app/manifests/1", raw)) == "MANIFEST_INVALID"
