"""The bearer flow, against a token server that is particular."""

from collections.abc import Iterator

import pytest

from ocilayout.errors import AccessDenied, RegistryFailed
from ocilayout.registries.access import Access
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.registry import Registry
from ocilayout.registries.repository import Repository
from ocilayout.registries.stated import Stated
from tests.images import make_image
from tests.registries.talking import (
    ANN,
    SECRET,
    access,
    assert_was_told_nothing,
    fill,
    holds,
    named,
    push,
    repository,
)
from tests.servers.faults import Fault, answering, meanwhile, redirecting
from tests.servers.gates import basic_gate, bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import Site, running
from tests.servers.token_server import Grant, TokenServer
from tests.servers.tokens import Scope

pytestmark = pytest.mark.usefixtures("quick_retries")

IMAGE = make_image()
PULL = Scope("team/app", frozenset({"pull"}))
PUSH = Scope("team/app", frozenset({"pull", "push"}))


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with running(TokenServer(ANN)) as tokens:
        yield tokens


@pytest.fixture
def registry(tokens: TokenServer) -> Iterator[OciRegistry]:
    with running(OciRegistry(gate=bearer_gate(tokens.book, tokens.realm))) as registry:
        fill(registry, IMAGE)
        yield registry


def agreed(tokens: TokenServer) -> frozenset[str]:
    return frozenset({tokens.host})


def challenge(realm: str, extra: str = "") -> dict[str, str]:
    return {"WWW-Authenticate": f'Bearer realm="{realm}",service="tests"{extra}'}


def test_strangers_get_a_token_without_a_login(registry: OciRegistry, tokens: TokenServer) -> None:
    assert repository(registry).manifest("1") is not None
    assert tokens.grants == [Grant("anonymous", None, (PULL,), (PULL,))]


def test_a_token_is_used_until_it_ends(registry: OciRegistry, tokens: TokenServer) -> None:
    known = repository(registry)
    for _ in range(3):
        known.manifest("1")
    assert (len(tokens.grants), len(registry.requests)) == (1, 4)
    tokens.book.expire_now()
    assert known.manifest("1") is not None
    assert len(tokens.grants) == 2


