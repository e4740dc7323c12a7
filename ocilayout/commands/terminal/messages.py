"""What the library has to say, on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from ocilayout import notices
from ocilayout.commands.terminal.printing import printable


class Messages:
    """The warnings and notes of a run, said once each."""

    def __init__(self, is_quiet: bool = False) -> None:
        """With `is_quiet` they are only collected."""
        self._is_quiet = is_quiet
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def hear(self, text: str, is_warning: bool) -> None:
        """Collect what is said, and show it the first time."""
        said = self.warnings if is_warning else self.notes
        if text in said:
            return
        said.append(text)
        if not self._is_quiet:
            from ocilayout.commands.terminal.progress import beside_bars

            with beside_bars():
                click.echo(f"{'warning' if is_warning else 'note'}: {printable(text)}", err=True)


def listen(quiet: bool) -> Messages:
    """Show warnings and notes from here on, or only collect them."""
    messages = Messages(quiet)
    notices.hear(messages.hear)
    return messages


@contextmanager
def nothing_heard() -> Iterator[None]:
    """Neither show nor collect what is said meanwhile: it is only tried what would happen."""
    before = notices.hear(lambda text, is_warning: None)
    try:
        yield
    finally:
        notices.hear(before)
