"""Our schemas as validators of jsonschema, each built once.

Apart from the rest because jsonschema takes a tenth of a second to import.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from ocilayout.spec.schemas.formats import is_date_time, is_uri


@cache
def validator_of(schema: str) -> Validator:
    """The validator for one of the JSON files of this folder, by its name."""
    found: Validator = _dialect()(
        _contents(schema), registry=_registry(), format_checker=_formats()
    )
    return found


@cache
def _dialect() -> Any:
    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {"required": _required, "pattern": _pattern},
        # 2.0 is an integer for JSON Schema, and for no tool that reads these documents.
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
            "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
        ),
    )


@cache
def _formats() -> FormatChecker:
    formats = FormatChecker(formats=())
    formats.checks("uri")(lambda value: not isinstance(value, str) or is_uri(value))
    formats.checks("date-time")(lambda value: not isinstance(value, str) or is_date_time(value))
    return formats


@cache
def _registry() -> Registry[Any]:
    names = [file.name for file in files(__package__).iterdir() if file.name.endswith(".json")]
    empty: Registry[Any] = Registry()
    return empty.with_resources(
        (name, DRAFT202012.create_resource(_contents(name))) for name in names
    )


@cache
def _contents(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files(__package__).joinpath(name).read_bytes())
    # Where a schema names its dialect, jsonschema leaves ours for that one.
    del found["$schema"]
    return found


def _required(
    validator: Validator, names: Sequence[str], instance: object, schema: object
) -> Iterator[ValidationError]:
    """As the standard keyword, but each error has the path of the field that is not there."""
    for name in names:
        if isinstance(instance, Mapping) and name not in instance:
            yield ValidationError("missing", path=(name,))


def _pattern(
    validator: Validator, pattern: str, instance: object, schema: object
) -> Iterator[ValidationError]:
    """As the standard keyword, but `$` lets no newline pass, as in ECMA 262."""
    if isinstance(instance, str) and not re.search(re.sub(r"\$\Z", r"\\Z", pattern), instance):
        yield ValidationError("no match")
