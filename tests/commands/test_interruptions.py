"""What is left where a run is ended, or its disk is full: nothing."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.image_files import write_docker_archive
from tests.program import SAMPLES, program, started, surroundings
from tests.snapshots import snapshot, unchanged

MULTI = SAMPLES / "buildx-multi-attested.tar"
OUTPUTS = ["layout", "a.tar", "a.tar.zst", "dir:image"]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that takes seconds to compress."""
    layers = [random.Random(seed).randbytes(24 * 1024 * 1024) for seed in range(2)]
    return write_docker_archive(
        tmp_path_factory.mktemp("large") / "large.tar", "app:v1", layers=layers
    )


SLOWLY = ("--compression", "gzip", "--level", "9")


def wait_for_scratch(running: subprocess.Popen[bytes]) -> None:
    """Until it holds a file without a name."""
    deadline = time.monotonic() + 20
    while not any(name.endswith("(deleted)") for name in open_files(running.pid)):
        assert running.poll() is None, "it ended before it read anything"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def open_files(process: int) -> Iterator[str]:
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(FileNotFoundError):
            yield os.readlink(descriptor)


def wait_for_partial(folder: Path, running: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while not any(folder.glob(".ocilayout-*")):
        assert running.poll() is None, "it ended before it began to write"
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, 143, b"error: terminated; nothing was left behind\n"),
        (signal.SIGINT, 130, b"error: interrupted; nothing was left behind\n"),
    ],
)
def test_a_run_that_is_ended_leaves_nothing(
    tmp_path: Path, large: Path, output: str, number: int, code: int, said: bytes
) -> None:
    running = started("convert", large, output, *SLOWLY, cwd=tmp_path)
    wait_for_partial(tmp_path, running)
    time.sleep(0.1)
    running.send_signal(number)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (code, b"")
    # click ends the line in which a terminal shows ^C.
    assert err.removeprefix(b"\n") == said
    assert snapshot(tmp_path) == {}


def test_a_run_that_waits_for_input_can_be_ended(tmp_path: Path) -> None:
    running = started("convert", "-", "a.tar", cwd=tmp_path)
    assert running.stdin is not None
    running.stdin.write(MULTI.read_bytes()[:10_000])
    running.stdin.flush()
    wait_for_scratch(running)
    running.terminate()
    running.communicate(timeout=20)
    assert running.returncode == 143
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("output", OUTPUTS)
def test_what_a_killed_run_leaves_goes_with_the_next(
    tmp_path: Path, large: Path, output: str
) -> None:
    running = started("convert", large, output, *SLOWLY, cwd=tmp_path)
    wait_for_partial(tmp_path, running)
    running.kill()
    running.communicate()
    assert not (tmp_path / output.rpartition(":")[2]).exists()
    assert program("convert", MULTI, output, cwd=tmp_path).returncode == 0
    assert list(tmp_path.glob(".ocilayout-*")) == []


def test_a_layout_that_was_added_to_is_as_it_was(tmp_path: Path, large: Path) -> None:
    program("convert", MULTI, "layout", cwd=tmp_path)
    before = snapshot(tmp_path / "layout")
    running = started("convert", large, "layout", *SLOWLY, cwd=tmp_path)
    wait_for_scratch(running)
    running.terminate()
    running.communicate(timeout=20)
    assert running.returncode == 143
    left = snapshot(tmp_path / "layout").keys() - before.keys()
    assert [name for name in left if name.startswith(".ocilayout-")] == []
    assert before.items() <= snapshot(tmp_path / "layout").items()


@pytest.fixture
def small_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of some KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={request.param}k", "none", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("mount is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("small_disk", [4, 8], indirect=True)
@pytest.mark.parametrize("output", ["layout", "a.tar", "oci-archive:a.tar", "dir:image"])
def test_a_full_disk_leaves_nothing(small_disk: Path, output: str) -> None:
    assert_disk_is_too_small(small_disk, MULTI, output)


@pytest.mark.parametrize("small_disk", [64], indirect=True)
@pytest.mark.parametrize("output", ["a.tar.zst", "a.tgz"])
def test_a_full_disk_leaves_nothing_compressed(small_disk: Path, large: Path, output: str) -> None:
    assert_disk_is_too_small(small_disk, large, output)


def assert_disk_is_too_small(small_disk: Path, source: Path, output: str) -> None:
    done = program("convert", source, output, cwd=small_disk)
    assert done.returncode == 1, done.stderr
    assert done.stdout == b""
    (line,) = [text for text in done.stderr.splitlines() if text.startswith(b"error: ")]
    assert b"No space left on device: free some space" in line
    assert snapshot(small_disk) == {}


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_a_full_disk_leaves_a_layout_as_it_was(small_disk: Path, large: Path) -> None:
    assert program("convert", MULTI, "layout", cwd=small_disk).returncode in {0, 1}
    program("convert", SAMPLES / "crane-386.tar", "layout", cwd=small_disk)
    index = (small_disk / "layout" / "index.json").read_bytes()
    with unchanged(small_disk / "layout"):
        done = program("convert", large, "layout", "--compression", "keep", cwd=small_disk)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr
    assert (small_disk / "layout" / "index.json").read_bytes() == index


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_full_scratch_is_said(small_disk: Path, tmp_path: Path, large: Path) -> None:
    options = ("--scratch", small_disk, "--compression", "zstd")
    done = program("convert", large, tmp_path / "a.tar", *options)
    assert done.returncode == 1
    assert b"scratch" in done.stderr
    assert b"No space left on device" in done.stderr
    assert not (tmp_path / "a.tar").exists()
    assert os.listdir(small_disk) == []


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_input_that_cannot_be_spooled_is_said(small_disk: Path, tmp_path: Path) -> None:
    arguments = ("convert", "-", tmp_path / "a.tar", "--scratch", small_disk)
    done = program(*arguments, stdin=MULTI.read_bytes())
    assert done.returncode == 1
    assert b"cannot be spooled" in done.stderr
    assert b"--scratch" in done.stderr
    assert os.listdir(small_disk) == []


CALLS = ("flock", "fsync")
"""What is called before and after each file appears; between them there is only copying."""


def traced(cwd: Path, log: Path, output: str, *rules: str) -> int:
    """Convert a small image under strace; the exit code."""
    tracer = ["strace", "-f", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]
    for rule in rules:
        tracer += ["-e", f"inject={rule}"]
    # strace counts the calls of each thread for itself.
    command = [sys.executable, "-m", "ocilayout", "convert", "--jobs", "1"]
    command += [str(SAMPLES / "crane-386.tar"), output]
    return subprocess.run(
        tracer + command, cwd=cwd, env=surroundings(), capture_output=True, check=False
    ).returncode


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("output", ["new", "old", "a.tar", "dir:image"])
def test_a_signal_at_any_time_leaves_nothing_half(tmp_path: Path, output: str) -> None:
    prepared, counted, log = tmp_path / "prepared", tmp_path / "counted", tmp_path / "log"
    program("convert", MULTI, prepared / "old")
    shutil.copytree(prepared, counted)
    if traced(counted, log, output) != 0:
        pytest.skip("strace is not allowed here")
    calls = log.read_text()
    left = []
    for call in CALLS:
        for number in range(1, calls.count(f"{call}(") + 1):
            folder = tmp_path / f"{call}-{number}"
            shutil.copytree(prepared, folder)
            assert traced(folder, log, output, f"{call}:signal=TERM:when={number}") == 143
            left += [f"{call} {number}: {path.name}" for path in folder.rglob(".ocilayout-*")]
    assert left == []
