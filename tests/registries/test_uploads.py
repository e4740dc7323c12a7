import io
import random
from collections.abc import Iterator, Mapping

import pytest

from ocilayout.errors import AccessDenied, IntegrityError, RegistryFailed, TransferBroken
from ocilayout.registries.authorization import Scopes
from ocilayout.registries.http import Answer, Body
from ocilayout.registries.registry import Registry
from ocilayout.registries.repository import Repository
from ocilayout.registries.uploads import Upload
from ocilayout.spec.descriptor import Descriptor
from tests.registries.talking import ANN, access, assert_was_told_nothing, repository
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Fault, answering, failing_late, lying, relocating
from tests.servers.gates import basic_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import Recorded, running

pytestmark = pytest.mark.usefixtures("quick_retries")

CONTENT = random.Random(1).randbytes(300_000)
BLOB = Descriptor.of("application/octet-stream", CONTENT)
EMPTY = Descriptor.of("application/octet-stream", b"")
MOUNT = ("repository:team/app:pull,push", "repository:base:pull")


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def send(
    host: str, blob: Descriptor = BLOB, content: bytes = CONTENT, chunk: int | None = None
) -> int:
    """Send a blob, however often that breaks; how often it did."""
    known = access(host, chunk_size=chunk)
    upload = Repository(Registry(host, known), "team/app", writes=True).upload()
    return finish(upload, blob, content)


def finish(upload: Upload, blob: Descriptor = BLOB, content: bytes = CONTENT) -> int:
    for broken in range(1000):
        try:
            upload.send(blob, io.BytesIO(content))
        except TransferBroken:
            continue
        return broken
    raise AssertionError("it never ends")


def arrived(registry: OciRegistry, content: bytes = CONTENT) -> bool:
    return content in registry["team/app"].blobs.values() and not registry.content.uploads


def methods(registry: OciRegistry) -> list[str]:
    return [request.method for request in registry.requests]


def test_a_blob_goes_in_one_request(registry: OciRegistry) -> None:
    assert send(registry.host) == 0
    assert arrived(registry)
    assert methods(registry) == ["POST", "PUT"]


@pytest.mark.parametrize("chunk", [None, 10])
def test_an_empty_blob_arrives(registry: OciRegistry, chunk: int | None) -> None:
    send(registry.host, EMPTY, b"", chunk)
    assert arrived(registry, b"")


@pytest.mark.parametrize(
    ("chunk", "count"), [(100_000, 3), (299_999, 2), (300_000, 1), (1 << 30, 1)]
)
def test_a_blob_goes_in_chunks(registry: OciRegistry, chunk: int, count: int) -> None:
    send(registry.host, chunk=chunk)
    assert arrived(registry)
    assert methods(registry) == ["POST", *["PATCH"] * count, "PUT"]


def test_chunks_are_as_long_as_the_registry_wants(registry: OciRegistry) -> None:
    registry.content.manners = Manners(min_chunk=100_000)
    send(registry.host, chunk=10_000)
    assert arrived(registry)
    assert len(registry.seen("PATCH")) == 3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["close", "reset"])
@pytest.mark.parametrize("chunk", [None, 64 * 1024])
def test_a_line_that_breaks_is_taken_up_where_the_registry_stands(
    registry: OciRegistry, way: str, seed: int, chunk: int | None
) -> None:
    cuts = Cuts(up=(1, 120_000), way=way, seed=seed, times=8)  # type: ignore[arg-type]
    with cutting(registry.host, cuts) as proxy:
        send(proxy.host, chunk=chunk)
        assert proxy.cuts > 0
    assert CONTENT in registry["team/app"].blobs.values()


def test_chunks_that_arrived_are_not_sent_again(registry: OciRegistry) -> None:
    registry.faults.append(Fault("PATCH", "", answering(503), times=1, after=2))
    assert send(registry.host, chunk=50_000) == 1
    assert arrived(registry)
    sent = sum(request.body_length for request in registry.seen("PATCH"))
    assert sent == len(CONTENT)


