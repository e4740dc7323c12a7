"""HEALTHCHECK: its options, Go's durations, and the check itself."""

import re
from collections.abc import Callable
from decimal import Decimal

from ocilayout.errors import UsageError

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+", re.ASCII)
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?)(ns|us|µs|ms|s|m|h)", re.ASCII)
_OPTIONS = {"--interval": "Interval", "--timeout": "Timeout", "--start-period": "StartPeriod"}


def health_check(text: str, string_list: Callable[[str], list[str] | None]) -> dict[str, object]:
    """The check that `[OPTIONS] CMD command` or `NONE` states; raises UsageError.

    `string_list` reads the JSON form of the command.
    """
    options: dict[str, object] = {}
    while text.startswith("--"):
        word, _, text = text.partition(" ")
        text = text.strip()
        _apply_option(word, options)
    kind, _, command = text.partition(" ")
    command = command.strip()
    if kind.upper() == "NONE":
        if command or options:
            raise UsageError("NONE takes nothing else")
        return {"Test": ["NONE"]}
    if kind.upper() != "CMD" or not command:
        raise UsageError("write [--interval=30s ...] CMD command, or NONE")
    found = string_list(command)
    if found == []:
        raise UsageError("the command is empty")
    test = ["CMD-SHELL", command] if found is None else ["CMD", *found]
    return {"Test": test, **options}


def _apply_option(word: str, options: dict[str, object]) -> None:
    name, _, value = word.partition("=")
    if name == "--retries" and value.isdecimal():
        number = int(value)
        if number < 1:
            raise UsageError("--retries must be at least 1")
        options["Retries"] = number
    elif name in _OPTIONS:
        nanoseconds = _nanoseconds(value)
        if 0 < nanoseconds < 10**6:
            raise UsageError(f"{name} must be at least 1ms")
        if nanoseconds:
            options[_OPTIONS[name]] = nanoseconds
    else:
        raise UsageError(f"{word!r} is no option of HEALTHCHECK")


def _nanoseconds(duration: str) -> int:
    if duration == "0":
        return 0
    if not _DURATION.fullmatch(duration):
        raise UsageError(f"{duration!r} is no duration: write 30s or 1m30s")
    return int(
        sum(Decimal(number) * _NANOSECONDS[unit] for number, unit in _PART.findall(duration))
    )
