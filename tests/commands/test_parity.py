"""The README's table of docker's flags: each command in it runs."""

import re
import shlex
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.program import ROOT, SAMPLES

README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = README.partition("flag by flag\n")[2].partition("\nNot without")[0]
ROWS = re.findall(r"^\| `(docker [^`]+)`[^|]*\| `ocilayout ([^`]+)`", TABLE, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the commands name."""
    folder = tmp_path_factory.mktemp("files")
    for name, sample in {
        "amd64.tar": "docker-20.10-amd64.tar",
        "arm64.tar": "buildx-arm64.tar",
        "s390x.tar": "buildx-docker-s390x.tar",
    }.items():
        (folder / name).write_bytes((SAMPLES / sample).read_bytes())
    return folder


def test_every_flag_has_a_row() -> None:
    assert len(ROWS) == TABLE.count("\n| `docker ") == 24


@pytest.mark.parametrize(("flag", "arguments"), ROWS, ids=[flag for flag, _ in ROWS])
def test_the_command_of_a_flag_runs(
    ocilayout: CommandLine,
    files: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    flag: str,
    arguments: str,
) -> None:
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    if "app.tar" in arguments:
        ocilayout.succeed("merge", "amd64.tar", "arm64.tar", "-o", "app.tar", "-t", "app:1")
    assert ocilayout.succeed(*shlex.split(arguments)).out
