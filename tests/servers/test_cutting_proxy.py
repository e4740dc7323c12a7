"""Lines break where the test says, and as often."""

import random
import time
from collections.abc import Callable

import pytest
import urllib3

from ocilayout.spec.digest import Digest
from tests.servers.cutting_proxy import Cuts, Span, cutting
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.servers.tcp import connected

BLOB = random.Random(1).randbytes(1_000_000)
DIGEST = str(Digest.of(BLOB))
PATH = f"/v2/team/app/blobs/{DIGEST}"


def registry_with_blob() -> OciRegistry:
    registry = OciRegistry()
    registry["team/app"].blobs[DIGEST] = BLOB
    return registry


def bytes_that_come(host: str) -> int:
    """How many bytes the server sends of its whole answer, head and all."""
    with connected(host) as line:
        line.sendall(f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        count = 0
        while part := line.recv(1 << 16):
            count += len(part)
    return count


def test_downloads_are_cut_after_so_many_bytes_so_often() -> None:
    with (
        running(registry_with_blob()) as registry,
        cutting(registry.host, Cuts(down=(70_000, 80_000), times=2)) as proxy,
    ):
        counts = [bytes_that_come(proxy.host) for _ in range(3)]
    assert all(70_000 <= count <= 80_000 for count in counts[:2])
    assert counts[2] > len(BLOB)
    assert (proxy.cuts, proxy.connections) == (2, 3)


def test_cuts_are_the_same_in_each_run() -> None:
    def counts(seed: int) -> list[int]:
        cuts = Cuts(down=(1, 500_000), chance=0.7, seed=seed)
        with running(registry_with_blob()) as registry, cutting(registry.host, cuts) as proxy:
            return [bytes_that_come(proxy.host) for _ in range(5)]

    first = counts(1)
    assert len(set(first)) > 2
    assert first == counts(1) != counts(2)


def test_broken_upload_keeps_what_came() -> None:
    registry = OciRegistry()
    with (
        running(registry),
        cutting(registry.host, Cuts(up=(300_000, 600_000), times=1)) as proxy,
        urllib3.PoolManager(retries=False) as pool,
    ):
        start = pool.request("POST", f"{registry.url}/v2/team/app/blobs/uploads/")
        at = start.headers["Location"]
        with pytest.raises(urllib3.exceptions.ProtocolError):
            pool.request("PATCH", f"http://{proxy.host}{at}", body=BLOB)
        [upload] = registry.content.uploads.values()
        wait_until(lambda: [at.status for at in registry.seen("PATCH")] == [400])
        came = len(upload.received)
        assert 290_000 < came < 600_000
        assert upload.received == BLOB[:came]
        state = pool.request("GET", registry.url + at)
        assert state.headers["Range"] == f"0-{came - 1}"


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("span", [(1000, 1000), (0, 0)])
def test_connection_is_reset(span: Span) -> None:
    with (
        running(registry_with_blob()) as registry,
        cutting(registry.host, Cuts(down=span, way="reset")) as proxy,
        pytest.raises(ConnectionResetError),
    ):
        bytes_that_come(proxy.host)


def test_connection_stalls() -> None:
    with (
        running(registry_with_blob()) as registry,
        cutting(registry.host, Cuts(down=(1000, 1000), way="stall")) as proxy,
        pytest.raises(urllib3.exceptions.ReadTimeoutError),
    ):
        urllib3.request("GET", f"http://{proxy.host}{PATH}", timeout=0.2, retries=False)
