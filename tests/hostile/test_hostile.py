"""Every hostile input, under every verb that reads: how it ends, and what it leaves."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile import (
    archives,
    blob_files,
    digests,
    documents,
    graphs,
    layers,
    oracle,
    tar_headers,
)
from tests.hostile.cases import Case, Verdict
from tests.hostile.runner import SECRET, Run, Runner, Workspace

MODULES = (digests, blob_files, documents, graphs, archives, tar_headers, layers)
CASES = [case for module in MODULES for case in module.cases()]
OUTPUTS = {
    "oci": "oci:output/out",
    "oci-archive": "oci-archive:output/out.tar",
    "docker-archive": "docker-archive:output/out.tar",
    "recode": "oci:output/out",
}
VERBS = ("ls", "inspect", *OUTPUTS)
# Control characters of both tables, and what turns or breaks a line of a terminal.
UNPRINTABLE = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Built:
    case: Case
    workspace: Workspace
    place: str


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as running:
        yield running


@pytest.fixture(scope="module")
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Built]:
    """The input of a case, for all the verbs that are tried on it."""
    case: Case = request.param
    workspace = Workspace(tmp_path_factory.mktemp("hostile"))
    path = case.build(workspace.input).relative_to(workspace.root)
    workspace.remember()
    yield Built(case, workspace, f"{case.transport}:{path}" if case.transport else str(path))
    shutil.rmtree(workspace.root)


def expected(case: Case, verb: str) -> Verdict:
    verdicts = {
        "ls": case.ls,
        "inspect": case.inspect,
        "docker-archive": case.docker,
        "recode": case.recode,
    }
    return verdicts.get(verb, case.copy)


def arguments(case: Case, verb: str, place: str) -> list[str]:
    if verb not in OUTPUTS:
        return [verb, place]
    recoding = ["--compression", case.compression] if verb == "recode" else []
    return ["convert", place, OUTPUTS[verb], *case.options, *recoding]


@pytest.mark.parametrize(
    ("built", "verb"),
    [pytest.param(case, verb, id=f"{case.id}-{verb}") for case in CASES for verb in VERBS],
    indirect=["built"],
    scope="module",
)
def test_ends_cleanly(built: Built, verb: str, runner: Runner) -> None:
    case, workspace = built.case, built.workspace
    done = runner.run(
        workspace,
        arguments(case, verb, built.place),
        seconds=case.seconds,
        real_process=case.real_process,
    )
    try:
        assert_contained(done, case, workspace)
        assert_verdict(done, expected(case, verb))
        assert_output(done, case, verb, workspace)
    finally:
        empty(workspace.output)


def assert_contained(done: Run, case: Case, workspace: Workspace) -> None:
    said = done.stdout + done.stderr
    assert done.code in (0, 1), f"exit code {done.code} after {done.seconds:.1f} s: {said!r}"
    assert b"Traceback" not in said, said.decode(errors="replace")
    assert not UNPRINTABLE.search(said.decode()), said
    assert SECRET not in said
    assert done.forbidden == ""
    assert workspace.changes() == []
    assert done.memory <= case.memory, f"{done.memory} MiB"


def assert_verdict(done: Run, verdict: Verdict) -> None:
    lines = done.stderr.decode().splitlines()
    assert all(line.startswith(("error: ", "warning: ", "note: ")) for line in lines), lines
    warned = any(line.startswith("warning: ") for line in lines)
    if done.code:
        assert len(lines) == 1, lines
        assert lines[0].startswith("error: "), lines
        assert done.stdout == b""
    allowed = {
        Verdict.ACCEPT: not done.code,
        Verdict.WARN: not done.code and warned,
        Verdict.REJECT: bool(done.code),
        Verdict.SAID: bool(done.code) or warned,
        Verdict.EITHER: True,
    }
    assert allowed[verdict], f"wanted: {verdict.value}; was: exit {done.code}, {lines}"


def assert_output(done: Run, case: Case, verb: str, workspace: Workspace) -> None:
    """Nothing, or one sound image under the name that was asked for."""
    left = sorted(path.name for path in workspace.output.iterdir())
    if done.code or verb not in OUTPUTS:
        assert left == []
        return
    place = Path(OUTPUTS[verb].partition(":")[2])
    assert left == [place.name]
    files = oracle.read_files(workspace.root / place)
    assert not any(SECRET in content for content in files.values())
    assert list(oracle.problems(files, sparse="keep" in case.options)) == []
    if verb == "recode":
        assert list(oracle.layer_problems(files)) == []
    if verb == "oci" and case.copy is Verdict.ACCEPT and not case.options:
        assert_same_images(workspace, files)


def assert_same_images(workspace: Workspace, files: dict[str, bytes]) -> None:
    """A manifest keeps its digest where nothing is recoded."""
    layout = workspace.input / "layout"
    if layout.is_dir():
        before = oracle.entries({"index.json": (layout / "index.json").read_bytes()})
        assert oracle.entries(files) == before


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
