"""What is there although a run was ended: told where it ends, so that nobody has to look for it.

Outputs are whole or not at all. But blobs that a registry took stay there, `gc` may have removed
some blobs and not others, and of several outputs the first may be complete.
"""

from typing import NamedTuple


class Remains(NamedTuple):
    """Something that stays."""

    text: str
    """As in `2 blobs are kept in app`."""
    size: int = 0
    """Bytes, if they matter."""


_kept: dict[Remains, None] = {}


def keep(text: str, size: int = 0) -> None:
    """Note what stays if the run is ended from here on."""
    _kept[Remains(text, size)] = None


def kept() -> list[Remains]:
    """What stays, in the order in which it came."""
    return list(_kept)


def forget() -> None:
    """Begin anew: another run."""
    _kept.clear()
