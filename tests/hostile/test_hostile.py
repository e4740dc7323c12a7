"""Every hostile input, under every verb that reads: how it ends, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hostile import (
    archives,
    blob_files,
    descriptors,
    digests,
    docker_archives,
    documents,
    graphs,
    layers,
    oracle,
    skopeo_dirs,
    tar_headers,
    tar_sizes,
    texts,
    weights,
)
from tests.hostile.cases import Case, Verdict
from tests.hostile.runner import SECRET, Run, Runner, Workspace

OF_TARS = (archives, docker_archives, tar_headers, tar_sizes)
OTHERS = (
    digests,
    descriptors,
    blob_files,
    documents,
    graphs,
    texts,
    skopeo_dirs,
    layers,
    weights,
)
EVERYTHING = "HOSTILE_ALL" in os.environ
OUTPUTS = {
    "oci": "oci:output/out",
    "oci-archive": "oci-archive:output/out.tar",
    "docker-archive": "docker-archive:output/out.tar",
    "recode": "oci:output/out",
    "stdin": "oci:output/out",
}
VALIDATE = "validate"
READERS = ("ls", "inspect")
LOOKS = (*READERS, VALIDATE)
# What follows the place, of which there is one more where two are compared.
OTHER_VERBS = {
    "diff": ["{place}", "--files"],
    "tag": ["app:new", "--dry-run"],
    "untag": ["--drop", "--dry-run"],
    "annotate": ["--annotation", "key=value", "--dry-run"],
    "gc": ["--dry-run"],
}
CODES = {VALIDATE: (0, 1, 3), **dict.fromkeys(OTHER_VERBS, (0, 1, 2))}
# What no reader minds since nothing refers to it, and whoever reuses it is harmed.
DAMAGED_ALL_THE_SAME = {"stray-files"}
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


def verbs_of(number: int, case: Case, outputs: Sequence[str]) -> Sequence[str]:
    """One verb, another for each case; all where HOSTILE_ALL is in the environment."""
    every = (*(case.verbs or (*READERS, *outputs)), VALIDATE, *OTHER_VERBS)
    return every if EVERYTHING else [every[number % len(every)]]


def cases() -> Iterator[tuple[Case, tuple[str, ...]]]:
    """Every case, with the verbs that write what it holds."""
    writing = tuple(OUTPUTS)
    for modules, outputs in ((OF_TARS, writing), (OTHERS, writing[:-1])):
        for module in modules:
            for case in module.cases():
                yield case, outputs


def matrix() -> Iterator[tuple[Case, str]]:
    for number, (case, outputs) in enumerate(cases()):
        for verb in verbs_of(number, case, outputs):
            yield case, verb


def expected(case: Case, verb: str) -> Verdict:
    verdicts = {
        "ls": case.ls,
        "ls --json": case.ls,
        "inspect --json": case.inspect,
        "inspect": case.inspect,
        "docker-archive": case.docker,
        "recode": case.recode,
    }
    return verdicts.get(verb, case.copy)


def arguments(case: Case, verb: str, place: str) -> list[str]:
    if verb in OTHER_VERBS:
        return [verb, place, *(word.format(place=place) for word in OTHER_VERBS[verb])]
    if verb not in OUTPUTS:
        return [*verb.split(), place]
    recoding = ["--compression", case.compression] if verb == "recode" else []
    return ["convert", place, OUTPUTS[verb], *case.options, *recoding]


@pytest.mark.parametrize(
    ("built", "verb"),
    [pytest.param(case, verb, id=f"{case.id}: {verb}") for case, verb in matrix()],
    indirect=["built"],
    scope="module",
)
def test_ends_cleanly(built: Built, verb: str, runner: Runner) -> None:
    case, workspace = built.case, built.workspace
    transport, _, path = built.place.rpartition(":")
    place = f"{transport}:-".removeprefix(":") if verb == "stdin" else built.place
    done = runner.run(
        workspace,
        arguments(case, verb, place),
        stdin=path if verb == "stdin" and (workspace.root / path).is_file() else os.devnull,
        seconds=case.seconds,
        real_process=case.real_process,
    )
    try:
        assert_contained(done, case, workspace, CODES.get(verb, (0, 1)))
        if verb in OTHER_VERBS:
            return
        if verb == VALIDATE:
            assert_found(done, case)
            return
        assert_verdict(done, expected(case, verb))
        if verb.endswith("--json") and not done.code:
            json.loads(done.stdout)
        assert_output(done, case, verb, workspace)
    finally:
        empty(workspace.output)


def assert_contained(done: Run, case: Case, workspace: Workspace, codes: Collection[int]) -> None:
    said = done.stdout + done.stderr
    assert done.code in codes, f"exit code {done.code} after {done.seconds:.1f} s: {said!r}"
    assert b"Traceback" not in said, said.decode(errors="replace")
    assert not UNPRINTABLE.search(said.decode()), said
    assert SECRET not in said
    assert done.forbidden == ""
    assert workspace.changes() == []
    assert done.memory <= case.memory, f"{done.memory} MiB"


def assert_found(done: Run, case: Case) -> None:
    """What no verb takes has an error; what all take has none."""
    verdicts = {case.ls, case.inspect, case.copy, case.docker, case.recode}
    if verdicts == {Verdict.REJECT}:
        assert done.code, done.stdout
    if verdicts <= {Verdict.ACCEPT, Verdict.WARN} and case.id not in DAMAGED_ALL_THE_SAME:
        assert not done.code, done.stdout


def assert_verdict(done: Run, verdict: Verdict) -> None:
    lines = done.stderr.decode().splitlines()
    assert all(line.startswith(("error: ", "warning: ", "note: ")) for line in lines), lines
    warned = any(line.startswith("warning: ") for line in lines)
    if done.code:
        assert [line.startswith("error: ") for line in lines].count(True) == 1, lines
        assert lines[-1].startswith("error: "), lines
        assert done.stdout == b""
    if verdict is Verdict.REJECT:
        assert len(lines) == 1, lines
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
    assert list(oracle.problems(files, sparse=case.incomplete)) == []
    if verb == "recode" and not case.incomplete:
        assert list(oracle.layer_problems(files)) == []
    if verb == "oci" and case.copy is Verdict.ACCEPT and not case.options:
        assert_same_images(workspace, files)


def assert_same_images(workspace: Workspace, files: dict[str, bytes]) -> None:
    """A manifest keeps its digest where nothing is recoded."""
    index = workspace.input / "layout" / "index.json"
    if index.is_file():
        before = oracle.entries({"index.json": index.read_bytes()})
        assert oracle.entries(files) == before


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
