"""What goes wrong on purpose does so, to these requests, this often."""

import hashlib
import time

import urllib3

from ocilayout.spec.digest import Digest
from tests.servers.faults import (
    Fault,
    answering,
    deaf_to,
    failing_late,
    late,
    lying,
    redirecting,
    relocating,
    swapping,
)
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

BLOB = b"0123456789"
PATH = f"/v2/team/app/blobs/{Digest.of(BLOB)}"


def registry_with(*faults: Fault) -> OciRegistry:
    registry = OciRegistry()
    registry["team/app"].blobs[str(Digest.of(BLOB))] = BLOB
    registry.faults += faults
    return registry


def get(url: str, **headers: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", url, headers=headers, retries=False)


def test_fault_strikes_as_often_as_it_says() -> None:
    storm = Fault("GET", "/blobs/", answering(503, {"Retry-After": "1"}), times=2, after=1)
    with running(registry_with(storm)) as registry:
        answers = [get(registry.url + PATH) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["Retry-After"] == "1"
    assert [request.status for request in registry.requests] == [200, 503, 503, 200]


def test_chances_are_the_same_in_each_run() -> None:
    def statuses() -> list[int]:
        storm = Fault("*", "/v2/$", answering(429), times=None, chance=0.5)
        with running(registry_with(storm)) as registry:
            return [get(f"{registry.url}/v2/").status for _ in range(12)]

    seen = statuses()
    assert set(seen) == {200, 429}
    assert statuses() == seen


def test_redirect_leads_to_the_same_path_elsewhere() -> None:
    with running(registry_with()) as there:
        away = Fault("GET", "/blobs/", redirecting(there.url))
        with running(registry_with(away)) as here:
            assert urllib3.request("GET", f"{here.url}{PATH}?a=b").data == BLOB
    assert there.requests[0].query == {"a": "b"}


def test_location_is_at_another_host() -> None:
    away = Fault("POST", "/uploads/", relocating("http://other.test"))
    with running(registry_with(away)) as registry:
        at = f"{registry.url}/v2/team/app/blobs/uploads/"
        location = urllib3.request("POST", at, retries=False).headers["Location"]
    assert location.startswith("http://other.test/v2/team/app/blobs/uploads/")


def test_headers_lie() -> None:
    lie = Fault("GET", "/blobs/", lying({"Docker-Content-Digest": "sha256:0"}))
    with running(registry_with(lie)) as registry:
        answer = get(registry.url + PATH)
    assert (answer.headers["Docker-Content-Digest"], answer.data) == ("sha256:0", BLOB)


def test_body_is_another() -> None:
    with running(registry_with(Fault("GET", "/blobs/", swapping(b"other")))) as registry:
        answer = get(registry.url + PATH)
    assert answer.data == b"other"
    assert answer.headers["Docker-Content-Digest"] == f"sha256:{hashlib.sha256(BLOB).hexdigest()}"


def test_range_is_not_heard() -> None:
    with running(registry_with(Fault("GET", "/blobs/", deaf_to("Range")))) as registry:
        answers = [get(registry.url + PATH, Range="bytes=4-") for _ in range(2)]
    assert [(answer.status, answer.data) for answer in answers] == [(200, BLOB), (206, BLOB[4:])]
    assert registry.requests[0].headers["Range"] == "bytes=4-"


def test_answer_is_lost_after_the_deed() -> None:
    with running(registry_with(Fault("DELETE", "/blobs/", failing_late(502)))) as registry:
        assert urllib3.request("DELETE", registry.url + PATH, retries=False).status == 502
    assert registry["team/app"].blobs == {}


def test_answer_is_late() -> None:
    with running(registry_with(Fault("GET", "/blobs/", late(0.2)))) as registry:
        start = time.monotonic()
        assert get(registry.url + PATH).data == BLOB
    assert time.monotonic() - start >= 0.2
