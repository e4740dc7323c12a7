"""Where errors become a line on standard error and an exit code."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from ocilayout import __version__, remains
from ocilayout.commands.terminal.border import guarded
from ocilayout.errors import InvalidArchive, OciLayoutError, UsageError
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_source
from tests.program import ROOT, SAMPLES, program, surroundings

MULTI = SAMPLES / "buildx-multi-attested.tar"


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)


def guard(action: Callable[[], object]) -> int:
    """The exit code of a command that does `action`."""

    @click.command()
    def command() -> None:
        action()

    return guarded(command, [])


def fail(error: BaseException) -> Callable[[], object]:
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidArchive("a.tar is damaged"), 1, "a.tar is damaged"),
        (OciLayoutError("anything"), 1, "anything"),
        (UsageError("no sense"), 2, "no sense"),
        (click.UsageError("no sense"), 2, "no sense. See 'ocilayout --help'"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was left behind"),
        (click.Abort(), 130, "interrupted; nothing was left behind"),
        (MemoryError(), 1, "out of memory"),
        (OSError(errno.EIO, "Input/output error"), 1, "Input/output error"),
        (PermissionError(errno.EACCES, "Permission denied", "a.tar"), 1, "a.tar: Permission"),
        (OSError(errno.ENOSPC, "No space left on device", "/out"), 1, "free some space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 1, "free some space"),
        (OSError(errno.EROFS, "Read-only file system", "/out"), 1, "choose another place"),
        (OSError(errno.EFBIG, "File too large"), 1, "limit of file sizes"),
    ],
)
def test_an_error_is_one_line_and_a_code(
    error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert guard(fail(error)) == code
    out, err = capfd.readouterr()
    assert out == ""
    # click ends the line in which a terminal shows ^C.
    line = err.removeprefix("\n")
    assert line.startswith("error: ")
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_is_143(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert guard(lambda: os.kill(os.getpid(), number)) == 143
    assert capfd.readouterr().err == "error: terminated; nothing was left behind\n"


@pytest.mark.parametrize(("number", "word"), [(2, "interrupted"), (15, "terminated")])
def test_what_stays_is_said_where_a_run_is_ended(
    number: int, word: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def action() -> None:
        remains.keep("2 blobs stay in app", 124_780_544)
        remains.keep("a.tar was written")
        os.kill(os.getpid(), number)

    try:
        guard(action)
    finally:
        remains.forget()
    expected = f"{word}; 2 blobs stay in app (119.0 MiB); a.tar was written; run again to go on"
    assert capfd.readouterr().err.removeprefix("\n") == f"error: {expected}\n"


def test_one_run_says_nothing_of_what_an_earlier_one_left(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    ocilayout.succeed("convert", MULTI, tmp_path / "a.tar")
    assert remains.kept() == [(f"{tmp_path}/a.tar was written", 0)]
    ocilayout.succeed("ls", tmp_path / "a.tar")
    assert remains.kept() == []


def test_a_signal_to_end_is_no_error_that_anything_catches() -> None:
    def action() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception:
            pytest.fail("it was taken for an error")

    assert guard(action) == 143


def test_all_is_well_is_0() -> None:
    assert guard(lambda: None) == 0


@pytest.mark.parametrize("text", ["\x1b[2J", "a\rb", "a\nb", "\u202e", "\udce9", "\x9b"])
def test_errors_act_on_no_terminal(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    guard(fail(InvalidArchive(f"{text}.tar")))
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert err[:-1].isprintable()


@pytest.mark.parametrize("arguments", [[], ["convert"], ["merge"], ["inspect"], ["ls"]])
def test_nothing_to_do_shows_help_beside_the_data(
    ocilayout: CommandLine, arguments: list[str]
) -> None:
    done = ocilayout(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage: ocilayout" in done.err
    assert "Example: ocilayout" in done.err


VERBS = [
    "annotate",
    "check",
    "convert",
    "diff",
    "export",
    "gc",
    "import",
    "inspect",
    "load",
    "ls",
    "merge",
    "pull",
    "push",
    "save",
    "tag",
    "untag",
    "validate",
]


@pytest.mark.parametrize("verb", [[], *([verb] for verb in VERBS)])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_data(ocilayout: CommandLine, verb: list[str], option: str) -> None:
    done = ocilayout.succeed(*verb, option)
    assert "Usage: ocilayout" in done.out
    assert "Example: " in done.out
    assert "ocilayout" in done.out.partition("Example: ")[2]
    assert done.err == ""


def test_help_lists_every_verb_and_nothing_else(ocilayout: CommandLine) -> None:
    groups = ocilayout.succeed("--help").out.partition("Show this message and exit.\n")[2]
    lines = [line for line in groups.partition("  Example:")[0].splitlines() if line[:2] == "  "]
    assert sorted(line.split()[0] for line in lines) == VERBS
    assert all(len(line.split()) > 1 for line in lines)
    assert not [line for line in lines if line.endswith("...") or len(line) > 80]


@pytest.mark.parametrize("verb", ["convert", "diff", "push"])
def test_options_for_registries_come_last(ocilayout: CommandLine, verb: str) -> None:
    options, registries = ocilayout.succeed(verb, "--help").out.split("Options for registries:\n")
    assert "--json" in options
    assert "--creds" not in options
    assert "--creds" in registries


@pytest.mark.parametrize("verb", VERBS)
def test_arguments_are_no_options(ocilayout: CommandLine, verb: str) -> None:
    options = ocilayout.succeed(verb, "--help").out.partition("Options:\n")[2].splitlines()
    assert options[0].startswith("  -")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ls", "--unknown"], "--unknown"),
        (["convert", "a"], "missing destination. Usage: ocilayout convert SRC... DST"),
        (["push", "a"], "missing destination. Usage: ocilayout push SRC... DEST"),
        (["pull", "a"], "missing destination. Usage: ocilayout pull REF... DST"),
        (["save", "a"], "missing destination. Usage: ocilayout save NAME... DST"),
        (["merge", "a"], "missing --output. Usage: ocilayout merge SRC... -o DST"),
        (["tag", "a"], "missing NAME. Usage: ocilayout tag PLACE NAME..."),
        (["check", "a"], "missing --for. Usage: ocilayout check PLACE --for ENGINE"),
        (["convert", "a", "b", "--to", "zip"], "zip"),
        (["inspect", "a", "b"], "b"),
    ],
)
def test_wrong_usage_is_2(ocilayout: CommandLine, arguments: list[str], said: str) -> None:
    ocilayout.refuse(2, said, *arguments)


def test_version(ocilayout: CommandLine) -> None:
    assert ocilayout.succeed("--version").out == f"ocilayout, version {__version__}\n"


def loaded_by(*arguments: str | Path) -> set[str]:
    """The modules that a run has imported at its end."""
    code = (
        "import json, sys; from ocilayout.commands import run; run(sys.argv[1:]); "
        "sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=surroundings(),
        capture_output=True,
        check=True,
    )
    return set(json.loads(done.stderr))


def test_a_new_name_needs_nothing_that_reads_layers_or_has_something_to_say(
    tmp_path: Path,
) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    unwanted = {"isal", "zstandard", "tqdm", "jsonschema", "tarfile", "logging", "concurrent"}
    assert not loaded_by("tag", layout, "app:1") & unwanted


def test_the_version_needs_nothing_that_reads_images() -> None:
    loaded = loaded_by("--version")
    unwanted = {"isal", "zstandard", "tqdm", "jsonschema", "hashlib", "tarfile", "logging"}
    assert not {name.partition(".")[0] for name in loaded} & unwanted
    assert not {name for name in loaded if name.startswith("ocilayout.stores")}


def test_it_runs_as_a_module_from_any_folder(tmp_path: Path) -> None:
    done = program("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("arguments", [["ls", MULTI], ["inspect", MULTI], ["convert", MULTI, "-"]])
def test_a_reader_that_has_seen_enough_is_no_drama(arguments: list[str | Path]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = program(*arguments, stdout=writing)
    os.close(writing)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"error" not in done.stderr


@pytest.mark.parametrize("arguments", ["ls", "inspect", "inspect --raw", "ls --json"])
def test_a_closed_standard_output_is_no_traceback(arguments: str) -> None:
    verb, *options = arguments.split()
    call = " ".join([sys.executable, "-m", "ocilayout", verb, str(MULTI), *options, ">&-"])
    done = subprocess.run(call, shell=True, cwd=ROOT, capture_output=True, check=False)
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("stream", ["<&-", "2>&-"])
def test_other_closed_streams_hinder_nothing(tmp_path: Path, stream: str) -> None:
    output = tmp_path / "a.tar"
    call = " ".join([sys.executable, "-m", "ocilayout", "convert", str(MULTI), str(output), stream])
    done = subprocess.run(call, shell=True, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0
    assert output.exists()


def test_a_closed_standard_input_cannot_be_read(tmp_path: Path) -> None:
    call = f"{sys.executable} -m ocilayout convert - {tmp_path}/a.tar <&-"
    done = subprocess.run(call, shell=True, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode in {1, 2}
    assert done.stderr.startswith(b"error: ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_names_of_any_letters_are_printed_on_any_terminal(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    made = make_image().annotated({"org.opencontainers.image.ref.name": "グリー-é"})
    layout = write_layout(tmp_path / "läyout", make_source(made))
    for verb in ("ls", "inspect"):
        done = program(verb, layout, environment=environment)
        assert (done.returncode, done.stderr) == (0, b"")
    done = program("ls", f"{layout}:v9é", environment=environment)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr


def test_names_of_files_need_not_be_unicode(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"\xff\xfe.tar")
    with open(path, "wb") as file:
        file.write(MULTI.read_bytes())
    done = program("ls", Path(os.fsdecode(path)))
    assert (done.returncode, done.stderr) == (0, b"")
    done = program("ls", Path(os.fsdecode(path + b"x")))
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


def test_no_home_and_no_place_for_temporary_files_hinder_nothing(tmp_path: Path) -> None:
    environment = {"HOME": "/absent", "TMPDIR": "/absent"}
    done = program("convert", MULTI, tmp_path / "a.tar.gz", environment=environment)
    assert done.returncode == 0, done.stderr
    done = program("convert", tmp_path / "a.tar.gz", tmp_path / "b", environment=environment)
    assert done.returncode == 0, done.stderr
    done = program("ls", tmp_path / "a.tar.gz", environment=environment)
    assert done.returncode == 1
    assert b"--scratch" in done.stderr
