"""A token server, by distribution's documents "Token Authentication" and "OAuth2 Token".

with running(TokenServer({"ann": "secret"})) as tokens:
    gate = bearer_gate(tokens.book, tokens.realm)
    with running(OciRegistry(gate=gate)) as registry:
        ...
        tokens.book.expire_now()
"""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from werkzeug.wrappers import Request, Response

from tests.servers.registry_content import failure
from tests.servers.site import Site
from tests.servers.tokens import Scope, TokenBook


@dataclass(frozen=True)
class Grant:
    """A token that was given: to whom, for what they asked, and for what they got."""

    way: str
    """`basic`, `anonymous`, or the grant type of OAuth2: `password`, `refresh_token`."""
    user: str | None
    asked: tuple[Scope, ...]
    got: tuple[Scope, ...]
    client: str = ""


class TokenServer(Site):
    """Gives tokens to its users for anything, to others for `anonymous`."""

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        anonymous: Iterable[str] = ("pull",),
        expires_in: int | None = 300,
        oauth2: bool = True,
    ) -> None:
        super().__init__()
        self.users = dict(users or {})
        self.anonymous = frozenset(anonymous)
        self.expires_in = expires_in
        """In seconds; None is not said, and means 60 by the specification."""
        self.oauth2 = oauth2
        """Whether POST is offered, without which there are no identity tokens."""
        self.book = TokenBook()
        self.grants: list[Grant] = []
        self.identities: dict[str, str] = {}
        """Whose each identity token is."""

    @property
    def realm(self) -> str:
        """Where tokens are to be had."""
        return f"{self.url}/token"

    def identity_of(self, user: str) -> str:
        """A new identity token, as `docker login` keeps it."""
        token = secrets.token_urlsafe(16)
        self.identities[token] = user
        return token

    def answer(self, request: Request) -> Response:
        """GET with a password or without, or POST of OAuth2."""
        if request.path != "/token":
            return Response("404 page not found\n", 404)
        if request.method == "GET":
            return self._by_get(request)
        if request.method == "POST" and self.oauth2:
            return self._by_post(request)
        return Response(status=405)

    def _by_get(self, request: Request) -> Response:
        asked = request.args.getlist("scope")
        given = request.authorization
        if given is None:
            return self._granted("anonymous", None, asked)
        user = given.username or ""
        if given.type != "basic" or self.users.get(user) != given.password:
            return failure(401, "UNAUTHORIZED", "wrong name or password")
        offline = request.args.get("offline_token") == "true"
        return self._granted("basic", user, asked, offline=offline)

    def _by_post(self, request: Request) -> Response:
        if request.mimetype != "application/x-www-form-urlencoded":
            return Response(status=415)
        form = request.form
        way = form.get("grant_type", "")
        user = form.get("username") if way == "password" else None
        if way == "refresh_token":
            user = self.identities.get(form.get("refresh_token", ""))
        elif self.users.get(user or "") != form.get("password"):
            user = None
        if user is None or not form.get("client_id") or not form.get("service"):
            return failure(401, "UNAUTHORIZED", f"{way} is not granted")
        offline = form.get("access_type") == "offline"
        client, asked = form["client_id"], form.get("scope", "").split()
        return self._granted(way, user, asked, offline=offline, client=client)

    def _granted(
        self,
        way: str,
        user: str | None,
        texts: Iterable[str],
        *,
        offline: bool = False,
        client: str = "",
    ) -> Response:
        asked = [Scope.parse(part) for text in texts for part in text.split()]
        got = asked
        if user is None:
            got = [Scope(scope.repository, scope.actions & self.anonymous) for scope in asked]
        self.grants.append(Grant(way, user, tuple(asked), tuple(got), client))
        # The specification: a token of which nothing is said lives for 60 seconds.
        token = self.book.issue(got, 60 if self.expires_in is None else self.expires_in)
        answer: dict[str, object] = {"token": token, "access_token": token}
        if self.expires_in is not None:
            answer["expires_in"] = self.expires_in
        if offline and user is not None:
            answer["refresh_token"] = self.identity_of(user)
        return Response(json.dumps(answer), content_type="application/json")
