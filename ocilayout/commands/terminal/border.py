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
    _forget_earlier_runs()
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
        if isinstance(error, click.MissingParameter) and error.ctx is not None:
            return _say(_missing(error, error.ctx), WRONG_USAGE)
        text = " ".join(error.format_message().split())
        return _say(f"{text.rstrip('.')}. See '{path} --help'", WRONG_USAGE)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        return _say(error.format_message(), error.exit_code)
    except OciLayoutError as error:
        return _say(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _say(f"interrupted; {_remains()}", INTERRUPTED)
    except Stopped as stopped:
        if stopped.args == (signal.SIGINT,):
            return _say(f"interrupted; {_remains()}", INTERRUPTED)
        return _say(f"terminated; {_remains()}", TERMINATED)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _say(_told(error), FAILED)
    except MemoryError:
        return _say("out of memory", FAILED)


def _forget_earlier_runs() -> None:
    # Where nothing was imported nothing was noted, and --version needs none of the library.
    remains = sys.modules.get("ocilayout.remains")
    if remains is not None:
        remains.forget()


def _remains() -> str:
    """What a run that is ended leaves behind."""
    # Only where one is ended, and --version needs none of the library.
    from ocilayout.commands.terminal.printing import human_size
    from ocilayout.remains import kept

    words = [f"{text} ({human_size(size)})" if size else text for text, size in kept()]
    if any(size for _, size in kept()):
        words.append("run again to go on")
    return "; ".join(words) or "nothing was left behind"


def _missing(error: click.MissingParameter, context: click.Context) -> str:
    """What is missing, and how the verb is called."""
    words = [
        f"{min(one.opts, key=len)} {one.metavar}" if isinstance(one, click.Option) else one.metavar
        for one in context.command.params
        if one.required
    ]
    usage = " ".join((context.command_path, *map(str, words)))
    return f"missing {_missing_words(error, context)}. Usage: {usage}"


def _missing_words(error: click.MissingParameter, context: click.Context) -> str:
    if not isinstance(error.param, click.Argument):
        return max(error.param.opts, key=len) if error.param else "option"
    arguments = [one for one in context.command.params if isinstance(one, click.Argument)]
    # click takes a single word for the last argument, where it fits any.
    missing = arguments[-1] if error.param.nargs == -1 else error.param
    return "destination" if missing.name == "destination" else str(missing.metavar).rstrip(".")


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
