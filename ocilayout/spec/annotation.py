"""Annotations as people write them: `[LEVEL[,LEVEL...]:]KEY=VALUE`, with the levels of buildx.

A level is a place where an image has annotations, with a platform in brackets if one is meant:
`manifest[linux/arm64],index:org.opencontainers.image.title=App`. Without one it is `manifest`.
"""

import re
from dataclasses import dataclass

from ocilayout.errors import UsageError
from ocilayout.spec.platform import Platform

MANIFEST, INDEX = "manifest", "index"
MANIFEST_DESCRIPTOR, INDEX_DESCRIPTOR = "manifest-descriptor", "index-descriptor"
LEVELS = (MANIFEST, INDEX, MANIFEST_DESCRIPTOR, INDEX_DESCRIPTOR)
_LEVEL = re.compile(r"([a-z-]+)(?:\[([^\[\]]+)\])?", re.ASCII)


@dataclass(frozen=True)
class AnnotationEdit:
    """One annotation that is set, or removed, at one level."""

    level: str
    platform: Platform | None
    """Of which members; None of all."""
    key: str
    value: str | None
    """None removes it."""

    def applied(self, annotations: dict[str, str]) -> dict[str, str]:
        """The annotations with this one set or removed."""
        others = {key: value for key, value in annotations.items() if key != self.key}
        return others if self.value is None else {**annotations, self.key: self.value}


def parse_setting(text: str) -> list[AnnotationEdit]:
    """What `[LEVEL:]KEY=VALUE` asks for, once a level; raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"{text!r}: write [LEVEL:]KEY=VALUE")
    return [AnnotationEdit(*where, value) for where in _places(key, text)]


def parse_removal(text: str) -> list[AnnotationEdit]:
    """What `[LEVEL:]KEY` asks to remove, once a level; raises UsageError."""
    return [AnnotationEdit(*where, None) for where in _places(text, text)]


def _places(stated: str, text: str) -> list[tuple[str, Platform | None, str]]:
    levels, colon, key = stated.partition(":")
    if not colon:
        levels, key = MANIFEST, stated
    if not key:
        raise UsageError(f"{text!r}: the key is missing")
    return [(*_level(level, text), key) for level in levels.split(",")]


def _level(stated: str, text: str) -> tuple[str, Platform | None]:
    match = _LEVEL.fullmatch(stated)
    if match is None or match[1] not in LEVELS:
        raise UsageError(
            f"{text!r}: {stated!r} is no level: write one of {', '.join(LEVELS)}, with a "
            "platform in brackets if one is meant"
        )
    if match[2] is None:
        return match[1], None
    if match[1] in {INDEX, INDEX_DESCRIPTOR}:
        raise UsageError(f"{text!r}: an index is of no platform: write {match[1]} alone")
    return match[1], Platform.parse(match[2])
