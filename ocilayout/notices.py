"""What a person should know although nothing failed: the one way to say it.

The library logs to the logger `ocilayout`. The command line hears it instead, and so never has to
import `logging`, which takes longer than most of what it does.
"""

from collections.abc import Callable, Sequence

Hearer = Callable[[str, bool], None]
"""Told what is said, and whether it is a warning."""

_hearer: Hearer | None = None


def warn(message: str) -> None:
    """Say that something was kept, dropped or read in a way that may surprise."""
    _say(message, True)


def note(message: str) -> None:
    """Say what was decided where there was a choice."""
    _say(message, False)


def some_of(items: Sequence[object], most: int = 10) -> str:
    """Some of many things in a message, as in `a, b and 40 more`."""
    more = f" and {len(items) - most:,} more" if len(items) > most else ""
    return ", ".join(map(str, items[:most])) + more


def hear(hearer: Hearer | None) -> Hearer | None:
    """Tell `hearer` from here on, the logger where it is None; who was told before."""
    global _hearer
    before, _hearer = _hearer, hearer
    return before


def _say(message: str, is_warning: bool) -> None:
    if _hearer is not None:
        _hearer(message, is_warning)
        return
    import logging

    level = logging.WARNING if is_warning else logging.INFO
    logging.getLogger("ocilayout").log(level, "%s", message)
