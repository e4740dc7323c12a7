"""Trust: which authorities vouch for a registry, and how it is shown who asks.

The system's authorities always count, as OpenSSL finds them: SSL_CERT_FILE and SSL_CERT_DIR work.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ocilayout.errors import InvalidDocument, PlaceNotFound


@dataclass(frozen=True)
class KeyPair:
    """A certificate that a client shows, and its key."""

    certificate: Path
    key: Path | None = None
    """None: the key is in the certificate's file."""


@dataclass(frozen=True)
class Trust:
    """What a TLS connection to a registry is built of."""

    authorities: tuple[Path, ...] = ()
    """Files in PEM form, beside the system's."""
    pair: KeyPair | None = None
    is_verified: bool = True


def context_of(trust: Trust) -> ssl.SSLContext:
    """A new context; raises PlaceNotFound and InvalidDocument, which name the file."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 changed both flags. Authorities of closed networks are often made by hand, and
    # docker takes them: a missing key identifier is no reason to refuse them, and one that is
    # itself signed by another may be trusted.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for path in trust.authorities:
        _add_authority(context, path)
    if trust.pair is not None:
        _show(context, trust.pair)
    if not trust.is_verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _add_authority(context: ssl.SSLContext, path: Path) -> None:
    _open(path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise InvalidDocument(f"{path} holds no certificate in PEM form") from None


def _show(context: ssl.SSLContext, pair: KeyPair) -> None:
    key = pair.key or pair.certificate
    for path in (pair.certificate, key):
        _open(path)

    def ask_password() -> NoReturn:
        # Without this, OpenSSL would ask on the terminal.
        raise InvalidDocument(f"{key} is encrypted: decrypt it, as with openssl pkey")

    try:
        context.load_cert_chain(pair.certificate, key, ask_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InvalidDocument(f"{key} is not the key of {pair.certificate}") from None
        raise InvalidDocument(
            f"{pair.certificate} and {key} are no certificate and its key, both in PEM form"
        ) from None


def _open(path: Path) -> None:
    """Raise what is wrong with a file under its name, which the ssl module does not tell."""
    try:
        path.open("rb").close()
    except FileNotFoundError:
        raise PlaceNotFound(f"{path}: there is no such file") from None
