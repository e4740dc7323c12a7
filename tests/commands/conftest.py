"""The command line, called in this process, which is quicker than starting another."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ocilayout.commands import run

pytest.register_assert_rewrite("tests.commands.conftest")


@dataclass(frozen=True)
class Done:
    """How a call ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, as JSON."""
        return json.loads(self.out)


class CommandLine:
    """Calls the command line."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured

    def __call__(self, *arguments: str | Path) -> Done:
        """Call it, however it ends."""
        self._captured.readouterr()
        code = run([str(argument) for argument in arguments])
        return Done(code, *self._captured.readouterr())

    def succeed(self, *arguments: str | Path) -> Done:
        """Call it, and expect that all is well."""
        done = self(*arguments)
        assert done.code == 0, done.err
        return done

    def refuse(self, code: int, said: str, *arguments: str | Path) -> Done:
        """Call it, and expect an exit code and one line that says why."""
        done = self(*arguments)
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, done.err
        assert said in errors[0]
        assert done.code == code
        return done


@pytest.fixture
def ocilayout(capfd: pytest.CaptureFixture[str]) -> Iterator[CommandLine]:
    """The command line; what it changes in this process is changed back."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in signals]
    yield CommandLine(capfd)
    for number, handler in zip(signals, handlers, strict=True):
        signal.signal(number, handler)
