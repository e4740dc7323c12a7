"""The files in which `docker login` and `podman login` keep what they were told.

Which files, in which order: containers/image, pkg/docker/config/config.go (a file that
REGISTRY_AUTH_FILE names is the only one, as for podman and skopeo). Which helper:
docker/cli, cli/config/configfile/file.go (one for the registry counts before `credsStore`, and
an empty name means none). A file that is damaged is passed over with a warning that says nothing
of its content.
"""

import base64
import binascii
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import InvalidDocument
from ocilayout.registries import credential_helpers
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.hosts import DOCKER_HUB, DOCKER_HUB_LOGIN, DOCKER_HUB_NAMES
from ocilayout.registries.small_files import home, read_small
from ocilayout.spec.fields import Fields
from ocilayout.spec.strict_json import parse_object


def login_files(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where logins may be kept, what counts first in front."""
    if environment.get("REGISTRY_AUTH_FILE"):
        return (Path(environment["REGISTRY_AUTH_FILE"]),)
    user = home()
    runtime = environment.get("XDG_RUNTIME_DIR")
    session = f"{runtime}/containers" if runtime else f"/run/containers/{os.getuid()}"
    settings = environment.get("XDG_CONFIG_HOME") or (user and user / ".config")
    docker = environment.get("DOCKER_CONFIG") or (user and user / ".docker")
    return (
        Path(session, "auth.json"),
        *((Path(settings, "containers/auth.json"),) if settings else ()),
        *((Path(docker, "config.json"),) if docker else ()),
    )


def login_in(path: Path, host: str, repository: str) -> Credentials | None:
    """What one file has for a repository of a registry; None where it has nothing."""
    try:
        content = _content(path)
        return _from_helper(content, host) or _from_entries(content, host, repository)
    except InvalidDocument as error:
        notices.warn(f"{error}: no login is taken from this file")
        return None


def _content(path: Path) -> Fields:
    try:
        raw = read_small(path)
    except (FileNotFoundError, NotADirectoryError):
        return Fields({}, str(path))
    except OSError as error:
        raise InvalidDocument(f"{path} cannot be read ({error.strerror})") from None
    try:
        return Fields(parse_object(raw.strip() or b"{}", str(path)), str(path))
    except InvalidDocument:
        # Not in the parser's words: they may hold a part of the file.
        raise InvalidDocument(f"{path} is not the JSON that docker and podman write") from None


def _from_helper(content: Fields, host: str) -> Credentials | None:
    special = _inner(content, "credHelpers")
    names = (DOCKER_HUB_LOGIN, *DOCKER_HUB_NAMES) if host == DOCKER_HUB else (host,)
    named = next((name for name in names if name in special.value), host)
    helper = special.optional_text(named)
    if special.value.get(named) is None:
        helper = content.optional_text("credsStore")
    return credential_helpers.ask(helper, host) if helper else None


def _from_entries(content: Fields, host: str, repository: str) -> Credentials | None:
    entries = _inner(content, "auths")
    for key in _keys(entries.value, host, repository):
        found = _credentials(_inner(entries, key))
        if found is not None:
            return found
    return None


def _keys(entries: Mapping[str, object], host: str, repository: str) -> Iterator[str]:
    """The keys of entries that speak for a repository, the most special first."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join((host, *parts[:count]))
    names = DOCKER_HUB_NAMES if host == DOCKER_HUB else (host,)
    yield from names
    # Older docker kept whole addresses, as in https://host/v1/, and does for docker.io.
    for key in entries:
        scheme, mark, rest = key.partition("://")
        if mark and scheme in {"http", "https"} and rest.partition("/")[0] in names:
            yield key


def _credentials(entry: Fields) -> Credentials | None:
    token = entry.optional_text("identitytoken") or None
    encoded = entry.optional_text("auth")
    if encoded:
        username, password = _decoded(encoded, entry.path("auth"))
    else:
        username = entry.optional_text("username") or ""
        password = entry.optional_text("password") or ""
    if token or (username and password):
        return Credentials(username, password, token)
    return None


def _decoded(encoded: str, where: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        text = ""
    username, colon, password = text.partition(":")
    if not (username and colon):
        raise InvalidDocument(f"{where} is not the base64 of USER:PASSWORD") from None
    # Docker once padded passwords with zeros, and strips them until today.
    return username, password.strip("\0")


def _inner(content: Fields, key: str) -> Fields:
    value = content.value.get(key)
    return Fields({} if value is None else value, content.path(key))
