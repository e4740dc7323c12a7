import ssl
from collections.abc import Iterator

import pytest

from ocilayout.errors import NotEncrypted, RegistryFailed, Unanswered
from ocilayout.registries import http
from ocilayout.registries.http import Answer, Http
from ocilayout.registries.origin import Origin
from tests.servers import rogue as rogues
from tests.servers.certificates import Authority
from tests.servers.faults import Fault, answering
from tests.servers.forward_proxy import Proxy, proxying
from tests.servers.oci_registry import OciRegistry
from tests.servers.rogue import Misdeed, no_handshake, rogue
from tests.servers.site import running
from tests.servers.tcp import listening

NOBODY = "127.0.0.1:1"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


@pytest.fixture
def client() -> Iterator[Http]:
    client = Http(lambda host: ssl.create_default_context())
    yield client
    client.close()


def get(client: Http, host: str, path: str = "/v2/") -> Answer:
    return client.send("GET", f"http://{host}{path}", {})


def test_nothing_is_sent_along_that_was_not_asked_for(client: Http, registry: OciRegistry) -> None:
    assert get(client, registry.host).content(10) == b"{}"
    (request,) = registry.requests
    assert dict(request.headers) == {
        "Host": registry.host,
        "Accept-Encoding": "identity",
        "User-Agent": "ocilayout",
    }


def test_cookies_are_not_kept(client: Http, registry: OciRegistry) -> None:
    registry.faults.append(Fault("GET", "", answering(200, {"Set-Cookie": "a=b"})))
    get(client, registry.host).close()
    get(client, registry.host).close()
    assert "Cookie" not in registry.requests[-1].headers


def test_redirects_are_not_followed(client: Http, registry: OciRegistry) -> None:
    registry.faults.append(Fault("GET", "", answering(302, {"Location": "/v2/"})))
    assert get(client, registry.host).status == 302
    assert len(registry.requests) == 1


@pytest.mark.parametrize("misdeed", [rogues.many_headers, rogues.long_header])
def test_headers_have_bounds(client: Http, misdeed: Misdeed) -> None:
    with rogue(NOBODY, b"", misdeed) as host, pytest.raises(Unanswered, match="gives no answer"):
        get(client, host)


def test_documents_have_bounds(client: Http) -> None:
    with rogue(NOBODY, b"", rogues.endless_body) as host:
        answer = get(client, host)
        with pytest.raises(RegistryFailed, match="more than 1000 bytes"):
            answer.content(1000)


def test_a_short_document_is_no_document(client: Http) -> None:
    with rogue(NOBODY, b"", rogues.short_body) as host:
        answer = get(client, host)
        with pytest.raises(Unanswered, match="gives no answer"):
            answer.content(1000)


def test_the_beginning_of_an_error_is_what_came_of_it(client: Http) -> None:
    with rogue(NOBODY, b"", rogues.short_body) as host:
        assert get(client, host).beginning(1000) == b"0123456789"


def test_silence_ends(client: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.1)
    with (
        rogue(NOBODY, b"", rogues.silence) as host,
        pytest.raises(Unanswered, match="it took too long"),
    ):
        get(client, host)


