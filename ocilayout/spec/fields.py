"""The fields of one JSON object, read with their types checked.

Errors name the place inside the document, as in `index.json: manifests[2].digest`. Go's parser,
which most tools of the field use, folds the case of keys; ours does not. So a key that differs
from a known one by case alone is refused: two tools would read two different documents.

Go writes an empty list or object that was never set as `null`, and an absent string as `""`
where its type has no `omitempty` (encoding/json); engines read both, so `null` and `""` are read
as if the key were absent. Inside a list or a map of strings `null` is the empty string.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar, cast

from ocilayout.errors import InvalidDocument

T = TypeVar("T", str, int, dict[str, object], list[object])

MAX_INTEGER = 2**63 - 1


class Fields:
    """A JSON object and where it stands."""

    def __init__(self, value: object, where: str, known: tuple[str, ...] = ()) -> None:
        """Raises InvalidDocument where `value` is no object, or misspells a `known` key."""
        if not isinstance(value, dict):
            raise InvalidDocument(f"{where} is not an object")
        self.value = cast(dict[str, object], value)
        self.where = where
        _refuse_other_case(self.value, where, known)

    def text(self, key: str) -> str:
        """The string under `key`, which must be there."""
        return self._required(key, self.optional_text(key))

    def optional_text(self, key: str) -> str | None:
        """The string under `key`, or None where the key is absent, null or empty."""
        return self._typed(key, str, "a string") or None

    def size(self, key: str) -> int:
        """The count of bytes under `key`: an integer that is not negative."""
        number = self._required(key, self._typed(key, int, "an integer"))
        if not 0 <= number <= MAX_INTEGER:
            raise InvalidDocument(f"{self.path(key)} is {number}, which no size can be")
        return number

    def optional_integer(self, key: str) -> int | None:
        """The integer under `key`, or None where the key is absent or null."""
        return self._typed(key, int, "an integer")

    def objects(self, key: str) -> list[object]:
        """The array under `key`, which must be there; empty where it is null."""
        if key not in self.value:
            raise InvalidDocument(f"{self.path(key)} is missing")
        return self.optional_list(key)

    def optional_list(self, key: str) -> list[object]:
        """The array under `key`, empty where the key is absent or null."""
        return self._typed(key, list, "an array") or []

    def texts(self, key: str) -> tuple[str, ...]:
        """The array of strings under `key`, empty where it is absent or null."""
        items = self.optional_list(key)
        for position, item in enumerate(items):
            if item is not None and not isinstance(item, str):
                raise InvalidDocument(f"{self.path(key)}[{position}] is not a string")
        return tuple(cast(str, item or "") for item in items)

    def mapping(self, key: str) -> Mapping[str, str]:
        """The map of strings to strings under `key`, empty where it is absent or null."""
        found = self._typed(key, dict, "an object") or {}
        for name, item in found.items():
            if item is not None and not isinstance(item, str):
                raise InvalidDocument(f"{self.path(key)}[{name!r}] is not a string")
        if None in found.values():
            return {name: cast(str, item or "") for name, item in found.items()}
        return cast(Mapping[str, str], found)

    def path(self, key: str) -> str:
        """Where `key` stands, for messages."""
        return f"{self.where}{'.' if ': ' in self.where else ': '}{key}"

    def _typed(self, key: str, kind: type[T], called: str) -> T | None:
        found = self.value.get(key)
        if found is None:
            return None
        # True is an int for Python, but not for JSON.
        if not isinstance(found, kind) or isinstance(found, bool):
            raise InvalidDocument(f"{self.path(key)} is not {called}")
        return found

    def _required(self, key: str, found: T | None) -> T:
        if found is None:
            raise InvalidDocument(f"{self.path(key)} is missing")
        return found


def _refuse_other_case(value: Mapping[str, object], where: str, known: tuple[str, ...]) -> None:
    folded = _folded(known)
    for key in value:
        if key not in known and key.casefold() in folded:
            raise InvalidDocument(
                f"{where} has the key {key!r}, which tools read in different ways: "
                "it differs from the specified key by case alone"
            )


@lru_cache
def _folded(known: tuple[str, ...]) -> frozenset[str]:
    return frozenset(key.casefold() for key in known)
