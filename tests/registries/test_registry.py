"""No secret leaves its origin, whatever a registry answers: two sites on two ports, and their
records."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout import stopping
from ocilayout.errors import AccessDenied, NotEncrypted, RegistryFailed, Unanswered
from ocilayout.registries.http import Answer, Http
from ocilayout.registries.registry import MAX_REDIRECTS, Registry
from ocilayout.spec.documents import Manifest
from ocilayout.stopping import Abandoned
from tests.images import make_image
from tests.registries.talking import (
    ANN,
    access,
    assert_was_told_nothing,
    fill,
    repository,
)
from tests.servers import rogue as rogues
from tests.servers.certificates import Authority
from tests.servers.faults import Fault, answering, lying, redirecting
from tests.servers.gates import basic_gate, open_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.rogue import no_handshake, rogue
from tests.servers.site import running
from tests.servers.tcp import listening

pytestmark = pytest.mark.usefixtures("quick_retries")

IMAGE = make_image()
BLOB = f"/v2/team/app/blobs/{next(iter(IMAGE.contents))}"
REDIRECTS = [301, 302, 303, 307, 308]
SCOPES = ("repository:team/app:pull",)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def home() -> Iterator[OciRegistry]:
    with running(OciRegistry(gate=basic_gate(ANN))) as home:
        home.faults.append(Fault("*", "/cookie/", lying({"Set-Cookie": "session=1"})))
        fill(home, IMAGE)
        yield home


@pytest.fixture
def other() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as other:
        fill(other, IMAGE)
        yield other


def registry_of(home: OciRegistry, **stated: object) -> Registry:
    return Registry(home.host, access(home.host, **stated))


def logged_in(registry: Registry) -> Registry:
    """The registry, once it knows which login is wanted."""
    registry.ask("GET", "/v2/", SCOPES).close()
    return registry


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_download_follows_to_another_port_without_the_login(
    home: OciRegistry, other: OciRegistry, method: str, status: int
) -> None:
    home.faults.append(Fault(method, "/blobs/", redirecting(other.url, status)))
    path = BLOB
    answer = logged_in(registry_of(home)).ask(method, path, SCOPES)
    assert answer.status == 200
    assert other.seen(method)
    assert_was_told_nothing(other)
    answer.close()


@pytest.mark.parametrize("status", REDIRECTS)
def test_another_name_of_the_same_port_is_another_origin(home: OciRegistry, status: int) -> None:
    elsewhere = home.url.replace("127.0.0.1", "localhost")
    registry = logged_in(registry_of(home))
    home.gate = open_gate
    home.faults.append(Fault("GET", "/blobs/", redirecting(elsewhere, status)))
    registry.ask("GET", BLOB, SCOPES).close()
    assert home.requests[-1].headers["Host"].startswith("localhost")
    assert "Authorization" not in home.requests[-1].headers


def test_the_login_is_there_again_where_a_redirect_leads_home(
    home: OciRegistry, other: OciRegistry
) -> None:
    home.faults.append(Fault("GET", "/blobs/", redirecting(other.url)))
    other.faults.append(Fault("GET", "/blobs/", redirecting(home.url)))
    answer = logged_in(registry_of(home)).ask("GET", BLOB, SCOPES)
    assert answer.status == 200
    assert "Authorization" in home.requests[-1].headers
    assert_was_told_nothing(other)
    answer.close()


def test_a_server_elsewhere_that_wants_a_login_gets_none(
    home: OciRegistry, other: OciRegistry
) -> None:
    other.gate = basic_gate(ANN)
    home.faults.append(Fault("GET", "/blobs/", redirecting(other.url)))
    answer = logged_in(registry_of(home)).ask("GET", BLOB, SCOPES)
    assert answer.status == 401
    assert_was_told_nothing(other)
    answer.close()


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_is_sent_to_another_origin(
    home: OciRegistry, other: OciRegistry, method: str, status: int
) -> None:
    home.faults.append(Fault(method, "", redirecting(other.url, status)))
    with pytest.raises(RegistryFailed, match="nothing is sent to another server"):
        logged_in(registry_of(home)).ask(method, "/v2/team/app/x", SCOPES, body=b"content")
    assert other.requests == []


@pytest.mark.parametrize("status", REDIRECTS)
def test_an_upload_is_not_redirected(home: OciRegistry, other: OciRegistry, status: int) -> None:
    home.faults.append(Fault("PUT", "", redirecting(other.url, status)))
    answer = logged_in(registry_of(home)).send("PUT", "/v2/team/app/x", SCOPES, {}, b"content")
    assert answer.status == status
    assert other.requests == []
    answer.close()


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/v2/", "https://evil.test/", "file:///x"])
def test_no_request_with_a_login_is_for_another_origin(home: OciRegistry, target: str) -> None:
    registry = registry_of(home)
    with pytest.raises(RegistryFailed):
        registry.ask("GET", target, SCOPES)
    with pytest.raises(RegistryFailed):
        registry.send("PUT", target, SCOPES, {}, b"content")


def test_redirects_have_an_end(home: OciRegistry) -> None:
    home.faults.append(Fault("GET", "/blobs/", redirecting(""), times=None))
    with pytest.raises(RegistryFailed, match="redirects more than 5 times"):
        logged_in(registry_of(home)).ask("GET", BLOB, SCOPES)
    assert len(home.seen("GET", "/blobs/")) == MAX_REDIRECTS + 1


@pytest.mark.parametrize("location", ["", "http://169.254.169.254/x", "file:///etc/passwd", "//"])
def test_redirects_that_lead_astray_are_refused(home: OciRegistry, location: str) -> None:
    headers = {"Location": location} if location else {}
    home.faults.append(Fault("GET", "/blobs/", answering(302, headers)))
    with pytest.raises(RegistryFailed):
        logged_in(registry_of(home)).ask("GET", BLOB, SCOPES)


def test_tls_is_not_left_for_what_is_not_encrypted(
    other: OciRegistry, authority: Authority, tmp_path: Path
) -> None:
    gate = basic_gate(ANN)
    with running(OciRegistry(gate=gate), authority.server()) as home:
        registry = logged_in(registry_of(home, ca=authority.ca_file(tmp_path)))
        home.faults.append(Fault("GET", "", redirecting(other.url, 301)))
        with pytest.raises(RegistryFailed, match="not encrypted: refused"):
            registry.ask("GET", BLOB, SCOPES)
    assert other.requests == []


def test_plain_http_may_be_left_for_tls_without_the_login(
    home: OciRegistry, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file(tmp_path)))
    with running(OciRegistry(), authority.server()) as other:
        fill(other, IMAGE)
        home.faults.append(Fault("GET", "/blobs/", redirecting(other.url)))
        registry = logged_in(registry_of(home))
        # Else this machine is spoken to without TLS.
        monkeypatch.setattr("ocilayout.registries.access.is_loopback", lambda host: False)
        registry.ask("GET", BLOB, SCOPES).close()
    assert_was_told_nothing(other)


def test_a_certificate_of_ours_is_shown_to_the_registry_alone(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = authority.ca_file(tmp_path)
    certificate, key = authority.client_files(tmp_path)
    wants = authority.server(wants_client=True)
    with running(OciRegistry(), wants) as home, running(OciRegistry(), wants) as other:
        fill(home, IMAGE)
        registry = registry_of(home, ca=ca, certificate=certificate, key=key)
        registry.ask("GET", BLOB, SCOPES).close()
        home.faults.append(Fault("GET", "", redirecting(other.url)))
        with pytest.raises(Unanswered):
            registry.ask("GET", BLOB, SCOPES)
        assert other.requests == []


@pytest.mark.parametrize("insecure", [False, True])
def test_tls_that_fails_is_never_left_for_plain_http(insecure: bool, tmp_path: Path) -> None:
    heads: list[bytes] = []
    with listening(lambda line: heads.append(line.recv(3))) as host:
        registry = Registry(host, access(host, insecure=insecure, ca=None))
        if not insecure:
            registry = Registry(host, access(host, ca=_any_ca(tmp_path)))
        with pytest.raises(Unanswered):
            registry.ask("GET", "/v2/", SCOPES)
    assert heads
    assert all(head[:1] == b"\x16" for head in heads), "what is not a record of TLS was sent"


def test_a_registry_without_tls_is_told(home: OciRegistry) -> None:
    registry = Registry(home.host, access(home.host, insecure=True))
    with pytest.raises(NotEncrypted, match="say --plain-http"):
        registry.ask("GET", "/v2/", SCOPES)
    assert home.requests == []


@pytest.mark.parametrize(("host", "falls_back"), [("a.test", True), ("a.test:5000", False)])
def test_where_plain_http_is_allowed_it_is_tried_if_nobody_answers_on_the_port_of_https(
    host: str, falls_back: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def send(self: Http, method: str, url: str, *rest: object) -> Answer:
        asked.append(url)
        raise Unanswered(f"{url} gives no answer")

    monkeypatch.setattr(Http, "send", send)
    configuration = tmp_path / "daemon.json"
    configuration.write_text(json.dumps({"insecure-registries": [host]}))
    registry = Registry(host, access(configuration=configuration))
    with pytest.raises(Unanswered):
        registry.ask("GET", "/v2/", SCOPES)
    assert f"https://{host}/v2/" in asked
    assert (f"http://{host}/v2/" in asked) == falls_back


def test_a_handshake_that_is_closed_is_tried_again_and_told() -> None:
    with no_handshake() as host:
        registry = Registry(host, access(host, insecure=True))
        with pytest.raises(Unanswered, match=f"https://{host}"):
            registry.ask("GET", "/v2/", SCOPES)


def test_foreign_layers_are_fetched_without_the_login(
    home: OciRegistry, other: OciRegistry
) -> None:
    registry = logged_in(registry_of(home, allow_foreign=True))
    other.gate = basic_gate(ANN)
    answer = registry.foreign(f"{other.url}{BLOB}", {})
    assert answer.status == 401
    # Not even where they are at home.
    assert registry.foreign(f"{home.url}{BLOB}", {}).status == 401
    assert_was_told_nothing(other)
    assert "Authorization" not in home.requests[-1].headers


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://169.254.169.254/x", "ftp://x/", ""])
def test_foreign_layers_are_not_fetched_from_anywhere(home: OciRegistry, url: str) -> None:
    with pytest.raises(RegistryFailed):
        registry_of(home).foreign(url, {})


def test_a_registry_that_is_not_there_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []
    monkeypatch.setattr("ocilayout.registries.retries.pause", tries.append)
    registry = Registry("127.0.0.1:1", access())
    with pytest.raises(Unanswered, match="connection refused"):
        registry.ask("GET", "/v2/", SCOPES)
    assert len(tries) == 2


def test_storms_are_survived(home: OciRegistry) -> None:
    home.faults.append(Fault("*", "", answering(503), times=3))
    home.faults.append(Fault("*", "", answering(429, {"Retry-After": "1000000000"}), times=3))
    document = repository(home, login=True).manifest("1")
    assert isinstance(document, Manifest)


def test_a_storm_without_an_end_is_told(home: OciRegistry) -> None:
    home.faults.append(Fault("*", "", answering(503), times=None))
    with pytest.raises(RegistryFailed, match=r"refused to give the manifest .* \(503\): try again"):
        repository(home, login=True).manifest("1")


def test_who_waits_is_woken_where_nobody_waits_for_it(
    home: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    home.faults.append(Fault("*", "", answering(429, {"Retry-After": "60"}), times=None))
    assert _seconds_to_stop(home.host) < 5


def test_who_reads_is_woken_where_nobody_waits_for_it() -> None:
    with rogue("127.0.0.1:1", b"", rogues.silence) as host:
        assert _seconds_to_stop(host) < 5


def _seconds_to_stop(host: str) -> float:
    """How long a thread that asks a registry takes to end once it is told to."""
    stop = stopping.Stop()
    ended: list[BaseException] = []

    def ask() -> None:
        stopping.stop_when(stop)
        try:
            Registry(host, access()).ask("GET", "/v2/", SCOPES)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.3)
    start = time.monotonic()
    stop.set()
    thread.join()
    assert isinstance(ended[0], Abandoned)
    return time.monotonic() - start


def _any_ca(folder: Path) -> Path:
    return Authority().ca_file(folder)


def test_a_helper_is_asked_once(home: OciRegistry) -> None:
    asked: list[str] = []

    class Counting(type(access())):  # type: ignore[misc]
        def credentials_of(self, host: str, path: str) -> object:
            asked.append(path)
            return super().credentials_of(host, path)

    known = Counting(access(home.host).stated, logins=(), certificate_roots=())
    registry = Registry(home.host, known)
    for _ in range(3):
        registry.ask("GET", BLOB, SCOPES).close()
    assert asked == ["team/app"]


def test_a_login_that_is_refused_everywhere_is_told(home: OciRegistry) -> None:
    home.gate = basic_gate({})
    with pytest.raises(AccessDenied, match="refused to take an upload to team/app"):
        logged_in_anyway(home).send("PUT", "/v2/team/app/blobs/uploads/x", SCOPES, {}, b"content")


def logged_in_anyway(home: OciRegistry) -> Registry:
    registry = registry_of(home)
    with pytest.raises(AccessDenied):
        registry.ask("GET", "/v2/", SCOPES)
    return registry
