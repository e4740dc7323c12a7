"""Access: what a person said of registries, and what follows from it for each of them.

Plain HTTP is spoken where it was asked for, and with this machine, as docker does; never because
TLS failed, but where docker's own configuration names the registry as insecure.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import UsageError
from ocilayout.registries.certificate_folders import (
    certificate_roots,
    certificates_in,
    folder_for,
)
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.hosts import DOCKER_HUB, DOCKER_HUB_ADDRESS, canonical, is_loopback
from ocilayout.registries.login_files import login_files, login_in
from ocilayout.registries.registry_config import Settings, settings_for
from ocilayout.registries.stated import Stated, bound
from ocilayout.registries.trust import KeyPair, Trust, context_of
from ocilayout.spec.reference import is_domain

_TLS, _PLAIN = "https", "http"


@dataclass(frozen=True)
class Endpoint:
    """Where a registry is, and how it is spoken to."""

    address: str
    """HOST[:PORT] to connect to."""
    schemes: tuple[str, ...] = (_TLS,)
    """In the order in which they are tried."""
    trust: Trust = field(default_factory=Trust)

    def context(self) -> ssl.SSLContext:
        """A new TLS context; raises PlaceNotFound and InvalidDocument for a file that is amiss."""
        return context_of(self.trust)


@dataclass(frozen=True)
class Access:
    """What was said; raises UsageError where it contradicts itself."""

    stated: tuple[Stated, ...] = ()
    ca: Path | None = None
    """Authorities beside the system's."""
    certificate: Path | None = None
    key: Path | None = None
    """None: it is in the certificate's file."""
    insecure: bool = False
    """TLS with whom it may be."""
    plain_http: bool = False
    token_servers: frozenset[str] = frozenset()
    """HOST[:PORT] that may be sent credentials beside the registry itself."""
    configuration: Path | None = None
    """A daemon.json or a buildkitd.toml."""
    allow_foreign: bool = False
    """Whether layers are fetched from addresses that their descriptors name."""
    logins: tuple[Path, ...] = field(default_factory=login_files)
    """Files of docker and podman, what counts first in front."""
    certificate_roots: tuple[Path, ...] = field(default_factory=certificate_roots)
    """Folders that hold a folder of certificates for each registry."""

    def __post_init__(self) -> None:
        if self.plain_http and (self.insecure or self.ca or self.certificate):
            raise UsageError("--plain-http leaves no use for --insecure, --ca and --cert")
        if self.key and not self.certificate:
            raise UsageError("--key needs --cert, the certificate that it belongs to")

    def bound_to(self, hosts: Sequence[str]) -> "Access":
        """The same for a command that names these registries; raises UsageError.

        Credentials that were stated without a registry are then those of the only one.
        """
        return replace(self, stated=bound(self.stated, hosts))

    def credentials_of(self, host: str, repository: str) -> Credentials | None:
        """What was stated for that registry, or else the first login found in a file or a helper.

        Ask once and keep the answer, since a helper may ask the person. Raises UsageError where
        something stated was never bound to a registry.
        """
        host = _checked(host)
        for one in self.stated:
            if one.host is None:
                raise UsageError(f"{one.origin} does not say which registry it is for")
            if one.host == host:
                return one.credentials
        found = (login_in(path, host, repository) for path in self.logins)
        return next((login for login in found if login is not None), None)

    def endpoint_of(self, host: str) -> Endpoint:
        """Where that registry is; raises PlaceNotFound and InvalidDocument for a file amiss."""
        host = _checked(host)
        settings = settings_for(host, self.configuration) if self.configuration else Settings()
        folder = folder_for(host, self.certificate_roots)
        address = DOCKER_HUB_ADDRESS if host == DOCKER_HUB else host
        return Endpoint(
            address, self._schemes(host, settings, folder), self._trust(host, settings, folder)
        )

    def _schemes(self, host: str, settings: Settings, folder: Path | None) -> tuple[str, ...]:
        """Options first, then the configuration, then what the name and the files suggest."""
        if self.plain_http:
            return (_PLAIN,)
        if self.insecure or self.ca or self.certificate:
            return (_TLS,)
        is_plain = is_loopback(host) if settings.http is None else settings.http
        if settings.insecure:
            return (_TLS, _PLAIN) if is_plain else (_TLS,)
        has_certificates = bool(folder or settings.authorities or settings.pairs)
        if settings.http or (is_plain and not has_certificates):
            return (_PLAIN,)
        return (_TLS,)

    def _trust(self, host: str, settings: Settings, folder: Path | None) -> Trust:
        authorities, pairs = certificates_in(folder) if folder else ((), ())
        if self.certificate:
            pairs = (KeyPair(self.certificate, self.key),)
        elif settings.pairs:
            pairs = settings.pairs
        if len(pairs) > 1:
            notices.warn(f"{host}: only the first of {len(pairs)} client certificates is used")
        return Trust(
            (*((self.ca,) if self.ca else ()), *settings.authorities, *authorities),
            pairs[0] if pairs else None,
            # Who names an authority wants it asked, whatever a daemon's configuration says.
            not (self.insecure or (settings.insecure and self.ca is None)),
        )


def _checked(host: str) -> str:
    """The canonical name; raises UsageError for what could lead out of a folder or a line."""
    if not is_domain(host):
        raise UsageError(f"{host[:80]!r} is no registry: write HOST[:PORT]")
    return canonical(host)
