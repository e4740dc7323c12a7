"""The grammar of places: `[TRANSPORT:]PATH[:NAME][@DIGEST]`."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ocilayout.errors import InvalidDigest, InvalidDocument, PlaceNotFound, UsageError
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import reference_of
from ocilayout.spec.reference import is_tag

STANDARD_STREAM = "-"

FILE_TRANSPORTS = ("oci", "oci-archive", "docker-archive", "dir")
OTHER_TRANSPORTS = ("docker", "docker-daemon", "podman", "containerd")

_DIGEST = re.compile(r"(.*)@([a-z0-9+._-]+:[A-Za-z0-9=_-]+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where images are, and which of them is meant."""

    text: str
    """As it was written."""
    transport: str | None
    path: Path | None
    """None is standard input or output."""
    name: str | None = None
    digest: Digest | None = None


def parse_source(text: str) -> Place:
    """The place that exists and is meant by `text`.

    A path that holds a colon is tried whole first; then the longest that exists. Raises
    UsageError or PlaceNotFound.
    """
    place = _parse(text, os.path.lexists, longest_first=True)
    if place.path is not None and not os.path.lexists(place.path):
        raise PlaceNotFound(f"{place.path} does not exist")
    return place


def parse_destination(text: str) -> Place:
    """The place that `text` means, which need not exist; raises UsageError."""
    place = _parse(text, os.path.lexists, longest_first=False)
    if place.digest is not None:
        raise UsageError(f"{text}: a digest names what is there, not what is to be written")
    return place


def _parse(text: str, exists: Callable[[str], bool], *, longest_first: bool) -> Place:
    transport, rest = _split_transport(text)
    if not rest:
        raise UsageError(f"{text!r}: a path is missing")
    if rest == STANDARD_STREAM:
        return Place(text, transport, None)
    if exists(rest):
        return Place(text, transport, Path(rest))
    rest, digest = _split_digest(rest)
    path, name = _split_name(rest, exists, longest_first)
    return Place(text, transport, None if path == "-" else Path(path), name, digest)


def _split_transport(text: str) -> tuple[str | None, str]:
    transport, colon, rest = text.partition(":")
    if not colon or os.path.lexists(text):
        return None, text
    if transport in OTHER_TRANSPORTS:
        raise UsageError(
            f"{text}: {transport}: is no place for this version, which knows files: "
            f"{', '.join(FILE_TRANSPORTS)}"
        )
    return (transport, rest) if transport in FILE_TRANSPORTS else (None, text)


def _split_digest(text: str) -> tuple[str, Digest | None]:
    match = _DIGEST.fullmatch(text)
    if match is None:
        return text, None
    try:
        return match[1], Digest.parse(match[2])
    except InvalidDigest as error:
        raise UsageError(str(error)) from None


def _split_name(
    text: str, exists: Callable[[str], bool], longest_first: bool
) -> tuple[str, str | None]:
    if exists(text):
        return text, None
    colons = [position for position, letter in enumerate(text) if letter == ":"]
    for position in reversed(colons) if longest_first else colons:
        if text[:position] and (exists(text[:position]) or text[:position] == STANDARD_STREAM):
            return text[:position], _checked_name(text[position + 1 :])
    if not colons or not text[: colons[0]]:
        return text, None
    return text[: colons[0]], _checked_name(text[colons[0] + 1 :])


def _checked_name(name: str) -> str:
    if is_tag(name) or reference_of(name) is not None:
        return name
    raise UsageError(f"{name!r} is neither a tag nor an image name")


def checked_reference(text: str) -> str:
    """The full name that `--tag` asks for; raises UsageError."""
    from ocilayout.spec.reference import Reference

    try:
        return str(Reference.parse(text))
    except InvalidDocument as error:
        raise UsageError(str(error)) from None
