"""Names of images as each engine parses them, and what it then calls the image."""

import re

from ocilayout.engines.facts import Engine
from ocilayout.errors import InvalidDocument, OciLayoutError
from ocilayout.spec.digest import is_digest
from ocilayout.spec.reference import Reference

_BARE_HOST = re.compile(r"(?=[^/]*[A-Z])[A-Za-z0-9-]+/")
"""A registry that nothing but its capitals tells: what came with IPv6 takes it for one."""
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")
"""What ParseNormalizedNamed takes for the id of an image (distribution/reference:normalize.go)."""
_IPV6 = re.compile(r"\[[0-9A-Fa-f:]+\](:\d+)?/")


class InvalidName(Exception):
    """A name that an engine does not take, with its own words."""


def saved_name(tag: str, engine: Engine) -> str | None:
    """What dockerd calls an image of this RepoTag; None where it loads without a name.

    Raises InvalidName (moby:image/tarexport/load.go: ParseNormalizedNamed, then NamedTagged).
    """
    reference = _parsed(tag, engine)
    named, at, _ = tag.partition("@")
    if ":" not in named.rpartition("/")[2]:
        raise InvalidName(f"invalid tag {tag!r}")
    return None if at else str(reference)


def imported_name(tag: str, engine: Engine) -> str:
    """What containerd calls an image of this RepoTag; raises InvalidName.

    A digest takes the place of the tag, and `latest` that of none
    (distribution/reference:normalize.go, ParseDockerRef).
    """
    reference = _parsed(tag, engine)
    _, at, digest = tag.partition("@")
    return f"{reference.domain}/{reference.path}@{digest}" if at else str(reference)


def is_found(name: str, digest: str) -> bool:
    """Whether docker finds an image that is stored under exactly this name.

    docker asks for names in full: registry, repository and tag, or digest.
    """
    named, at, stated = name.partition("@")
    try:
        reference = Reference.parse(named)
    except OciLayoutError:
        return False
    repository = f"{reference.domain}/{reference.path}"
    if at:
        return stated == digest and named in {repository, str(reference)}
    return named == str(reference)


def familiar_name(name: str) -> str:
    """The name as `docker load` prints it, in full; free text as it is."""
    try:
        reference = Reference.parse(name.partition("@")[0])
    except OciLayoutError:
        return name
    return name if "@" in name else str(reference)


def _parsed(tag: str, engine: Engine) -> Reference:
    if _IDENTIFIER.fullmatch(tag):
        raise InvalidName(f"invalid repository name ({tag}), cannot specify 64 hex digits")
    named, at, digest = tag.partition("@")
    if engine.ipv6_names.value is False and _IPV6.match(named):
        raise InvalidName("invalid reference format: an IPv6 address for a registry")
    if engine.ipv6_names.value is False and _BARE_HOST.match(named):
        raise InvalidName("invalid reference format: repository name must be lowercase")
    if at and not is_digest(digest):
        raise InvalidName("invalid reference format")
    try:
        return Reference.parse(named)
    except InvalidDocument:
        raise InvalidName(_why(named)) from None


def _why(named: str) -> str:
    if named != named.lower() and ":" not in named.rpartition("/")[0]:
        return "invalid reference format: repository name must be lowercase"
    return "invalid reference format"