def test_who_drips_a_document_is_left(client: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_TIMEOUT", 0.2)
    with rogue(NOBODY, b"", rogues.slow_body(0.01)) as host:
        answer = get(client, host)
        with pytest.raises(Unanswered, match="too slowly"):
            answer.content(1000)


def test_who_is_not_there_is_named(client: Http) -> None:
    with pytest.raises(Unanswered, match=f"^http://{NOBODY} gives no answer: connection refused$"):
        get(client, NOBODY, "/v2/?token=secret")


def test_who_has_no_address_is_named(client: Http) -> None:
    with pytest.raises(Unanswered, match=r"^http://nowhere.invalid gives no answer: "):
        get(client, "nowhere.invalid")


def test_plain_http_is_told_from_tls_that_fails(client: Http, registry: OciRegistry) -> None:
    with pytest.raises(NotEncrypted, match=r"does not speak TLS: .* say --plain-http"):
        client.send("GET", f"https://{registry.host}/v2/", {})
    with no_handshake() as host, pytest.raises(Unanswered) as caught:
        client.send("GET", f"https://{host}/v2/", {})
    assert not isinstance(caught.value, NotEncrypted)


def test_a_certificate_that_is_not_trusted_is_told_with_the_way_out(
    client: Http, authority: Authority
) -> None:
    with (
        running(OciRegistry(), authority.server()) as registry,
        pytest.raises(RegistryFailed, match=r"is not trusted .*--ca FILE, or say --insecure"),
    ):
        client.send("GET", f"{registry.url}/v2/", {})


def test_a_connection_is_used_again_once_its_answer_was_read(client: Http) -> None:
    connections = []

    def serve(line: object) -> None:
        connections.append(line)
        while line.recv(65536):  # type: ignore[attr-defined]
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")  # type: ignore[attr-defined]

    with listening(serve) as host:
        for _ in range(3):
            assert get(client, host).content(10) == b"{}"
        get(client, host).close()
        get(client, host).close()
    assert len(connections) == 2


@pytest.fixture
def proxy(registry: OciRegistry, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with proxying({"registry.test:80": registry.host}) as proxy:
        yield proxy


def fresh() -> Http:
    """A client that sees the environment as it is now."""
    return Http(lambda host: ssl._create_unverified_context())


def test_a_proxy_of_the_environment_is_used(
    proxy: Proxy, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://ann:p%40ss@{proxy.host}")
    answer = fresh().send("GET", "http://registry.test/v2/", {"Authorization": "Bearer x"})
    assert answer.content(10) == b"{}"
    assert proxy.logins == ["ann:p@ss"]
    assert registry.requests[0].headers["Authorization"] == "Bearer x"


def test_tls_goes_through_a_proxy_unseen(
    authority: Authority, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running(OciRegistry(), authority.server()) as registry,
        proxying({"registry.test:443": registry.host}) as proxy,
    ):
        monkeypatch.setenv("https_proxy", f"ann:pass@{proxy.host}")
        answer = fresh().send("GET", "https://registry.test/v2/", {"Authorization": "Bearer x"})
        assert answer.content(10) == b"{}"
        assert registry.requests[0].headers["Authorization"] == "Bearer x"
        assert "Proxy-Authorization" not in registry.requests[0].headers
    assert proxy.heads[0].startswith("CONNECT registry.test:443 HTTP/1.")
    assert "Bearer" not in proxy.heads[0]
    assert proxy.logins == ["ann:pass"]


def test_this_machine_is_never_asked_of_a_proxy(
    proxy: Proxy, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    assert get(fresh(), registry.host).status == 200
    assert get(fresh(), registry.host.replace("127.0.0.1", "localhost")).status == 200
    assert proxy.heads == []


@pytest.mark.parametrize("value", ["registry.test", ".test", "*", "registry.test:80"])
def test_no_proxy_is_heeded(
    proxy: Proxy, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    monkeypatch.setenv("no_proxy", value)
    with pytest.raises(Unanswered):
        fresh().send("GET", "http://registry.test/v2/", {})
    assert proxy.heads == []


def test_no_proxy_may_list_networks(
    proxy: Proxy, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Origin, "is_loopback", False)
    monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
    monkeypatch.setenv("no_proxy", "10.0.0.0/8")
    get(fresh(), registry.host).close()
    assert len(proxy.heads) == 1
    monkeypatch.setenv("no_proxy", "10.0.0.0/8, 127.0.0.0/8")
    assert get(fresh(), registry.host).status == 200
    assert len(proxy.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_fails_at_a_proxy_is_told_of_it(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme}_proxy", f"http://ann:secret@{NOBODY}")
    with pytest.raises(Unanswered) as caught:
        fresh().send("GET", f"{scheme}://registry.test/v2/", {})
    said = (
        f"{scheme}://registry.test gives no answer through the proxy {NOBODY}: connection refused"
    )
    assert str(caught.value) == said


def test_a_proxy_that_refuses_is_told(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{proxy.host}")
    with pytest.raises(Unanswered, match=f"through the proxy {proxy.host}: .*403"):
        fresh().send("GET", "https://other.test/v2/", {})


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")
    with pytest.raises(RegistryFailed, match="neither http nor https"):
        fresh().send("GET", "https://registry.test/v2/", {})
