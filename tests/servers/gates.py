"""Who may in at a registry: anyone, those with a password, those with a token."""

from collections.abc import Callable, Mapping

from werkzeug.wrappers import Request, Response

from tests.servers.registry_content import failure
from tests.servers.tokens import Scope, TokenBook

Gate = Callable[[Request, "str | None"], "Response | None"]
"""Takes a request and the repository that it is about; its answer is the refusal."""


def open_gate(request: Request, name: str | None) -> Response | None:
    """Lets everyone in."""
    return None


def basic_gate(users: Mapping[str, str]) -> Gate:
    """Lets in those with a password."""

    def check(request: Request, name: str | None) -> Response | None:
        given = request.authorization
        if given is not None and given.type == "basic":
            user, password = given.username or "", given.password or ""
            if users.get(user) == password:
                return None
        return _closed('Basic realm="tests"')

    return check


def bearer_gate(book: TokenBook, realm: str, service: str = "tests") -> Gate:
    """Lets in those whose token is for what they want; others are told the realm."""

    def check(request: Request, name: str | None) -> Response | None:
        wanted = _scopes(request, name)
        given = request.authorization
        token = given.token if given is not None and given.type == "bearer" else None
        if token is not None and book.allows(token, wanted):
            return None
        challenge = f'Bearer realm="{realm}",service="{service}"'
        if wanted:
            challenge += f',scope="{" ".join(map(str, wanted))}"'
        if token is not None:
            challenge += ',error="invalid_token"'
        return _closed(challenge)

    return check


def _scopes(request: Request, name: str | None) -> list[Scope]:
    if name is None:
        return []
    if request.method in ("GET", "HEAD"):
        return [Scope(name, frozenset({"pull"}))]
    if request.method == "DELETE" and "/uploads/" not in request.path:
        return [Scope(name, frozenset({"delete"}))]
    scopes = [Scope(name, frozenset({"pull", "push"}))]
    if (source := request.args.get("from")) is not None:
        scopes.append(Scope(source, frozenset({"pull"})))
    return scopes


def _closed(challenge: str) -> Response:
    return failure(401, "UNAUTHORIZED", "who are you?", {"WWW-Authenticate": challenge})
