"""The grammar of places: `[TRANSPORT:]PATH[:NAME][@DIGEST]`."""

import os
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ocilayout.errors import InvalidDigest, InvalidDocument, PlaceNotFound, UsageError
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import reference_of
from ocilayout.spec.reference import DEFAULT_DOMAIN, Reference
from ocilayout.stores.stated_names import (
    checked_name,
    digest_behind,
    note_capitals_of_host,
    refuse_capitals,
    stated_name,
)
from ocilayout.suffixes import other_suffix, tar_suffix

if TYPE_CHECKING:
    from pathlib import Path

STANDARD_STREAMS = ("-", "/dev/stdin", "/dev/stdout", "/dev/fd/0", "/dev/fd/1")
"""Names of standard input as a source, of standard output as a destination."""

FILE_TRANSPORTS = ("oci", "oci-archive", "docker-archive", "dir")
ENGINE_TRANSPORTS = ("docker-daemon", "podman", "containerd")
REGISTRY_TRANSPORT = "docker"
FOREIGN_TRANSPORTS = (
    "containers-storage",
    "docker-tar",
    "file",
    "http",
    "https",
    "oci-dir",
    "oci-tar",
    "ocidir",
    "ostree",
    "sif",
    "tar",
    "tarball",
)
"""What other tools write in front of a path: taken for a path, it would be a surprise."""

_ARCHIVE = r"\.(?:tar|tgz|tzst|txz|tbz2?)(?:\.[A-Za-z0-9]+)?$"
_HOST_AND_PORT = r"(?:[^\[\]/:]+|\[[0-9A-Fa-f:]+\]):[0-9]+/[^/]"
"""What people who push write, and what would be a folder called like the host."""


class Place(NamedTuple):
    """Where images are, and which of them is meant."""

    text: str
    """As it was written."""
    transport: str | None
    file: str | None
    """The path of a file or a folder; None is standard input or output, an engine or a registry."""
    name: str | None = None
    digest: Digest | None = None
    has_tag: bool = True
    """Of a place in a registry: whether its tag was stated, or `latest` was filled in."""

    @property
    def path(self) -> "Path | None":
        """The path of a file or a folder."""
        # It takes its time to import, and what is only read does without.
        from pathlib import Path

        return None if self.file is None else Path(self.file)

    @property
    def is_engine(self) -> bool:
        """Whether the images are in an engine, which its own client speaks to."""
        return self.transport in ENGINE_TRANSPORTS

    @property
    def is_stream(self) -> bool:
        """Whether it is standard input or output."""
        return self.file is None and not self.is_engine and not self.is_registry

    @property
    def is_registry(self) -> bool:
        """Whether the images are in a registry."""
        return self.transport == REGISTRY_TRANSPORT

    @property
    def is_repository(self) -> bool:
        """Whether it is a repository of a registry, without a tag or a digest."""
        return self.is_registry and not self.has_tag and self.digest is None

    @property
    def states_tag(self) -> bool:
        """Whether a name picks the image, and so says how it is called."""
        return self.name is not None and self.has_tag

    @property
    def reference(self) -> Reference:
        """What a place in a registry names."""
        return Reference.parse(self.name or "")


def parse_source(text: str) -> Place:
    """The place that exists and is meant by `text`.

    A path that holds a colon is tried whole first; then the longest that exists. Raises
    UsageError or PlaceNotFound.
    """
    place = _parse(text, os.path.lexists, longest_first=True)
    if place.file is not None and not os.path.lexists(place.file):
        hint = f" (in a registry it is docker://{text})" if _may_be_remote(text) else ""
        raise PlaceNotFound(f"{place.file}: no such file or directory{hint}")
    return place


def parse_sources(texts: Sequence[str], destination: str) -> list[Place]:
    """The places that are read, where `destination` stands behind them.

    Raises UsageError or PlaceNotFound, which says so where the two may have been swapped.
    """
    try:
        return [parse_source(text) for text in texts]
    except PlaceNotFound as error:
        raise PlaceNotFound(error.text, remedy_if_swapped(destination)) from None


def remedy_if_swapped(destination: str) -> str:
    """What to say beside a source that does not exist, where the destination does."""
    if not os.path.lexists(destination):
        return ""
    return f"the destination comes last, but {destination} is what exists"


def _may_be_remote(text: str) -> bool:
    reference = reference_of(text)
    return reference is not None and reference.domain != DEFAULT_DOMAIN


def parse_destination(text: str) -> Place:
    """The place that `text` means, which need not exist; raises UsageError."""
    place = _parse(text, os.path.lexists, longest_first=False)
    if _may_be_pushed(place):
        raise UsageError(
            f"{text}: write docker://{text} to push to a registry, oci:{text} for a folder"
        )
    if place.digest is not None:
        raise UsageError(f"{text}: a digest names what is there, not what is to be written")
    if place.name is not None and not (place.is_engine or place.is_registry):
        checked_name(place.name)
    name = place.name or ""
    if place.file is not None and re.search(_ARCHIVE, name, re.ASCII):
        raise UsageError(
            f"{text}: {name!r} would be the image's name in {place.file}: a new path holds "
            "no colon: choose another, or write to - and redirect that to the file"
        )
    return place


