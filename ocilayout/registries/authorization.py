"""Logging in: basic, or bearer tokens of a token server (distribution's spec/auth/token.md).

A login goes to the registry itself, to the token server at the same origin, to those that are
known to belong to a registry, and to those that the user named; to no other.
"""

import base64
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from ocilayout.errors import AccessDenied, InvalidDocument, RegistryFailed
from ocilayout.registries.challenges import Challenge, parse_challenges
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.hosts import canonical
from ocilayout.registries.http import Answer
from ocilayout.registries.origin import Origin, token_server
from ocilayout.registries.refusals import refusal
from ocilayout.spec import strict_json

KNOWN_TOKEN_SERVERS = {
    "registry-1.docker.io": "auth.docker.io",
    "registry.gitlab.com": "gitlab.com",
}
"""Token servers at another host than their registry, as these two challenge for them."""

MAX_TOKEN_ANSWER = 256 * 1024
DEFAULT_LIFETIME = 60.0
"""Seconds, where the server does not say (distribution's spec/auth/token.md)."""
MARGIN = 10.0
"""Seconds before its end at which a token is no longer used, or half its life if that is less."""
_LONGEST = 24 * 3600.0

Ask = Callable[[str, str, Mapping[str, str], bytes | None], Answer]
"""Method, URL, headers and body to an answer, without following redirects."""
Scopes = tuple[str, ...]
"""What is to be allowed, as `repository:team/app:pull`."""


@dataclass(frozen=True)
class _Login:
    header: str
    ends: float
    """On the monotonic clock."""

    @property
    def is_fresh(self) -> bool:
        return time.monotonic() < self.ends


class Authorization:
    """The `Authorization` headers of one registry; shared by threads."""

    def __init__(
        self,
        registry: str,
        credentials_of: Callable[[str], Credentials | None],
        token_servers: Collection[str],
        ask: Ask,
    ) -> None:
        """`registry` is its URL, `credentials_of` the login for a repository, `token_servers` the
        `HOST[:PORT]` that the user agreed to send it to."""
        self._registry = registry
        self._origin = Origin.of(registry)
        self._credentials_of = credentials_of
        self._token_servers = token_servers
        self._ask = ask
        self._challenge: Challenge | None = None
        self._logins: dict[Scopes, _Login] = {}
        self._lock = threading.Lock()

    def header(self, scopes: Scopes) -> str | None:
        """The header for a request, as far as is known what the registry wants."""
        with self._lock:
            if self._challenge is None:
                return None
            known = self._logins.get(scopes)
            if known is not None and known.is_fresh:
                return known.header
            return self._log_in(self._challenge, scopes)

    def challenged(self, headers: Sequence[str], scopes: Scopes, refused: str | None) -> str | None:
        """The header to ask again with, after the registry answered 401 to one with `refused`.

        None where there is no other. Raises AccessDenied where it wants a login that is unknown.
        """
        challenge = _chosen(parse_challenges(headers), self._origin)
        with self._lock:
            self._challenge = challenge
            known = self._logins.get(scopes)
            if known is not None and known.is_fresh and known.header != refused:
                # Another thread logged in meanwhile.
                return known.header
            found = self._log_in(challenge, scopes)
            return found if found != refused else None

    def _log_in(self, challenge: Challenge, scopes: Scopes) -> str:
        credentials = self._credentials_of(repository_in(scopes))
        if challenge.scheme == "basic":
            login = self._basic(credentials)
        else:
            login = self._bearer(challenge, credentials, scopes)
        self._logins[scopes] = login
        return login.header

    def _basic(self, credentials: Credentials | None) -> _Login:
        if credentials is None or credentials.identity_token is not None:
            raise AccessDenied(
                f"{self._origin} wants a login: docker login {canonical(self._origin.address)}, "
                "or name one by --creds-file"
            )
        return _Login(_basic_header(credentials), float("inf"))

    def _bearer(
        self, challenge: Challenge, credentials: Credentials | None, scopes: Scopes
    ) -> _Login:
        realm = challenge.parameters.get("realm", "")
        if not realm:
            raise RegistryFailed(f"{self._origin} wants a token, but does not say from where")
        service = challenge.parameters.get("service", "")
        agreed = self._is_agreed(realm)
        url = realm if agreed else token_server(self._registry, realm)
        server = Origin.of(url)
        if credentials is not None and not agreed and server != self._origin:
            raise AccessDenied(
                f"{self._origin} asks to send the login to {server}: if that is its token server, "
                f"say --token-server {server.address}"
            )
        answer = self._ask(*_token_request(url, service, scopes, credentials))
        if answer.status != 200:
            raise _refused_login(answer, self._origin, credentials)
        return _login_in(answer)

    def _is_agreed(self, realm: str) -> bool:
        """Whether the user, or what is known of the registry, names this token server.

        Even then nothing goes from an encrypted registry to one that is not.
        """
        server = Origin.of(realm)
        if server.scheme == "http" and self._origin.scheme == "https":
            return False
        if server.address in self._token_servers:
            return True
        known = KNOWN_TOKEN_SERVERS.get(self._origin.address)
        return self._origin.scheme == "https" and server.address == known


