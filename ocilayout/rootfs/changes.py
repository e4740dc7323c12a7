"""`--change`: instructions of a Dockerfile that set an image's config, as `docker import` has them.

What each does is docker's (moby, builder/dockerfile/buildfromconfig.go and dispatchers.go): CMD,
ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR.
"""

import json
import posixpath
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import cast

from ocilayout.errors import UsageError
from ocilayout.rootfs.health import health_check
from ocilayout.rootfs.shell_words import expanded, split_words

Settings = dict[str, object]
"""The `config` of an image config (config.md), with Docker's names."""

_CONTINUED = re.compile(r"\\[ \t]*$")
_PORT = re.compile(r"(?:.*:)?([0-9]+)(?:-([0-9]+))?(?:/(tcp|udp|sctp))?", re.ASCII | re.IGNORECASE)
_SHELL = ["/bin/sh", "-c"]
_NOT_ON_BUILD = {"ONBUILD", "FROM", "MAINTAINER"}


def settings_of(changes: Sequence[str]) -> Settings:
    """The settings that these instructions make; raises UsageError."""
    settings: Settings = {}
    for instruction in _instructions("\n".join(changes)):
        name, _, rest = instruction.partition(" ")
        apply = _INSTRUCTIONS.get(name.upper())
        if apply is None:
            raise UsageError(
                f"--change {instruction!r}: {name} is none of {', '.join(_INSTRUCTIONS)}"
            )
        if not rest.strip():
            raise UsageError(f"--change {instruction!r}: {name} needs an argument")
        try:
            apply(settings, rest.strip())
        except UsageError as error:
            raise UsageError(f"--change {instruction!r}: {error}") from None
    return settings


def _instructions(text: str) -> Iterator[str]:
    """The lines with an instruction, their continuations joined and their first space plain."""
    whole = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if _CONTINUED.search(line):
            whole += _CONTINUED.sub("", line if whole else line.lstrip())
            continue
        whole += line
        yield " ".join(whole.strip().split(None, 1))
        whole = ""
    if whole.strip():
        yield " ".join(whole.strip().split(None, 1))


def string_list(text: str) -> list[str] | None:
    """The JSON array of strings that `text` is; None where it is no JSON array."""
    if not text.startswith("["):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise UsageError("the JSON form takes strings only")
    return found


def _command(text: str) -> list[str]:
    found = string_list(text)
    return [*_SHELL, text] if found is None else found


def _variables(settings: Settings) -> dict[str, str]:
    environment = cast(list[str], settings.get("Env", []))
    return dict(entry.split("=", 1) for entry in environment)


def _pairs(settings: Settings, text: str) -> Iterator[tuple[str, str]]:
    """KEY=VALUE ..., or the old form KEY VALUE."""
    words = split_words(text)
    if "=" in words[0]:
        pairs = [word.partition("=") for word in words]
    else:
        pairs = [(text.split(None, 1)[0], "=", "".join(text.split(None, 1)[1:]))]
        if len(words) == 1:
            raise UsageError("write KEY=VALUE")
    variables = _variables(settings)
    for key, equals, value in pairs:
        if not equals:
            raise UsageError(f"{key!r} lacks its =")
        name = expanded(key, variables)
        if not name:
            raise UsageError("a name is empty")
        yield name, expanded(value, variables)


def _environment(settings: Settings, text: str) -> None:
    variables = _variables(settings)
    variables.update(list(_pairs(settings, text)))
    settings["Env"] = [f"{name}={value}" for name, value in variables.items()]


def _labels(settings: Settings, text: str) -> None:
    labels = cast(dict[str, str], settings.setdefault("Labels", {}))
    labels.update(list(_pairs(settings, text)))


def _expose(settings: Settings, text: str) -> None:
    ports = cast(dict[str, object], settings.setdefault("ExposedPorts", {}))
    variables = _variables(settings)
    for word in text.split():
        for stated in expanded(word, variables).split():
            match = _PORT.fullmatch(stated)
            first = int(match[1]) if match else -1
            last = int(match[2] or match[1]) if match else -1
            if match is None or not 0 <= first <= last <= 65535:
                raise UsageError(f"{stated!r} is no port")
            for port in range(first, last + 1):
                ports[f"{port}/{(match[3] or 'tcp').lower()}"] = {}


def _volume(settings: Settings, text: str) -> None:
    volumes = cast(dict[str, object], settings.setdefault("Volumes", {}))
    found = string_list(text)
    for word in text.split() if found is None else found:
        path = expanded(word, _variables(settings)).strip()
        if not path:
            raise UsageError("a volume is empty")
        volumes[path] = {}


def _working_folder(settings: Settings, text: str) -> None:
    path = expanded(text, _variables(settings))
    if not path:
        raise UsageError("the path is empty")
    if not path.startswith("/"):
        current = cast(str, settings.get("WorkingDir", ""))
        path = posixpath.normpath(posixpath.join("/", current, path))
    settings["WorkingDir"] = path


def _stop_signal(settings: Settings, text: str) -> None:
    name = expanded(text, _variables(settings))
    known = {item.name.removeprefix("SIG") for item in signal.Signals} | {
        f"RT{end}" for end in _REAL_TIME
    }
    is_number = name.isdecimal() and int(name) > 0
    if not is_number and name.upper().removeprefix("SIG") not in known:
        raise UsageError(f"{name!r} is no signal")
    settings["StopSignal"] = name


_REAL_TIME = [
    *("MIN", "MAX"),
    *(f"MIN+{number}" for number in range(1, 16)),
    *(f"MAX-{number}" for number in range(1, 15)),
]


def _on_build(settings: Settings, text: str) -> None:
    trigger = text.split(None, 1)[0].upper()
    if trigger in _NOT_ON_BUILD:
        raise UsageError(f"{trigger} cannot be triggered")
    triggers = cast(list[str], settings.setdefault("OnBuild", []))
    triggers.append(text)


def _set(key: str, parse: Callable[[str], object]) -> Callable[[Settings, str], None]:
    def apply(settings: Settings, text: str) -> None:
        settings[key] = parse(text)

    return apply


def _user(settings: Settings, text: str) -> None:
    settings["User"] = expanded(text, _variables(settings))


def _health(settings: Settings, text: str) -> None:
    settings["Healthcheck"] = health_check(text, string_list)


_INSTRUCTIONS: dict[str, Callable[[Settings, str], None]] = {
    "CMD": _set("Cmd", _command),
    "ENTRYPOINT": _set("Entrypoint", _command),
    "ENV": _environment,
    "EXPOSE": _expose,
    "HEALTHCHECK": _health,
    "LABEL": _labels,
    "ONBUILD": _on_build,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _working_folder,
}