def is_archive_name(text: str) -> bool:
    """Whether the path in `text`, with a name behind it or without, ends as archives do."""
    paths = [text.rpartition("/")[2].partition(":")[0]]
    if re.match(_HOST_AND_PORT, text, re.ASCII) is None:
        # Whatever names the image in it may hold a slash.
        paths.append(text.partition(":")[0])
    return any(tar_suffix(path) or other_suffix(path) for path in paths)


def _may_be_pushed(place: Place) -> bool:
    is_new = place.file is not None and not os.path.lexists(place.file)
    return (
        is_new
        and place.transport is None
        and re.match(_HOST_AND_PORT, place.text, re.ASCII) is not None
    )


def _parse(text: str, exists: Callable[[str], bool], *, longest_first: bool) -> Place:
    transport, rest = _split_transport(text)
    if transport in ENGINE_TRANSPORTS:
        return Place(text, transport, None, name=checked_engine_name(rest))
    if transport == REGISTRY_TRANSPORT:
        return registry_place(rest, text)
    if not rest:
        raise UsageError(f"{text!r}: a path is missing")
    if rest in STANDARD_STREAMS:
        return Place(text, transport, None)
    if exists(rest):
        return Place(text, transport, _without_slashes(rest))
    rest, digest = _split_digest(rest)
    if not rest:
        raise UsageError(f"{text!r}: a path is missing")
    path, name = _split_name(rest, exists, longest_first)
    file = None if path in STANDARD_STREAMS else _without_slashes(path)
    return Place(text, transport, file, name, digest)


def _without_slashes(path: str) -> str:
    """The path of a file too, to which the system would not let a slash be added."""
    return path.rstrip("/") or "/"


def registry_place(name: str, text: str) -> Place:
    """The place in a registry that `[//]HOST/REPOSITORY[:TAG][@DIGEST]` names.

    `text` is what was written. Raises UsageError.
    """
    named, digest = _split_digest(name.removeprefix("//"))
    if named.startswith(("http://", "https://")):
        raise UsageError(f"{text}: write it without {named.partition('//')[0]}//")
    if named.endswith("/"):
        raise UsageError(f"{text}: only push takes names below a prefix: name a repository")
    if _is_host_alone(named):
        raise UsageError(f"{text} is a registry: write docker://{named}/REPOSITORY")
    try:
        reference = Reference.parse(named)
    except InvalidDocument as error:
        refuse_capitals(named)
        raise UsageError(f"{text}: {error}") from None
    has_tag = ":" in named.rpartition("/")[2]
    note_capitals_of_host(reference, named)
    return Place(text, REGISTRY_TRANSPORT, None, str(reference), digest, has_tag)


def _is_host_alone(name: str) -> bool:
    """Whether docker would take a registry's HOST[:PORT] for a repository of docker.io."""
    host, _, port = name.partition(":")
    is_host = host == "localhost" or "." in host or name.startswith("[")
    return "/" not in name and is_host and (not port or port.isdigit() or name.startswith("["))


def checked_engine_name(name: str) -> str:
    """A name or an id, which its engine looks up; a client must not take it for an option.

    Raises UsageError.
    """
    if not name or name.startswith("-") or not name.isprintable() or " " in name:
        raise UsageError(f"{name!r} is no name of an image in an engine")
    return name


def _split_transport(text: str) -> tuple[str | None, str]:
    transport, colon, rest = text.partition(":")
    if not colon or os.path.lexists(text):
        return None, text
    if transport in FOREIGN_TRANSPORTS:
        raise UsageError(
            f"{text}: there is no transport {transport}: here, but "
            f"{', '.join(FILE_TRANSPORTS + ENGINE_TRANSPORTS)} and docker:// "
            f"(a file of that name is ./{transport}:…)"
        )
    if transport == REGISTRY_TRANSPORT and rest.startswith("//"):
        return transport, rest
    is_known = transport in FILE_TRANSPORTS + ENGINE_TRANSPORTS
    return (transport, rest) if is_known else (None, text)


def _split_digest(text: str) -> tuple[str, Digest | None]:
    digest = digest_behind(text)
    if not digest:
        return text, None
    try:
        return text.removesuffix(f"@{digest}"), Digest.parse(digest)
    except InvalidDigest as error:
        raise UsageError(f"{text}: {error}: ls shows the digests of a place") from None


def _split_name(
    text: str, exists: Callable[[str], bool], longest_first: bool
) -> tuple[str, str | None]:
    if exists(text):
        return text, None
    colons = [position for position, letter in enumerate(text) if letter == ":"]
    for position in reversed(colons) if longest_first else colons:
        if text[:position] and (exists(text[:position]) or text[:position] in STANDARD_STREAMS):
            return text[:position], stated_name(text[position + 1 :])
    if not colons or not text[: colons[0]]:
        return text, None
    return text[: colons[0]], stated_name(text[colons[0] + 1 :])
