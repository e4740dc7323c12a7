import random
import socket
from collections.abc import Iterator

import pytest

from ocilayout.errors import BlobNotFound, RegistryFailed
from ocilayout.registries import downloads
from ocilayout.registries.registry import Registry
from ocilayout.registries.repository import Repository
from ocilayout.spec.descriptor import Descriptor
from tests.registries.talking import access, repository
from tests.servers import rogue as rogues
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Fault, answering, deaf_to, lying
from tests.servers.oci_registry import OciRegistry
from tests.servers.rogue import rogue
from tests.servers.site import running

pytestmark = pytest.mark.usefixtures("quick_retries")

CONTENT = random.Random(0).randbytes(300_000)
BLOB = Descriptor.of("application/octet-stream", CONTENT)


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        registry["team/app"].blobs[str(BLOB.digest)] = CONTENT
        yield registry


def read(host: str) -> bytes:
    known = Repository(Registry(host, access()), "team/app")
    with known.open_blob(BLOB) as content:
        return content.read()


def short_then_gone(client: socket.socket) -> None:
    """Half of the blob, and the end."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
    client.sendall(head.encode() + CONTENT[:150_000])


def test_a_blob_is_asked_for_once_it_is_read(registry: OciRegistry) -> None:
    with repository(registry).open_blob(BLOB) as content:
        assert registry.requests == []
        assert content.read(10) == CONTENT[:10]
        assert content.read() == CONTENT[10:]
    assert len(registry.requests) == 1


@pytest.mark.parametrize("way", ["close", "reset"])
@pytest.mark.parametrize("seed", range(4))
def test_a_line_that_breaks_is_taken_up_where_it_broke(
    registry: OciRegistry, way: str, seed: int
) -> None:
    cuts = Cuts(down=(1, 100_000), way=way, seed=seed, times=12)  # type: ignore[arg-type]
    with cutting(registry.host, cuts) as proxy:
        assert read(proxy.host) == CONTENT
    ranges = [at.headers["Range"] for at in registry.requests if "Range" in at.headers]
    assert ranges == sorted(ranges, key=lambda text: int(text[6:-1]))
    assert proxy.cuts > 0


def test_a_line_that_stalls_is_left(registry: OciRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocilayout.registries.http.READ_TIMEOUT", 0.2)
    with cutting(registry.host, Cuts(down=(1000, 50_000), way="stall", times=2)) as proxy:
        assert read(proxy.host) == CONTENT
        assert proxy.cuts == 2


def test_a_short_body_is_gone_on_with(registry: OciRegistry) -> None:
    with rogue(registry.host, b"GET ", short_then_gone, times=1) as host:
        assert read(host) == CONTENT
    assert registry.requests[0].headers["Range"] == "bytes=150000-"


def test_a_body_that_is_always_short_is_refused(registry: OciRegistry) -> None:
    with (
        rogue(registry.host, b"GET ", short_then_gone) as host,
        rogue(host, b"(?s).*\r\nRange: ", lambda client: None) as outer,
        pytest.raises(RegistryFailed, match="at byte 150000 of 300000"),
    ):
        read(outer)


def test_a_server_that_knows_no_ranges_is_read_over(registry: OciRegistry) -> None:
    registry.faults.append(Fault("GET", "", deaf_to("Range"), times=None))
    with rogue(registry.host, b"GET ", short_then_gone, times=2) as host:
        assert read(host) == CONTENT
    assert registry.requests[-1].headers["Range"] == "bytes=150000-"


@pytest.mark.parametrize(
    "stated", ["bytes 0-299999/300000", "bytes 149999-299999/300000", "bytes 1500000-", "", "x"]
)
def test_a_range_that_was_not_asked_for_is_refused(registry: OciRegistry, stated: str) -> None:
    registry.faults.append(Fault("GET", "", lying({"Content-Range": stated}), times=None))
    with (
        rogue(registry.host, b"GET ", short_then_gone, times=1) as host,
        pytest.raises(RegistryFailed, match="does not go on at byte 150000"),
    ):
        read(host)


@pytest.mark.parametrize("status", [503, 429])
def test_storms_on_the_way_are_survived(registry: OciRegistry, status: int) -> None:
    registry.faults.append(Fault("GET", "", answering(status), times=40, chance=0.6))
    with cutting(registry.host, Cuts(down=(20_000, 60_000), times=6)) as proxy:
        assert read(proxy.host) == CONTENT
        assert proxy.cuts == 6


def test_more_than_was_promised_is_not_read(registry: OciRegistry) -> None:
    registry["team/app"].blobs[str(BLOB.digest)] = CONTENT + b"more"
    assert read(registry.host) == CONTENT


def test_who_drips_is_left(registry: OciRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "READ_TIMEOUT", 0.1)
    with rogue(registry.host, b"GET ", rogues.slow_body(0.01), times=1) as host:
        read(host)
    assert "Range" in registry.requests[0].headers


def test_a_blob_that_is_not_there_is_told(registry: OciRegistry) -> None:
    registry["team/app"].blobs.clear()
    with (
        repository(registry).open_blob(BLOB) as content,
        pytest.raises(BlobNotFound, match=str(BLOB.digest)),
    ):
        content.read()


def test_a_blob_that_vanishes_on_the_way_is_told(registry: OciRegistry) -> None:
    registry["team/app"].blobs.clear()
    with (
        rogue(registry.host, b"GET ", short_then_gone, times=1) as host,
        pytest.raises(BlobNotFound, match=str(BLOB.digest)),
    ):
        read(host)
