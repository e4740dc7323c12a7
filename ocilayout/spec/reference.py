"""References: the names of images, as docker reads them.

`demo:v1` stands for `docker.io/library/demo:v1`. The grammar is that of
github.com/distribution/reference.
"""

import re
from typing import NamedTuple

from ocilayout.errors import InvalidDocument
from ocilayout.spec.digest import Digest

# Texts, which are compiled where they are first used: start-up counts.
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"

DEFAULT_DOMAIN = "docker.io"
MAX_NAME_LENGTH = 255


class Reference(NamedTuple):
    """A full name: registry, repository and tag."""

    domain: str
    path: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """The reference that `text` stands for: `docker.io`, `library` and `latest` filled in.

        A digest behind the tag is dropped: it pins an image, it does not name one. Raises
        InvalidDocument.
        """
        named, at, digest = text.partition("@")
        if at:
            Digest.parse(digest)
        head, slash, rest = named.partition("/")
        if slash and ("." in head or ":" in head or head == "localhost" or head.lower() != head):
            domain = head
        else:
            domain, rest = DEFAULT_DOMAIN, named
        path, colon, tag = rest.partition(":")
        if domain == "index.docker.io":
            domain = DEFAULT_DOMAIN
        if domain == DEFAULT_DOMAIN and "/" not in path:
            path = f"library/{path}"
        if not colon:
            tag = "latest"
        if not (is_domain(domain) and is_repository(path) and is_tag(tag)):
            raise InvalidDocument(
                f"{text[:200]!r} is not an image name: write [REGISTRY/]REPOSITORY[:TAG], "
                "in lower case"
            )
        if len(domain) + 1 + len(path) > MAX_NAME_LENGTH:
            raise InvalidDocument(f"{text[:60]!r}… is longer than {MAX_NAME_LENGTH} characters")
        return cls(domain, path, tag)

    def __str__(self) -> str:
        return f"{self.domain}/{self.path}:{self.tag}"


def in_lower_case(text: str) -> str:
    """A name in lower case but for its tag, which may have capitals."""
    before, slash, last = text.partition("@")[0].rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{before}{slash}{name}".lower() + colon + tag


def is_reference(text: str) -> bool:
    """Whether `text` is an image name, as Reference.parse takes it."""
    try:
        Reference.parse(text)
    except InvalidDocument:
        return False
    return True


def is_repository(text: str) -> bool:
    """Whether `text` is the path of a repository, as in `library/alpine`."""
    return all(re.fullmatch(_COMPONENT, word) for word in text.split("/"))


def is_tag(text: str) -> bool:
    """Whether `text` is a tag alone, as in `v1`."""
    return re.fullmatch(_TAG, text) is not None


def is_domain(text: str) -> bool:
    """Whether `text` is a registry's HOST[:PORT], which is safe as the name of a folder."""
    return re.fullmatch(_DOMAIN, text) is not None
