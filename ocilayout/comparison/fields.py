"""Two JSON objects, field by field."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

Path = tuple[str, ...]

_ENVIRONMENT = ("config", "Env")


@dataclass(frozen=True)
class FieldChange:
    """A field that differs; None where it is not there.

    A field that is not there and one that is null, empty, zero or false are the same: tools in Go
    do not tell them apart.
    """

    path: Path
    before: object
    after: object


def changed_fields(
    before: Mapping[str, object], after: Mapping[str, object], path: Path = ()
) -> Iterator[FieldChange]:
    """The fields that differ, in objects within objects too; arrays are one value.

    The environment of an image is an array of texts, but means an object, and is read as one.
    """
    for key in {**before, **after}:
        yield from _changes(before.get(key), after.get(key), (*path, key))


def _changes(before: object, after: object, path: Path) -> Iterator[FieldChange]:
    if before == after or not (before or after):
        return
    if path == _ENVIRONMENT:
        ours, theirs = _variables(before), _variables(after)
        if ours is not None and theirs is not None and ours != theirs:
            before, after = ours, theirs
    if all(value is None or isinstance(value, dict) for value in (before, after)):
        yield from changed_fields(_object(before), _object(after), path)
    else:
        yield FieldChange(path, before, after)


def _object(value: object) -> Mapping[str, object]:
    return {} if value is None else cast(Mapping[str, object], value)


def _variables(value: object) -> dict[str, str] | None:
    """The variables by name; None where it is no array of `NAME=VALUE`, or has a name twice."""
    if value is None:
        return {}
    if not isinstance(value, list):
        return None
    pairs = [item.partition("=") for item in value if isinstance(item, str) and "=" in item]
    found = {name: text for name, _, text in pairs}
    return found if len(found) == len(value) else None
