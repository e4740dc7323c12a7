"""Image configs as engines decode them: into Go's structs, where one wrong field ends all.

The structs are moby's `image.Image` (v20.10.24:image/image.go, api/types/container/config.go),
whose names podman's `manifest.Schema2Image` shares, and image-spec's `Image`
(specs-go/v1/config.go). Go matches keys in any case, takes `null` for everything, and ignores
fields that it does not know.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from typing import Literal

from ocilayout.errors import InvalidDocument
from ocilayout.spec import strict_json

Struct = Literal["docker", "oci"]
Check = Callable[[object, str], str | None]
"""What is wrong with a value that stands at a path; None where nothing is."""

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d([.,]\d+)?(Z|[+-]\d\d:\d\d)"
)


def config_problem(raw: bytes, struct: Struct) -> str | None:
    """Why Go does not decode the config into this struct; None where it does."""
    try:
        value = strict_json.parse_object(raw, "config", strict_json.CONFIG)
    except InvalidDocument as error:
        return str(error)
    return STRUCTS[struct](value, "")


def _of_type(kind: type, words: str) -> Check:
    def check(value: object, path: str) -> str | None:
        # A bool is an int to Python, and is none to Go.
        fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        return None if value is None or fits else f"{path} is no {words}"

    return check


def _time(value: object, path: str) -> str | None:
    matched = _TIME.fullmatch(value) if isinstance(value, str) else None
    if value is None or (matched and _is_day(*map(int, matched.groups()[:3]))):
        return None
    return f"{path} is {value!r}, which is no time as RFC 3339 has it"


def _is_day(year: int, month: int, day: int) -> bool:
    # Go knows a year 0, a leap year, and Python's calendar does not.
    return 1 <= month <= 12 and 1 <= day <= monthrange(year or 4, month)[1]


def _list_of(check: Check) -> Check:
    def check_list(value: object, path: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, list):
            return f"{path} is no list"
        found = (check(item, f"{path}[{number}]") for number, item in enumerate(value))
        return next((problem for problem in found if problem), None)

    return check_list


def _map_of(check: Check) -> Check:
    def check_map(value: object, path: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            return f"{path} is no object"
        found = (check(item, f"{path}.{key}") for key, item in value.items())
        return next((problem for problem in found if problem), None)

    return check_map


def _struct(fields: Mapping[str, Check]) -> Check:
    def check_struct(value: object, path: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            return f"{path or 'it'} is no object"
        found = (
            fields[key.lower()](item, f"{path}.{key}".lstrip("."))
            for key, item in value.items()
            if key.lower() in fields
        )
        return next((problem for problem in found if problem), None)

    return check_struct


def _fields(check: Check, names: str) -> dict[str, Check]:
    return dict.fromkeys(names.lower().split(), check)


_text, _number, _flag = _of_type(str, "string"), _of_type(int, "integer"), _of_type(bool, "boolean")
_texts = _list_of(_text)
_object = _struct({})


def _words(value: object, path: str) -> str | None:
    """Docker's `StrSlice`, which may be written as one string."""
    return None if isinstance(value, str) else _texts(value, path)


_HISTORY = _list_of(
    _struct({"created": _time, "empty_layer": _flag} | _fields(_text, "author created_by comment"))
)
_IMAGE: dict[str, Check] = {
    "created": _time,
    "history": _HISTORY,
    "rootfs": _struct({"type": _text, "diff_ids": _texts}),
    "os.features": _texts,
} | _fields(_text, "architecture author os os.version variant")
_CONFIG: dict[str, Check] = {
    "env": _texts,
    "labels": _map_of(_text),
    **_fields(_map_of(_object), "ExposedPorts Volumes"),
    **_fields(_text, "User WorkingDir StopSignal"),
}
_HEALTH = {"test": _texts} | _fields(_number, "Interval Timeout StartPeriod Retries")
_DOCKER_CONFIG = _struct(
    _CONFIG
    | {"onbuild": _texts, "stoptimeout": _number, "healthcheck": _struct(_HEALTH)}
    | _fields(_words, "Cmd Entrypoint Shell")
    | _fields(_text, "Hostname Domainname Image MacAddress")
    | _fields(_flag, "AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce")
    | _fields(_flag, "ArgsEscaped NetworkDisabled")
)
STRUCTS: Mapping[Struct, Check] = {
    "docker": _struct(
        _IMAGE
        | {"config": _DOCKER_CONFIG, "container_config": _DOCKER_CONFIG}
        | _fields(_text, "id parent comment container docker_version")
        | {"size": _number}
    ),
    "oci": _struct(_IMAGE | {"config": _struct(_CONFIG | _fields(_texts, "Cmd Entrypoint"))}),
}
