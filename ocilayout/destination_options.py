"""What a command may want of an output, whatever its kind."""

from typing import TYPE_CHECKING, NamedTuple

from ocilayout.spec.platform import Platform

if TYPE_CHECKING:
    from ocilayout.registries.registry import Registries


class DestinationOptions(NamedTuple):
    """How an output is written."""

    replace: bool = False
    """Whether an existing file may be replaced."""
    platforms: tuple[Platform, ...] = ()
    """Which platform a format with room for one takes, the most wanted first."""
    takes_zstd: bool = False
    """Whether it is known that whoever loads the output takes layers of zstd."""
    lock_timeout: float = 60.0
    """Seconds to wait for another process to leave a layout."""
    registries: "Registries | None" = None
    """The connections of the command, where it has any."""
