"""Origins: the scheme, host and port that a secret belongs to, and where a URL may lead.

Credentials go to one origin and no other; so every URL that a registry names (a redirect, the
place of an upload, a token server, a next page) passes one of the checks here.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from ocilayout.errors import RegistryFailed
from ocilayout.registries.hosts import is_localhost, is_loopback, literal_address

_PORTS = {"http": 80, "https": 443}
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answers at a URL."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """The origin of a URL; raises RegistryFailed where it is not of http or https."""
        return cls._of(_split(url), url)

    @classmethod
    def _of(cls, parts: SplitResult, url: str) -> "Origin":
        if parts.scheme not in _PORTS or not parts.hostname:
            raise RegistryFailed(f"{shown(url)} is neither an http nor an https URL")
        if parts.username is not None or parts.password is not None:
            raise RegistryFailed(f"a URL of {parts.hostname} holds a login, which is refused")
        return cls(parts.scheme, parts.hostname.lower(), parts.port or _PORTS[parts.scheme])

    @property
    def address(self) -> str:
        """Host and port as people write them: without the port that goes without saying."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.address}"


def resolved(base: str, target: str) -> str:
    """`target`, as a server at `base` means it; raises RegistryFailed."""
    if not target or any(letter <= " " or letter == "\x7f" for letter in target):
        raise RegistryFailed(f"{Origin.of(base)} names a URL that is none: {shown(target)!r}")
    try:
        url = urljoin(base, target).partition("#")[0]
    except ValueError:
        raise RegistryFailed(
            f"{Origin.of(base)} names {shown(target)!r}, which is no URL"
        ) from None
    Origin.of(url)
    return url


def redirected(base: str, target: str) -> str:
    """Where a download is redirected to: never from https to http, nor to link-local addresses.

    Raises RegistryFailed. The caller sends no credentials beyond its own origin.
    """
    url = resolved(base, target)
    here, there = Origin.of(base), Origin.of(url)
    if here.scheme == "https" and there.scheme == "http":
        raise RegistryFailed(f"{here} redirects to {there}, which is not encrypted: refused")
    if there.host != here.host and _is_link_local(there.host):
        raise RegistryFailed(f"{here} redirects to {there}, an address of this link: refused")
    return url


def at_home(base: str, target: str, what: str) -> str:
    """A URL that has to stay where it came from, as the place of an upload does.

    Raises RegistryFailed, which names `what`.
    """
    url = resolved(base, target)
    here, there = Origin.of(base), Origin.of(url)
    if here != there:
        raise RegistryFailed(
            f"{here} names {there} for {what}, and nothing is sent to another server: where a "
            "proxy stands before it, it must pass on the Host and X-Forwarded-Proto headers"
        )
    return url


def token_server(registry: str, realm: str) -> str:
    """The URL of a token server that a registry may name; raises RegistryFailed.

    A realm may lead requests astray (CVE-2020-15157 and its kin): into this network, to http.
    """
    url = resolved(registry, realm)
    here, there = Origin.of(registry), Origin.of(url)
    if here.scheme == "https" and there.scheme == "http":
        raise RegistryFailed(f"{here} asks to log in at {there}, which is not encrypted: refused")
    if there.host != here.host and _is_private(there.host):
        raise RegistryFailed(
            f"{here} asks to log in at {there}, a private address, which is refused: if that is "
            f"its token server, say --token-server {there.address}"
        )
    return url


def shown(url: str) -> str:
    """A URL as messages show it: without its query, which may hold a secret."""
    return url.partition("?")[0][:_SHOWN]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # That the port is a number shows only when it is asked for.
        _ = parts.port
    except ValueError:
        raise RegistryFailed(f"{shown(url)!r} is no URL") from None
    return parts


def _is_private(host: str) -> bool:
    address = literal_address(host)
    return is_localhost(host) or (address is not None and not address.is_global)


def _is_link_local(host: str) -> bool:
    address = literal_address(host)
    return address is not None and (address.is_link_local or address.is_unspecified)
