"""JSON in which two parsers cannot read two different things.

The standard parser takes UTF-16, a byte order mark, NaN, repeated keys (the last one wins, in
others the first) and lone surrogates that fail only when they are printed. Documents are
identified by their bytes, so what is ambiguous is refused, never repaired.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NamedTuple, NoReturn, cast

from ocilayout.errors import InvalidDocument

MAX_DOCUMENT_SIZE = 4 * 1024 * 1024
"""Bytes; the limit that the distribution specification recommends for manifests."""

MAX_DEPTH = 64
"""Levels of nesting; real documents have fewer than ten."""

MAX_VALUES = 250_000
"""Values in one document, counted by their punctuation. A parsed value takes up to fifty times
the bytes that it is written in; a manifest of 4 MiB with 20,000 layers has 140,000."""

MAX_CONFIG_SIZE = 32 * 1024 * 1024
"""Bytes of an image config. docker 20.10 to 29 and containerd load configs of 9 MiB, podman 4.3
refuses those above 4 MiB."""

_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-8 and UTF-16."""


class Limits(NamedTuple):
    """How much of a document is read."""

    size: int = MAX_DOCUMENT_SIZE
    """Bytes."""
    values: int = MAX_VALUES


DOCUMENT = Limits()
CONFIG = Limits(MAX_CONFIG_SIZE, 2 * MAX_VALUES)
"""Long texts hold punctuation too, so that a large config has more of it than values. With four
times as many, 3.8 MiB of keys took 136 MiB."""


def parse_object(raw: bytes, label: str, limits: Limits = DOCUMENT) -> dict[str, object]:
    """The JSON object that `raw` holds.

    Raises InvalidDocument, with `label` as the name of the document.
    """
    value = parse(raw, label, limits)
    if not isinstance(value, dict):
        raise InvalidDocument(f"{label} is not a JSON object")
    return cast(dict[str, object], value)


def parse(raw: bytes, label: str, limits: Limits = DOCUMENT) -> object:
    """The one JSON value that `raw` holds, strictly read; raises InvalidDocument."""
    if len(raw) > limits.size:
        raise InvalidDocument(f"{label} has {len(raw)} bytes; {limits.size} are allowed")
    values = sum(raw.count(mark) for mark in (b",", b":", b"[", b"{"))
    if values > limits.values:
        raise InvalidDocument(f"{label} has {values} values; {limits.values} are allowed")
    if raw.startswith(_MARKS):
        raise InvalidDocument(
            f"{label} begins with a byte order mark, as Notepad and PowerShell write it, which no "
            "engine reads",
            "save it as UTF-8 without one",
        )
    try:
        text = raw.decode("utf-8")
        value: object = json.loads(
            text,
            object_pairs_hook=_unique_keys,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
        _check_depth(value)
        if "\\u" in text:
            # Lone surrogates are only writable as escapes, and fail when encoded again.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise InvalidDocument(f"{label} is nested too deeply") from None
    except UnicodeError:
        raise InvalidDocument(f"{label} is not valid UTF-8") from None
    except json.JSONDecodeError as error:
        # Only the position: the content may come from a file that nobody meant to show.
        position = f"line {error.lineno}, column {error.colno}"
        raise InvalidDocument(f"{label} is not valid JSON ({position}){_other_kind(raw)}") from None
    except ValueError as error:
        raise InvalidDocument(f"{label} is not valid JSON: {error}") from None
    return value


def _other_kind(raw: bytes) -> str:
    """What stands in place of a document, where that is known: a page, a pointer of Git LFS."""
    if raw.lstrip()[:1] in {b"{", b"["}:
        return ""
    # Few documents are something else, and start-up counts.
    from ocilayout.text_kinds import KNOWN_SIZE, text_kind

    kind = text_kind(raw[:KNOWN_SIZE])
    return "" if kind is None or kind[0] == "text" else f": it is {kind[0]}"


def encode(value: Mapping[str, object] | list[object]) -> bytes:
    """Compact JSON, the same bytes for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def _unique_keys(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key[:80]!r} stands twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large")
    return number


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise ValueError(f"more than {MAX_DEPTH} levels of nesting")
