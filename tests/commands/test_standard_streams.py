"""`-` as source and destination."""

import gzip
import io
import os
import pty
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.program import ROOT, SAMPLES, program
from tests.snapshots import snapshot, tar_files

MULTI = SAMPLES / "buildx-multi-attested.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"


@pytest.mark.parametrize("transport", ["docker-archive", "oci-archive"])
def test_standard_output_has_the_bytes_of_a_file(tmp_path: Path, transport: str) -> None:
    program("convert", MULTI, tmp_path / "a.tar", "--to", transport)
    done = program("convert", MULTI, "-", "--to", transport)
    assert done.returncode == 0
    assert done.stdout == (tmp_path / "a.tar").read_bytes()
    assert b"registry.example/hello:1" in done.stderr


def test_standard_output_may_be_named_and_be_a_file(tmp_path: Path) -> None:
    program("convert", MULTI, tmp_path / "a.tar")
    with (tmp_path / "b.tar").open("wb") as file:
        done = program("convert", MULTI, "/dev/stdout", stdout=file.fileno())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "b.tar").read_bytes() == (tmp_path / "a.tar").read_bytes()
    assert b"registry.example/hello:1" in done.stderr


def test_a_transport_may_stand_before_it() -> None:
    done = program("convert", MULTI, "oci-archive:-")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        assert "manifest.json" not in tar.getnames()


@pytest.mark.parametrize("sample", ["buildx-multi-attested.tar", "docker-20.10-amd64.tar"])
def test_standard_input_gives_what_a_file_gives(tmp_path: Path, sample: str) -> None:
    raw = (SAMPLES / sample).read_bytes()
    program("convert", SAMPLES / sample, tmp_path / "file.tar")
    for name, content in (("plain.tar", raw), ("packed.tar", gzip.compress(raw))):
        done = program("convert", "-", tmp_path / name, stdin=content)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).read_bytes() == (tmp_path / "file.tar").read_bytes()


def test_one_end_may_be_the_other(tmp_path: Path) -> None:
    program("convert", MULTI, tmp_path / "a.tar")
    done = program("convert", "-", "-", stdin=MULTI.read_bytes())
    assert done.stdout == (tmp_path / "a.tar").read_bytes()


def test_a_name_picks_from_standard_input(tmp_path: Path) -> None:
    place = "-:greeter:latest"
    done = program("convert", place, tmp_path / "a.tar", stdin=TWO.read_bytes())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"docker.io/library/greeter:latest")


def test_a_name_may_be_given_to_standard_output() -> None:
    done = program("convert", SAMPLES / "crane-386.tar", "-:registry.example/app:v1")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as tar:
        content = tar.extractfile("manifest.json")
        assert content is not None
        assert b'"registry.example/app:v1"' in content.read()


@pytest.mark.parametrize("verb", ["ls", "inspect"])
def test_looking_reads_it_too(verb: str) -> None:
    done = program(verb, "-", stdin=MULTI.read_bytes())
    assert b"registry.example/hello:1" in done.stdout


def test_merge_reads_and_writes_it(tmp_path: Path) -> None:
    amd64 = SAMPLES / "docker-20.10-amd64.tar"
    arguments = ("merge", "-", SAMPLES / "buildx-arm64.tar", "-t", "app:v1", "-o", "-")
    done = program(*arguments, stdin=amd64.read_bytes())
    assert done.returncode == 0, done.stderr
    (tmp_path / "a.tar").write_bytes(done.stdout)
    assert "manifest.json" in tar_files(tmp_path / "a.tar")


def test_it_can_be_one_source_only(ocilayout: CommandLine, tmp_path: Path) -> None:
    ocilayout.refuse(2, "one source only", "convert", "-", "-", tmp_path / "a.tar")


@pytest.mark.parametrize("transport", ["oci", "dir"])
def test_a_folder_cannot_go_there(ocilayout: CommandLine, transport: str) -> None:
    ocilayout.refuse(2, "standard output", "convert", MULTI, f"{transport}:-")


def test_a_terminal_is_spared() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "ocilayout", "convert", str(MULTI), "-"],
        cwd=ROOT,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(theirs)
    os.close(ours)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


@pytest.mark.parametrize("verb", ["convert", "import", "inspect"])
def test_standard_input_that_is_closed_is_told(tmp_path: Path, verb: str) -> None:
    output = [] if verb == "inspect" else [str(tmp_path / "a.tar")]
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-m", "ocilayout", verb, "-", *output],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, b"error: standard input is closed\n")


def test_a_terminal_is_not_waited_for(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with open(theirs, "rb", buffering=0) as terminal:
        done = program("convert", "-", tmp_path / "a.tar", stdin=terminal)
    os.close(ours)
    assert done.returncode == 2
    assert b"terminal" in done.stderr


@pytest.mark.parametrize("content", [b"", b"no tar", MULTI.read_bytes()[:20_000]])
def test_input_that_is_no_image_leaves_nothing(tmp_path: Path, content: bytes) -> None:
    done = program("convert", "-", tmp_path / "a.tar", "--scratch", tmp_path, stdin=content)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: standard input")
    assert done.stderr.count(b"\n") == 1
    assert snapshot(tmp_path) == {}


def test_what_fails_while_it_is_written_is_told_by_the_code(tmp_path: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = program("convert", MULTI, "-", stdout=full.fileno())
    assert done.returncode == 1
    assert b"standard output: No space left on device" in done.stderr
