"""What a document breaks of its specification, by JSON Schemas written from it.

Reading a document (`spec.documents`, `spec.config`) is lenient where the field is; this is not:
it says everything that a document does which image-spec 1.1 forbids. Docker's documents are held
to the same rules where the two families agree, and to Docker's where they do not: its manifests
state their media type, the entries of its lists state a platform, an image may have no layers.
What a specification does not mention is allowed.
"""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ocilayout.errors import InvalidDocument, UsageError
from ocilayout.spec import media_types, strict_json

if TYPE_CHECKING:
    from jsonschema import ValidationError

_SCHEMAS = {
    media_types.OCI_INDEX: "index.json",
    media_types.OCI_MANIFEST: "manifest.json",
    media_types.OCI_ARTIFACT_MANIFEST: "artifact.json",
    media_types.OCI_CONFIG: "config.json",
    media_types.OCI_DESCRIPTOR: "descriptor.json",
    media_types.OCI_LAYOUT: "layout.json",
    media_types.DOCKER_INDEX: "docker-index.json",
    media_types.DOCKER_MANIFEST: "docker-manifest.json",
    media_types.DOCKER_CONFIG: "config.json",
}

MEDIA_TYPES = frozenset(_SCHEMAS)
"""The documents that there is a schema for."""

_KINDS = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "null": "null",
}
_QUOTED = 80
"""Characters of a document that a line quotes at most, for a key or a value."""


_BLANK_TEXTS = {("mediaType",), ("artifactType",), ("config", "mediaType"), ("rootfs", "type")}
"""Where engines read an empty string or null as absent."""


class Violation(NamedTuple):
    """One breach of a specification."""

    text: str
    """In one line that begins with the path inside the document."""
    is_blank: bool = False
    """Whether it is what Go writes of an empty list, object or string, which engines read."""


def violations(document: bytes, media_type: str) -> Iterator[str]:
    """What is wrong with the document, each in one line that begins with the path inside it.

    A document that cannot be parsed strictly has that one violation. Raises UsageError where
    `media_type` is none of MEDIA_TYPES.
    """
    return (violation.text for violation in classified_violations(document, media_type))


def classified_violations(document: bytes, media_type: str) -> Iterator[Violation]:
    """The same violations, each with whether engines read it all the same."""
    if media_type not in MEDIA_TYPES:
        raise UsageError(
            f"there is no schema for {media_type[:_QUOTED]!r}: it must be one of "
            + ", ".join(sorted(MEDIA_TYPES))
        )
    return _violations(document, _SCHEMAS[media_type])


def _violations(document: bytes, schema: str) -> Iterator[Violation]:
    from ocilayout.spec.schemas.validators import validator_of

    try:
        limits = strict_json.CONFIG if schema == "config.json" else strict_json.DOCUMENT
        value = strict_json.parse_object(document, "the document", limits)
    except InvalidDocument as error:
        yield Violation(str(error))
        return
    for violation in validator_of(schema).iter_errors(cast(Any, value)):
        yield Violation(f"{_path(violation)}: {_text(violation)}", _is_blank(violation))


def _is_blank(error: "ValidationError") -> bool:
    path = tuple(error.absolute_path)
    if error.instance in ("", None) and (path in _BLANK_TEXTS or path[-1:] == ("artifactType",)):
        return True
    # An entry of a list but for a step, and the config of a manifest, are needed.
    is_step = path[:-1] == ("history",)
    is_field = bool(path) and isinstance(path[-1], str) and path != ("config",)
    return (
        error.validator == "type"
        and error.instance is None
        and (is_step or is_field)
        and error.validator_value in ("array", "object", "string")
    )


def _path(error: "ValidationError") -> str:
    """As in `manifests[2].annotations['com.example.key']`."""
    steps = [
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.isidentifier() and step.isascii() and len(step) <= _QUOTED
        else f"[{_quoted(step)}]"
        for step in error.absolute_path
    ]
    return "".join(steps).removeprefix(".")


def _text(error: "ValidationError") -> str:
    expected: Any = error.validator_value
    title = error.schema.get("title", "") if isinstance(error.schema, Mapping) else ""
    match error.validator:
        case "required":
            return "is missing"
        case "type":
            names = [expected] if isinstance(expected, str) else expected
            return f"is {_kind(error.instance)}, not {' or '.join(_KINDS[name] for name in names)}"
        case "const":
            return f"is {_quoted(error.instance)}, not {expected!r}"
        case "minItems":
            return f"is empty, but must have {expected} or more"
        case "not":
            return str(title)
        case _:
            return f"is {_quoted(error.instance)}, which is not {title}"


def _quoted(value: object) -> str:
    if isinstance(value, dict | list):
        return _kind(value)
    text = value if isinstance(value, str) else json.dumps(value)
    shown = text[:_QUOTED]
    rest = "…" if len(text) > _QUOTED else ""
    return f"{shown!r}{rest}" if isinstance(value, str) else f"{shown}{rest}"


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    kinds = {dict: "object", list: "array", str: "string", int: "integer"}
    return _KINDS[kinds.get(type(value), "number")]
