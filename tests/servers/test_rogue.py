"""Rogues do what they are for, and nothing else."""

import pytest
import urllib3

from ocilayout.spec.digest import Digest
from tests.servers import rogue as rogues
from tests.servers.oci_registry import OciRegistry
from tests.servers.rogue import ESCAPES, no_handshake, rogue
from tests.servers.site import running
from tests.servers.tcp import connected, read_head

BLOB = b"0123456789" * 10
PATH = f"/v2/team/app/blobs/{Digest.of(BLOB)}"


def got(host: str, path: str = PATH) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", f"http://{host}{path}", timeout=5, retries=False)


def test_rogue_strikes_so_often_and_passes_on_the_rest() -> None:
    with (
        running(OciRegistry()) as registry,
        rogue(registry.host, rb"GET /v2/.*/blobs/", rogues.short_body, times=1) as host,
    ):
        registry["team/app"].blobs[str(Digest.of(BLOB))] = BLOB
        assert got(host, "/v2/").status == 200
        with pytest.raises(urllib3.exceptions.ProtocolError, match="10 bytes read, 90 more"):
            got(host)
        assert got(host).data == BLOB


@pytest.mark.parametrize("misdeed", [rogues.many_headers, rogues.long_header])
def test_headers_are_too_much(misdeed: rogues.Misdeed) -> None:
    with (
        rogue("127.0.0.1:1", b"GET ", misdeed) as host,
        pytest.raises(urllib3.exceptions.ProtocolError, match=r"got more than|Connection"),
    ):
        got(host)


def test_error_is_loud() -> None:
    with rogue("127.0.0.1:1", b"GET ", rogues.loud_error) as host:
        error = got(host).json()["errors"][0]
    assert len(error["message"]) > 9_000_000
    assert ESCAPES in error["code"]


def test_body_has_no_end() -> None:
    with rogue("127.0.0.1:1", b"GET ", rogues.endless_body) as host, connected(host) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"Content-Length" not in read_head(line)
        assert all(line.recv(1 << 20) for _ in range(100))


def test_body_comes_byte_by_byte() -> None:
    with rogue("127.0.0.1:1", b"GET ", rogues.slow_body(0.01)) as host, connected(host) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        read_head(line)
        assert 0 < len(line.recv(1 << 16)) < 10
        assert 0 < len(line.recv(1 << 16)) < 10


def test_no_answer_comes() -> None:
    with rogue("127.0.0.1:1", b"GET ", rogues.silence) as host, connected(host) as line:
        line.sendall(b"GET / HTTP/1.1\r\n\r\n")
        line.settimeout(0.1)
        with pytest.raises(TimeoutError):
            line.recv(1)


def test_handshake_fails() -> None:
    with no_handshake() as host, pytest.raises((urllib3.exceptions.ProtocolError, OSError)):
        urllib3.request("GET", f"https://{host}/v2/", retries=False)
