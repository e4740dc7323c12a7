"""The instructions of `--change` that make the settings of a config: `changes`, the other way."""

import json
from collections.abc import Callable, Iterator, Mapping

from ocilayout.errors import UsageError
from ocilayout.rootfs.changes import Settings, settings_of


def instructions_of(settings: Mapping[str, object]) -> tuple[list[str], list[str]]:
    """The instructions, and the names of those settings that none can make."""
    made: list[str] = []
    lost: list[str] = []
    for name, value in settings.items():
        if not value:
            continue
        found = list(_WRITERS[name](value)) if name in _WRITERS else []
        if found and _makes(found, name, value):
            made += found
        else:
            lost.append(name)
    return made, lost


def _makes(instructions: list[str], name: str, value: object) -> bool:
    try:
        settings: Settings = settings_of(instructions)
    except UsageError:
        return False
    return settings == {name: value}


def _quoted(text: str) -> str:
    if "'" not in text:
        return f"'{text}'"
    escaped = "".join(f"\\{letter}" if letter in '"$\\' else letter for letter in text)
    return f'"{escaped}"'


def _environment(value: object) -> Iterator[str]:
    for entry in _texts(value):
        name, _, text = entry.partition("=")
        yield f"ENV {name}={_quoted(text)}"


def _labels(value: object) -> Iterator[str]:
    for name, text in _fields(value):
        yield f"LABEL {_quoted(name)}={_quoted(str(text))}"


def _ports(value: object) -> Iterator[str]:
    for name, _ in _fields(value):
        yield f"EXPOSE {name}"


def _volumes(value: object) -> Iterator[str]:
    yield f"VOLUME {json.dumps([name for name, _ in _fields(value)])}"


def _health(value: object) -> Iterator[str]:
    fields = dict(_fields(value))
    kind, *command = list(_texts(fields.get("Test"))) or [""]
    options = [
        f"{option}={fields[name]}{unit} "
        for name, option, unit in _HEALTH_OPTIONS
        if isinstance(fields.get(name), int)
    ]
    if kind == "NONE":
        yield "HEALTHCHECK NONE"
    elif kind == "CMD":
        yield f"HEALTHCHECK {''.join(options)}CMD {json.dumps(command)}"
    elif kind == "CMD-SHELL":
        yield f"HEALTHCHECK {''.join(options)}CMD {' '.join(command)}"


_HEALTH_OPTIONS = (
    ("Interval", "--interval", "ns"),
    ("Timeout", "--timeout", "ns"),
    ("StartPeriod", "--start-period", "ns"),
    ("Retries", "--retries", ""),
)


def _list(name: str) -> Callable[[object], Iterator[str]]:
    def write(value: object) -> Iterator[str]:
        yield f"{name} {json.dumps(list(_texts(value)))}"

    return write


def _word(name: str, *, quoted: bool = True) -> Callable[[object], Iterator[str]]:
    def write(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield f"{name} {_quoted(value) if quoted else value}"

    return write


def _each(name: str) -> Callable[[object], Iterator[str]]:
    def write(value: object) -> Iterator[str]:
        return (f"{name} {text}" for text in _texts(value))

    return write


def _texts(value: object) -> Iterator[str]:
    """The strings of a list; others are what makes it another list than the one that was asked."""
    return (
        (item for item in value if isinstance(item, str)) if isinstance(value, list) else iter(())
    )


def _fields(value: object) -> Iterator[tuple[str, object]]:
    return iter(value.items()) if isinstance(value, dict) else iter(())


_WRITERS: Mapping[str, Callable[[object], Iterator[str]]] = {
    "Cmd": _list("CMD"),
    "Entrypoint": _list("ENTRYPOINT"),
    "Env": _environment,
    "ExposedPorts": _ports,
    "Healthcheck": _health,
    "Labels": _labels,
    "OnBuild": _each("ONBUILD"),
    "StopSignal": _word("STOPSIGNAL", quoted=False),
    "User": _word("USER"),
    "Volumes": _volumes,
    "WorkingDir": _word("WORKDIR"),
}