def test_a_chunk_whose_answer_is_lost_is_not_sent_again(registry: OciRegistry) -> None:
    registry.faults.append(Fault("PATCH", "", failing_late(502), times=2, after=1))
    assert send(registry.host, chunk=50_000) == 2
    assert arrived(registry)
    assert sum(request.body_length for request in registry.seen("PATCH")) == len(CONTENT)


def test_a_range_that_lags_behind_an_answer_of_success_is_not_believed(
    registry: OciRegistry,
) -> None:
    registry.faults.append(Fault("PATCH", "", lying({"Range": "0-9"}), times=None))
    assert send(registry.host, chunk=100_000) == 0
    assert arrived(registry)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_storms_are_survived(registry: OciRegistry, status: int) -> None:
    headers = {"Retry-After": "1000000000"}
    fault = answering(status, headers)
    registry.faults.append(Fault("*", "", fault, times=40, chance=0.6))
    send(registry.host, chunk=60_000)
    assert CONTENT in registry["team/app"].blobs.values()


def test_an_upload_that_is_forgotten_begins_anew(registry: OciRegistry) -> None:
    def forget(request: object, answer: object) -> object:
        registry.content.uploads.clear()
        return answer(request)  # type: ignore[operator]

    registry.faults.append(Fault("PATCH", "", forget, after=2))  # type: ignore[arg-type]
    assert send(registry.host, chunk=50_000) == 1
    assert arrived(registry)
    assert len(registry.seen("POST")) == 2


def test_a_storm_without_an_end_is_told_with_what_may_help(registry: OciRegistry) -> None:
    registry.faults.append(Fault("PUT", "", answering(503), times=None))
    with pytest.raises(RegistryFailed, match=r"\(503\), again and again: .* --chunk-size"):
        send(registry.host)


def test_other_bytes_than_those_of_the_digest_are_refused(registry: OciRegistry) -> None:
    with pytest.raises(RegistryFailed, match=f"take the blob {BLOB.digest} .400: .*not what came"):
        send(registry.host, content=CONTENT[::-1])
    assert registry["team/app"].blobs == {}


def test_content_that_ends_early_is_no_blob(registry: OciRegistry) -> None:
    for chunk in (None, 200_000):
        with pytest.raises(IntegrityError, match="1 bytes too early"):
            send(registry.host, content=CONTENT[:-1], chunk=chunk)
    assert registry["team/app"].blobs == {}


@pytest.mark.parametrize("error", [OSError("the disk is gone"), BrokenPipeError(), ValueError()])
def test_content_that_cannot_be_read_is_no_broken_line(
    registry: OciRegistry, error: Exception
) -> None:
    class Broken(io.BytesIO):
        def readinto(self, buffer: object) -> int:
            raise error

    with pytest.raises(type(error)) as caught:
        repository(registry, writes=True).upload().send(BLOB, Broken())
    assert caught.value is error
    assert registry.content.uploads == {}


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_registries_may_say_in_many_ways_that_they_took_a_chunk(
    registry: OciRegistry, status: int
) -> None:
    def say(request: object, answer: object) -> object:
        response = answer(request)  # type: ignore[operator]
        response.status_code = status
        return response

    registry.faults.append(Fault("PATCH", "", say, times=None))  # type: ignore[arg-type]
    assert send(registry.host, chunk=100_000) == 0
    assert arrived(registry)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_the_place_of_an_upload_may_be_absolute(registry: OciRegistry, method: str) -> None:
    registry.faults.append(Fault(method, "", relocating(registry.url), times=None))
    send(registry.host, chunk=100_000)
    assert arrived(registry)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize("where", ["other", "localhost", "https"])
def test_the_place_of_an_upload_may_not_be_elsewhere(
    registry: OciRegistry, method: str, where: str
) -> None:
    registry.gate = basic_gate(ANN)
    with running(OciRegistry()) as other:
        port = registry.host.rpartition(":")[2]
        bases = {"other": other.url, "localhost": f"http://localhost:{port}"}
        base = bases.get(where, f"https://{registry.host}")
        registry.faults.append(Fault(method, "", relocating(base), after=1, times=None))
        with pytest.raises(RegistryFailed, match="for an upload, and nothing is sent to another"):
            send(registry.host, chunk=100_000)
        assert other.requests == []
        assert_was_told_nothing(other)
    assert registry["team/app"].blobs == {}
    assert [at for at in registry.requests if _is_elsewhere(at, registry)] == []


