"""The one border where errors become a line on standard error and an exit code."""

import errno
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

import click

from ocilayout.commands.terminal.printing import say_error
from ocilayout.errors import OciLayoutError

FAILED, WRONG_USAGE = 1, 2
INTERRUPTED, TERMINATED = 130, 143


class Stopped(BaseException):
    """A signal arrived: not an error, and nothing may mistake it for one."""


def guarded(command: click.Command, arguments: list[str]) -> int:
    """Run `command`; the exit code, after at most one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # Names in images are any Unicode, the terminal may know ASCII alone.
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # What nohup, or a shell for its background, has silenced stays so.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    try:
        code = _code(command, arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be flushed to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED


def _code(command: click.Command, arguments: list[str]) -> int:
    try:
        found = command.main(arguments, prog_name="ocilayout", standalone_mode=False)
        return found if isinstance(found, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "ocilayout"
        # Where an option of several words is missing, click gives each a line.
        text = _without_last(error) or " ".join(error.format_message().split())
        return _say(f"{text.rstrip('.')}: see {path} --help", WRONG_USAGE)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except OciLayoutError as error:
        return _say(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted; nothing was left behind", INTERRUPTED)
    except Stopped as stopped:
        if stopped.args == (signal.SIGINT,):
            return _say("interrupted; nothing was left behind", INTERRUPTED)
        return _say("terminated; nothing was left behind", TERMINATED)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _say(_told(error), FAILED)
    except MemoryError:
        return _say("out of memory", FAILED)


def _without_last(error: click.UsageError) -> str | None:
    """What to say where one word was given: click takes it for the last, which it is not."""
    if not isinstance(error, click.MissingParameter) or error.ctx is None:
        return None
    arguments = [one for one in error.ctx.command.params if isinstance(one, click.Argument)]
    if error.param not in arguments[:-1] or error.param.nargs != -1:
        return None
    names = [str(argument.metavar) for argument in arguments]
    return f"{names[-1]} is missing: write {' '.join(names)}"


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


def _say(message: str, code: int) -> int:
    say_error(message)
    return code


def _told(error: OSError) -> str:
    name = error.filename
    where = f"{os.fsdecode(name)}: " if isinstance(name, str | bytes) else ""
    advice = _ADVICE.get(error.errno or 0, "")
    return f"{where}{error.strerror or error}{advice}"


_ADVICE = {
    errno.EACCES: ": who runs this may not read or write it",
    errno.ENOSPC: ": free some space, or choose another place for the output or for --scratch",
    errno.EDQUOT: ": free some space, or choose another place for the output or for --scratch",
    errno.EROFS: ": choose another place for the output",
    errno.EFBIG: ": the limit of file sizes here is too small for the output",
}