def _chosen(challenges: Sequence[Challenge], origin: Origin) -> Challenge:
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme:
                return challenge
    others = ", ".join(challenge.scheme for challenge in challenges) or "none at all"
    raise AccessDenied(f"{origin} wants a login of a kind that is not known here: {others[:100]}")


def _token_request(
    url: str, service: str, scopes: Scopes, credentials: Credentials | None
) -> tuple[str, str, dict[str, str], bytes | None]:
    if credentials is not None and credentials.identity_token is not None:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": credentials.identity_token,
            "service": service,
            "scope": " ".join(scopes),
            "client_id": "ocilayout",
        }
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return "POST", url, kind, urlencode(form).encode()
    query = [("service", service)] if service else []
    query += [("scope", scope) for scope in scopes]
    headers = {}
    if credentials is not None:
        query.insert(0, ("account", credentials.username))
        headers["Authorization"] = _basic_header(credentials)
    separator = "&" if "?" in url else "?"
    return "GET", f"{url}{separator}{urlencode(query)}", headers, None


def _basic_header(credentials: Credentials) -> str:
    login = f"{credentials.username}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(login).decode()}"


def _login_in(answer: Answer) -> _Login:
    where = Origin.of(answer.url)
    raw = answer.content(MAX_TOKEN_ANSWER)
    try:
        fields = strict_json.parse_object(raw, f"the token of {where}")
    except InvalidDocument:
        # Whatever it holds may be a secret, so it is not shown.
        raise RegistryFailed(f"{where} answered to a login with no token") from None
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise RegistryFailed(f"{where} answered to a login with no token")
    stated = fields.get("expires_in")
    is_number = isinstance(stated, int | float) and not isinstance(stated, bool) and stated > 0
    lifetime = min(float(stated), _LONGEST) if is_number else DEFAULT_LIFETIME  # type: ignore[arg-type]
    return _Login(f"Bearer {token}", time.monotonic() + lifetime - min(MARGIN, lifetime / 2))


def _refused_login(answer: Answer, registry: Origin, credentials: Credentials | None) -> Exception:
    if answer.status in {400, 401, 403, 404}:
        answer.close()
        who = "without a login" if credentials is None else "with the login that is known"
        return AccessDenied(
            f"{Origin.of(answer.url)} gives no token for {registry} {who} ({answer.status}): "
            f"docker login {canonical(registry.address)}, or name a login by --creds-file"
        )
    if 300 <= answer.status < 400:
        answer.close()
        return RegistryFailed(f"{Origin.of(answer.url)} redirects a login, which is refused")
    return refusal(answer, "give a token")


def repository_in(scopes: Scopes) -> str:
    """The repository that is asked for first: it is the one whose login is used."""
    return scopes[0].split(":")[1] if scopes else ""