def test_a_token_that_is_about_to_end_is_replaced_in_time(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    tokens.expires_in = 0
    known = repository(registry)
    with pytest.raises(AccessDenied):
        known.manifest("1")
    tokens.expires_in = 300
    assert known.manifest("1") is not None


def test_a_login_is_sent_where_the_person_agreed(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    known = repository(registry, login=True, writes=True, token_servers=agreed(tokens))
    assert known.manifest("1") is not None
    assert tokens.grants == [Grant("basic", "ann", (PUSH,), (PUSH,))]
    assert tokens.requests[0].query["account"] == "ann"
    assert SECRET not in str(tokens.requests[0].query)


def test_a_login_is_not_sent_to_another_server_of_the_registrys_choice(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    with pytest.raises(AccessDenied, match=f"say --token-server {tokens.host}"):
        repository(registry, login=True).manifest("1")
    assert tokens.requests == []


@pytest.mark.parametrize("like", ["127.0.0.1", "127.0.0.1:1", "{}0", "localhost:{}"])
def test_consent_is_for_one_host_and_port(
    registry: OciRegistry, tokens: TokenServer, like: str
) -> None:
    servers = frozenset({like.format(tokens.host.rpartition(":")[2])})
    with pytest.raises(AccessDenied, match="--token-server"):
        repository(registry, login=True, token_servers=servers).manifest("1")
    assert tokens.requests == []


def test_an_identity_token_goes_by_post(registry: OciRegistry, tokens: TokenServer) -> None:
    identity = tokens.identity_of("ann")
    login = Stated("a test", registry.host, Credentials.of("<token>", identity))
    known = Access((login,), logins=(), certificate_roots=(), token_servers=agreed(tokens))
    assert Repository(Registry(registry.host, known), "team/app").manifest("1") is not None
    assert tokens.grants == [Grant("refresh_token", "ann", (PULL,), (PULL,), "ocilayout")]
    assert_was_told_nothing(tokens, identity)
    assert all(identity not in str(request.headers) for request in registry.requests)


def test_an_identity_token_is_no_password(registry: OciRegistry) -> None:
    login = Stated("a test", registry.host, Credentials.of("<token>", "id-token"))
    registry.gate = basic_gate(ANN)
    known = Access((login,), logins=(), certificate_roots=())
    with pytest.raises(AccessDenied, match="wants a login"):
        Repository(Registry(registry.host, known), "team/app").manifest("1")
    assert_was_told_nothing(registry, "id-token")


def test_a_password_is_sent_once_it_is_asked_for() -> None:
    with running(OciRegistry(gate=basic_gate(ANN))) as registry:
        fill(registry, IMAGE)
        known = repository(registry, login=True)
        known.manifest("1")
        known.manifest("1")
    assert ["Authorization" in at.headers for at in registry.requests] == [False, True, True]


def test_a_wrong_password_is_sent_once() -> None:
    said = r"refused to open team/app \(401: who are you\?\)"
    with (
        running(OciRegistry(gate=basic_gate({"ann": "another"}))) as registry,
        pytest.raises(AccessDenied, match=said),
    ):
        repository(registry, login=True).manifest("1")
    assert len(registry.requests) == 2


def test_a_registry_that_never_lets_in_is_not_asked_for_ever(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    registry.faults.append(Fault("*", "", answering(401, challenge(tokens.realm)), times=None))
    with pytest.raises(AccessDenied, match="another login"):
        repository(registry).manifest("1")
    assert (len(registry.requests), len(tokens.requests)) == (3, 2)


def test_a_wrong_password_gets_no_token(registry: OciRegistry, tokens: TokenServer) -> None:
    tokens.users["ann"] = "another"
    with pytest.raises(AccessDenied, match=r"gives no token .* with the login that is known"):
        repository(registry, login=True, token_servers=agreed(tokens)).manifest("1")


@pytest.mark.parametrize(
    ("realm", "said"),
    [
        ("file:///etc/passwd", "neither an http nor an https URL"),
        ("data:application/json,{}", "neither an http nor an https URL"),
        ("http://169.254.169.254/token", "a private address"),
        ("http://10.0.0.1/token", "--token-server 10.0.0.1"),
        ("http://localhost:1/token", "a private address"),
        ("http://ann:pass@auth.example/token", "holds a login"),
        ("", "does not say from where"),
        ("http://auth.example/to ken", "names a URL that is none"),
    ],
)
def test_realms_that_lead_astray_are_refused(registry: OciRegistry, realm: str, said: str) -> None:
    registry.faults.append(Fault("*", "", answering(401, challenge(realm)), times=None))
    with pytest.raises(RegistryFailed, match=said):
        repository(registry).manifest("1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_requests_for_tokens_are_not_redirected(
    registry: OciRegistry, tokens: TokenServer, status: int
) -> None:
    with running(OciRegistry()) as other:
        tokens.faults.append(Fault("*", "", redirecting(other.url, status), times=None))
        with pytest.raises(RegistryFailed, match="redirects a login, which is refused"):
            repository(registry, login=True, token_servers=agreed(tokens)).manifest("1")
        assert other.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"secret-token",
        b'{"token": 5}',
        b'{"token": "a\\r\\nX-Forged: 1"}',
        b'{"token": "\xc3\xa9"}',
        b'{"token": ""}',
        b'{"token": "secret-token", "token": "b"}',
        b'{"token": "' + b"x" * 300_000 + b'"}',
    ],
)
def test_what_is_no_token_is_not_used_nor_shown(
    registry: OciRegistry, tokens: TokenServer, body: bytes
) -> None:
    tokens.faults.append(Fault("*", "", answering(200, body=body), times=None))
    with pytest.raises(RegistryFailed) as caught:
        repository(registry).manifest("1")
    assert "secret-token" not in str(caught.value)
    assert len(registry.requests) == 1


@pytest.mark.parametrize("stated", ["0", "-5", "true", '"60"', "null", "99999999999999"])
def test_a_lifetime_that_makes_no_sense_does_no_harm(
    registry: OciRegistry, tokens: TokenServer, stated: str
) -> None:
    token = tokens.book.issue([PULL], 60)
    body = f'{{"access_token": "{token}", "expires_in": {stated}}}'
    tokens.faults.append(Fault("*", "", answering(200, body=body), times=None))
    assert repository(registry).manifest("1") is not None


def test_a_kind_of_login_that_is_unknown_is_named(registry: OciRegistry) -> None:
    headers = {"WWW-Authenticate": "Negotiate"}
    registry.faults.append(Fault("*", "", answering(401, headers), times=None))
    with pytest.raises(AccessDenied, match="of a kind that is not known here: negotiate"):
        repository(registry, login=True).manifest("1")


@pytest.mark.parametrize("after", range(1, 9))
def test_a_push_survives_the_end_of_its_token(
    registry: OciRegistry, tokens: TokenServer, after: int
) -> None:
    registry["team/app"].blobs.clear()
    registry["team/app"].manifests.clear()
    event = meanwhile(tokens.book.expire_now)
    registry.faults.append(Fault("*", "/v2/team", event, after=after))
    known = access(registry.host, token_servers=agreed(tokens))
    push(named(IMAGE, registry), registry, known)
    assert holds(registry, IMAGE)
    assert 2 <= len(tokens.grants) <= 3


def test_a_mount_asks_to_read_where_it_takes_from(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    fill(registry, IMAGE, path="base")
    known = repository(registry, login=True, writes=True, token_servers=agreed(tokens))
    (layer, *_) = [digest for digest in IMAGE.contents if digest != IMAGE.descriptor.digest]
    scopes = (*known.scopes, "repository:base:pull")
    assert known.upload().mount(layer, "base", scopes)
    assert tokens.grants[-1].asked == (PUSH, Scope("base", frozenset({"pull"})))


def test_threads_share_one_login(registry: OciRegistry, tokens: TokenServer) -> None:
    layers = [bytes([number]) * 512 for number in range(8)]
    image = make_image(layers=layers)
    known = access(registry.host, token_servers=agreed(tokens))
    push(named(image, registry), registry, known, jobs=8)
    assert holds(registry, image)
    assert len(tokens.grants) == 1


def test_credentials_are_those_of_the_whole_name() -> None:
    with running(OciRegistry(gate=basic_gate(ANN))) as registry:
        port = registry.host.rpartition(":")[2]
        for host in (
            "127.0.0.1",
            "127.0.0.1:1",
            f"localhost:{port}",
            f"127.0.0.1.evil.test:{port}",
        ):
            login = Stated("a test", host, Credentials.of("ann", SECRET))
            known = Access((login,), logins=(), certificate_roots=())
            with pytest.raises(AccessDenied, match="wants a login"):
                Repository(Registry(registry.host, known), "team/app").manifest("1")
        assert_was_told_nothing(registry)


def test_known_token_servers_belong_to_their_registry_alone(registry: OciRegistry) -> None:
    realm = "https://auth.docker.io/token"
    registry.faults.append(Fault("*", "", answering(401, challenge(realm)), times=None))
    with pytest.raises(AccessDenied, match=r"say --token-server auth.docker.io"):
        repository(registry, login=True).manifest("1")


def test_a_token_server_that_limits_is_asked_again(
    registry: OciRegistry, tokens: TokenServer
) -> None:
    tokens.faults.append(Fault("*", "", answering(429, {"Retry-After": "9"}), times=2))
    assert repository(registry).manifest("1") is not None


def test_sites_of_tests_see_what_they_should(registry: Site) -> None:
    repository(registry).manifest("1")
    with pytest.raises(AssertionError):
        assert_was_told_nothing(registry)
