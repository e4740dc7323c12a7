"""One registry: requests that log in, wait and follow redirects, as its answers make necessary.

The distribution specification is the source of all that is asked (opencontainers/distribution-spec,
spec.md).
"""

import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache

from ocilayout import notices
from ocilayout.errors import NotEncrypted, RegistryFailed, Unanswered
from ocilayout.registries.access import Access
from ocilayout.registries.authorization import Authorization, Scopes, repository_in
from ocilayout.registries.hosts import has_port
from ocilayout.registries.http import Answer, Body, Http
from ocilayout.registries.origin import Origin, at_home, redirected, shown
from ocilayout.registries.reasons import is_html, is_web_page, page_title
from ocilayout.registries.refusals import refusal
from ocilayout.registries.retries import ATTEMPTS, FIRST_ATTEMPTS, persistently
from ocilayout.spec.digest import Digest

_MAX_PAGE = 64 * 1024
MAX_REDIRECTS = 5
MAX_LOGINS = 2
"""How often one request logs in anew: once without a token, once with one that has ended."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Registry:
    """A registry that is spoken to; shared by threads."""

    def __init__(self, host: str, access: Access) -> None:
        """`host` is `HOST[:PORT]` as it stands in names of images."""
        self.host = host
        self._access = access
        self._endpoint = access.endpoint_of(host)
        self._http = Http(self._context_of)
        self._lock = threading.Lock()
        self._is_there = False
        self._is_registry = False
        self._url: str | None = None
        self._authorization: Authorization | None = None
        self._blobs: dict[Digest, dict[str, None]] = {}

    @property
    def chunk_size(self) -> int | None:
        """Bytes of a blob that are sent in one request; None: all of it."""
        return self._access.chunk_size

    @property
    def allow_foreign(self) -> bool:
        """Whether layers that may not be distributed are fetched and sent all the same."""
        return self._access.allow_foreign

    def note_blob(self, digest: Digest, path: str) -> None:
        """Remember that a repository has a blob, for others that could mount it."""
        with self._lock:
            self._blobs.setdefault(digest, {})[path] = None

    def repositories_with(self, digest: Digest) -> list[str]:
        """The repositories that are known to have a blob."""
        with self._lock:
            return list(self._blobs.get(digest, ()))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def ask(
        self,
        method: str,
        target: str,
        scopes: Scopes,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        """The answer to a request that may be repeated, which this registry never answers with 401.

        A status of RETRIABLE is that of the last of `attempts`. `target` is a path, or a
        URL of this registry's own. Redirects of GET and HEAD are followed, without the login
        beyond its origin. Raises RegistryFailed, AccessDenied.
        """
        url = at_home(self._base(), target, "a request")
        answer = self._ask_at_home(method, url, scopes, headers or {}, body, attempts)
        for _ in range(MAX_REDIRECTS):
            if answer.status not in _REDIRECTS:
                return answer
            answer = self._followed(method, answer, scopes, headers or {}, body)
        answer.close()
        raise RegistryFailed(f"{shown(url)} redirects more than {MAX_REDIRECTS} times")

    def send(
        self, method: str, target: str, scopes: Scopes, headers: Mapping[str, str], body: Body
    ) -> Answer:
        """The answer to a request whose body can be read but once.

        Raises Unanswered where the body has to be sent again, as the connection broke or the
        login ended, and AccessDenied.
        """
        url = at_home(self._base(), target, "an upload")
        stated = self._with_login(headers, scopes)
        answer = self._http.send(method, url, stated, body)
        if answer.status == 401:
            refused = refusal(answer, f"take an upload to {repository_in(scopes)}")
            login = stated.get("Authorization")
            if self._logins().challenged(answer.challenges, scopes, login) is None:
                raise refused
            raise Unanswered(f"{self.host}: the login ended during an upload")
        self._refuse_web_page(answer)
        return answer

    def foreign(self, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a GET beyond the registry, without any login; raises RegistryFailed."""
        url = redirected(self._base(), url)
        answer = self._elsewhere("GET", url, headers)
        for _ in range(MAX_REDIRECTS):
            if answer.status not in _REDIRECTS:
                return answer
            answer.close()
            url = redirected(url, answer.headers.get("Location", ""))
            answer = self._elsewhere("GET", url, headers)
        answer.close()
        raise RegistryFailed(f"{shown(url)} redirects more than {MAX_REDIRECTS} times")

    def _elsewhere(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        return persistently(lambda: self._http.send(method, url, headers))

    def _ask_at_home(
        self,
        method: str,
        url: str,
        scopes: Scopes,
        headers: Mapping[str, str],
        body: bytes | None,
        attempts: int = ATTEMPTS,
    ) -> Answer:
        for attempt in range(MAX_LOGINS + 1):
            stated = self._with_login(headers, scopes)
            answer = persistently(
                lambda: self._http.send(method, url, stated, body),  # noqa: B023
                self._patience,
                attempts,
            )
            self._is_there = True
            if answer.status != 401:
                self._refuse_web_page(answer)
                return answer
            refused = refusal(answer, f"open {repository_in(scopes)}")
            login = stated.get("Authorization")
            if attempt == MAX_LOGINS or not self._logins().challenged(
                answer.challenges, scopes, login
            ):
                break
        raise refused

    def _refuse_web_page(self, answer: Answer) -> None:
        """Raises RegistryFailed where a server shows web pages, and knows no registry's requests.

        Some registries say that an empty answer is HTML (Quay), so what decides is whether
        the server has a page where a registry tells its version.
        """
        if self._is_registry or not is_html(answer.headers):
            return
        if answer.status >= 300 and answer.status not in {404, 405}:
            return
        ping = persistently(lambda: self._http.send("GET", f"{self._base()}/v2/", {}))
        page = ping.beginning(_MAX_PAGE)
        if ping.status == 401 or not is_web_page(page):
            self._is_registry = True
            return
        answer.close()
        title = page_title(page)
        called = f" ({title})" if title else ""
        raise RegistryFailed(
            f"{self.host} answers with a web page{called}: it is no registry, or its registry has "
            "another port or another name"
        )

    def _patience(self) -> int:
        return ATTEMPTS if self._is_there else FIRST_ATTEMPTS

    def _followed(
        self,
        method: str,
        answer: Answer,
        scopes: Scopes,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        location = answer.headers.get("Location", "")
        answer.close()
        if method not in {"GET", "HEAD"}:
            url = at_home(answer.url, location, "a request")
            return self._ask_at_home(method, url, scopes, headers, body)
        url = redirected(answer.url, location)
        if Origin.of(url) == Origin.of(self._base()):
            return self._ask_at_home(method, url, scopes, headers, None)
        return self._elsewhere(method, url, headers)

    def _with_login(self, headers: Mapping[str, str], scopes: Scopes) -> dict[str, str]:
        login = self._logins().header(scopes)
        return dict(headers) if login is None else {**headers, "Authorization": login}

    def _logins(self) -> Authorization:
        base = self._base()
        with self._lock:
            if self._authorization is None:
                self._authorization = Authorization(
                    base,
                    # A helper may ask the person, who is to be asked once.
                    cache(lambda repository: self._access.credentials_of(self.host, repository)),
                    self._access.token_servers,
                    lambda method, url, headers, body: persistently(
                        lambda: self._http.send(method, url, headers, body)
                    ),
                )
            return self._authorization

    def _context_of(self, address: str) -> ssl.SSLContext:
        if address == Origin.of(f"https://{self._endpoint.address}").address:
            return self._endpoint.context()
        # A client's certificate says who it is, which other servers are not told.
        others = replace(self._access, certificate=None, key=None)
        return others.endpoint_of(address).context()

    def _base(self) -> str:
        """The registry's URL, with the first of its schemes that it speaks."""
        with self._lock:
            if self._url is None:
                self._url = self._found()
            return self._url

    def _found(self) -> str:
        *earlier, last = self._endpoint.schemes
        for scheme in earlier:
            url = f"{scheme}://{self._endpoint.address}"
            try:
                persistently(
                    lambda: self._http.send("GET", f"{url}/v2/", {}),  # noqa: B023
                    self._patience,
                ).close()
            except Unanswered as error:
                # Without a port in its address the two schemes are two servers, as docker tries.
                if not isinstance(error, NotEncrypted) and has_port(self._endpoint.address):
                    raise
                notices.note(f"{self.host} speaks {last}, as the configuration allows")
                continue
            return url
        return f"{last}://{self._endpoint.address}"


class Registries:
    """The registries of a command, each spoken to through one set of connections."""

    def __init__(self, access: Access | None = None) -> None:
        """Close it, or use it as a context."""
        self._access = access or Access()
        self._known: dict[str, Registry] = {}

    def __enter__(self) -> "Registries":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, host: str) -> Registry:
        """The registry of that name, as it stands in names of images."""
        if host not in self._known:
            self._known[host] = Registry(host, self._access)
        return self._known[host]

    def close(self) -> None:
        """Close all connections."""
        for registry in self._known.values():
            registry.close()


@contextmanager
def shared_or_new(registries: Registries | None) -> Iterator[Registries]:
    """Those that a command has, else new ones that are closed in the end."""
    if registries is not None:
        yield registries
        return
    with Registries() as new:
        yield new
