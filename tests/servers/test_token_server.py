"""Tokens are given to those who may have them, and open the registry that trusts the server."""

from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import urllib3

from tests.servers.faults import Fault, meanwhile
from tests.servers.gates import bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.servers.token_server import Grant, TokenServer
from tests.servers.tokens import Scope

PULL = Scope("team/app", frozenset({"pull"}))
PUSH = Scope("team/app", frozenset({"pull", "push"}))
UPLOADS = "/v2/team/app/blobs/uploads/"


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    with running(TokenServer({"ann": "secret"})) as tokens:
        yield tokens


@pytest.fixture
def registry(tokens: TokenServer) -> Iterator[OciRegistry]:
    with running(OciRegistry(gate=bearer_gate(tokens.book, tokens.realm))) as registry:
        yield registry


def ask(
    tokens: TokenServer, *scopes: Scope, password: str | None = None, **query: str
) -> urllib3.BaseHTTPResponse:
    credentials = f"ann:{password}" if password else None
    headers = urllib3.make_headers(basic_auth=credentials)
    fields = [("service", "tests"), *(("scope", str(scope)) for scope in scopes), *query.items()]
    return urllib3.request("GET", tokens.realm, fields=fields, headers=headers, retries=False)


def post(tokens: TokenServer, **form: str) -> urllib3.BaseHTTPResponse:
    fields = {"service": "tests", "client_id": "us", "scope": str(PUSH), **form}
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields)
    return urllib3.request("POST", tokens.realm, body=body, headers=kind, retries=False)


def upload(registry: OciRegistry, token: str | None) -> urllib3.BaseHTTPResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return urllib3.request("POST", registry.url + UPLOADS, headers=headers, retries=False)


def test_registry_tells_where_tokens_are(tokens: TokenServer, registry: OciRegistry) -> None:
    answer = upload(registry, None)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="{tokens.realm}",service="tests",scope="repository:team/app:pull,push"'
    )


def test_token_of_a_user_opens_until_it_dies(tokens: TokenServer, registry: OciRegistry) -> None:
    answer = ask(tokens, PUSH, password="secret").json()
    assert answer["expires_in"] == 300
    assert upload(registry, answer["token"]).status == 202
    tokens.book.expire_now()
    refused = upload(registry, answer["token"])
    assert (refused.status, "invalid_token" in refused.headers["WWW-Authenticate"]) == (401, True)


def test_tokens_die_at_a_request_of_the_tests_choice(
    tokens: TokenServer, registry: OciRegistry
) -> None:
    registry.faults.append(Fault("POST", "/uploads/", meanwhile(tokens.book.expire_now), after=1))
    token = ask(tokens, PUSH, password="secret").json()["token"]
    assert [upload(registry, token).status for _ in range(2)] == [202, 401]


def test_token_lives_as_long_as_it_says() -> None:
    with running(TokenServer({"ann": "secret"}, expires_in=0)) as tokens:
        token = ask(tokens, PUSH, password="secret").json()["token"]
    assert not tokens.book.allows(token, [PUSH])


def test_token_is_for_what_was_asked(tokens: TokenServer, registry: OciRegistry) -> None:
    token = ask(tokens, PULL, password="secret").json()["token"]
    assert upload(registry, token).status == 401


def test_mount_needs_both_repositories(tokens: TokenServer, registry: OciRegistry) -> None:
    mount = f"{registry.url}{UPLOADS}?mount=sha256:0&from=base"

    def status(*scopes: Scope) -> int:
        token = ask(tokens, *scopes, password="secret").json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        return urllib3.request("POST", mount, headers=headers, retries=False).status

    assert (status(PUSH), status(PUSH, Scope("base", frozenset({"pull"})))) == (401, 202)


def test_strangers_may_pull_only(tokens: TokenServer) -> None:
    assert ask(tokens, PUSH).status == 200
    assert tokens.grants == [Grant("anonymous", None, (PUSH,), (PULL,))]


def test_wrong_password_gets_nothing(tokens: TokenServer) -> None:
    assert ask(tokens, PUSH, password="guess").status == 401
    assert post(tokens, grant_type="password", username="ann", password="guess").status == 401
    assert tokens.grants == []


def test_identity_token_is_given_and_taken(tokens: TokenServer, registry: OciRegistry) -> None:
    identity = ask(tokens, password="secret", offline_token="true").json()["refresh_token"]
    answer = post(tokens, grant_type="refresh_token", refresh_token=identity).json()
    assert upload(registry, answer["access_token"]).status == 202
    assert tokens.grants[-1] == Grant("refresh_token", "ann", (PUSH,), (PUSH,), "us")
    assert post(tokens, grant_type="refresh_token", refresh_token="made up").status == 401


def test_post_takes_passwords_where_it_is_offered(tokens: TokenServer) -> None:
    assert post(tokens, grant_type="password", username="ann", password="secret").status == 200
    tokens.oauth2 = False
    assert post(tokens, grant_type="password", username="ann", password="secret").status == 405
