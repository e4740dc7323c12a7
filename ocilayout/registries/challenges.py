"""`WWW-Authenticate`: how a server asks for a login (RFC 9110, section 11.6.1)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

MAX_LENGTH = 8192
"""Characters of a header that are looked at."""

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:({_TOKEN})|"((?:[^"\\]|\\.)*)")\s*', re.ASCII)
_SCHEME = re.compile(rf"[\s,]*({_TOKEN})(?=\s|,|$)", re.ASCII)
_SEPARATOR = re.compile(r"[\s,]*", re.ASCII)


@dataclass(frozen=True)
class Challenge:
    """One way to log in."""

    scheme: str
    """In lower case: `basic`, `bearer`."""
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """The challenges of all `WWW-Authenticate` headers, in order; what is garbled is passed over.

    One header may hold several, and a scheme may come without parameters.
    """
    return [challenge for header in headers for challenge in _in_one(header[:MAX_LENGTH])]


def _in_one(header: str) -> list[Challenge]:
    found: list[Challenge] = []
    position = 0
    while scheme := _SCHEME.match(header, position):
        position = scheme.end()
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(header, position):
            name, token, quoted = parameter.groups()
            value = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), value)
            separator = _SEPARATOR.match(header, parameter.end())
            position = parameter.end() if separator is None else separator.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found
