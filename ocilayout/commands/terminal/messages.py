"""What the library has to say, on standard error."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

from ocilayout.commands.terminal.printing import printable


@dataclass
class Messages:
    """The warnings and notes of a run, said once each."""

    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Handler(logging.Handler):
    def __init__(self, messages: Messages, level: int) -> None:
        super().__init__()
        self._messages = messages
        self._shown_from = level

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        is_warning = record.levelno >= logging.WARNING
        said = self._messages.warnings if is_warning else self._messages.notes
        if text in said:
            return
        said.append(text)
        if record.levelno >= self._shown_from:
            from ocilayout.commands.terminal.progress import beside_bars

            with beside_bars():
                click.echo(f"{'warning' if is_warning else 'note'}: {printable(text)}", err=True)


def listen(quiet: bool) -> Messages:
    """Show warnings and notes from here on, or only collect them."""
    messages = Messages()
    logger = logging.getLogger("ocilayout")
    logger.handlers = [_Handler(messages, logging.CRITICAL if quiet else logging.INFO)]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return messages


@contextmanager
def nothing_heard() -> Iterator[None]:
    """Neither show nor collect what is said meanwhile: it is only tried what would happen."""
    logger = logging.getLogger("ocilayout")
    handlers, logger.handlers = logger.handlers, [logging.NullHandler()]
    try:
        yield
    finally:
        logger.handlers = handlers