def _is_elsewhere(request: Recorded, registry: OciRegistry) -> bool:
    return request.headers["Host"] != registry.host


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "data:,x", "//", "http://ann:secret@127.0.0.1/"]
)
def test_the_place_of_an_upload_has_to_be_one(registry: OciRegistry, location: str) -> None:
    registry.faults.append(Fault("POST", "", answering(202, {"Location": location})))
    with pytest.raises(RegistryFailed):
        send(registry.host)


def test_an_upload_without_a_place_is_told(registry: OciRegistry) -> None:
    registry.faults.append(Fault("POST", "", answering(202)))
    with pytest.raises(RegistryFailed, match="begins an upload, but does not say where"):
        send(registry.host)


def test_the_query_of_a_place_is_kept_as_it_is(registry: OciRegistry) -> None:
    send(registry.host)
    (put,) = registry.seen("PUT")
    assert put.query == {"_state": "0", "digest": str(BLOB.digest)}


def test_a_mount_takes_the_blob_without_sending_it(registry: OciRegistry) -> None:
    registry["base"].blobs[str(BLOB.digest)] = CONTENT
    upload = repository(registry, writes=True).upload()
    assert upload.mount(BLOB.digest, "base", MOUNT)
    assert arrived(registry)
    assert methods(registry) == ["POST"]


def test_the_upload_that_comes_in_place_of_a_mount_is_used(registry: OciRegistry) -> None:
    registry.content.manners = Manners(mounts=False)
    upload = repository(registry, writes=True).upload()
    assert not upload.mount(BLOB.digest, "base", MOUNT)
    assert finish(upload) == 0
    assert arrived(registry)
    assert methods(registry) == ["POST", "PUT"]


def test_of_several_mounts_no_upload_is_left_open(registry: OciRegistry) -> None:
    upload = repository(registry, writes=True).upload()
    for path in ("base", "other"):
        assert not upload.mount(BLOB.digest, path, MOUNT)
    finish(upload)
    assert arrived(registry)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_mount_that_is_refused_is_no_failure(registry: OciRegistry, status: int) -> None:
    headers = {"WWW-Authenticate": 'Basic realm="x"'} if status == 401 else {}
    registry.faults.append(Fault("POST", "mount=", answering(status, headers), times=None))
    upload = repository(registry, login=True, writes=True).upload()
    assert not upload.mount(BLOB.digest, "base", MOUNT)
    finish(upload)
    assert arrived(registry)


def test_a_login_that_may_not_write_is_told(registry: OciRegistry) -> None:
    body = '{"errors": [{"code": "DENIED", "message": "read only"}]}'
    registry.faults.append(Fault("POST", "", answering(403, body=body), times=None))
    with pytest.raises(AccessDenied, match=r"begin an upload to .* \(403: read only\): that may"):
        send(registry.host)


def test_what_is_sent_at_a_time_passes_a_slow_line_in_time() -> None:
    """Each part has CONNECT_TIMEOUT, in which a megabyte may be too much."""
    sizes: list[int] = []

    class Recording(Registry):
        def send(
            self, method: str, target: str, scopes: Scopes, headers: Mapping[str, str], body: Body
        ) -> Answer:
            parts = [bytes(part) for part in body if not isinstance(part, int)]
            sizes.extend(map(len, parts))
            return super().send(method, target, scopes, headers, parts)

    with running(OciRegistry()) as registry:
        client = Recording(registry.host, access())
        Repository(client, "team/app", writes=True).upload().send(BLOB, io.BytesIO(CONTENT))
        assert arrived(registry)
    assert sum(sizes) == len(CONTENT)
    assert max(sizes) == 64 * 1024
