"""Hostile inputs under the verbs that change an image where it is.

In CI one case of twelve under one verb each; with HOSTILE_ALL in the environment all under all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile import images, oracle
from tests.hostile.cases import Case
from tests.hostile.runner import Runner, Workspace
from tests.hostile.test_hostile import EVERYTHING, assert_contained, cases
from tests.torture.evidence import leftovers

EDITS = {
    "tag": ("tag", "{}", "registry.example/new:v1"),
    "untag": ("untag", "{}:registry.example/app:v1"),
    "annotate": ("annotate", "{}", "--annotation", "index-descriptor:a=b"),
    "gc": ("gc", "{}"),
    "convert into it": ("convert", "oci:good", "{}"),
    "export": ("export", "{}", "output/rootfs"),
}

LARGE = 1 << 30
"""Bytes; holes count."""


def matrix() -> Iterator[tuple[Case, str]]:
    every = list(EDITS)
    light = (case for case, _ in cases() if not case.real_process)
    for number, case in enumerate(light):
        if EVERYTHING:
            yield from ((case, verb) for verb in every)
        elif number % 12 == 0:
            yield case, every[number // 12 % len(every)]


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    place = Workspace(tmp_path)
    good = tmp_path / "good"
    for name, content in images.layout().items():
        path = good / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


@pytest.mark.parametrize(
    ("case", "verb"), [pytest.param(c, v, id=f"{c.id}: {v}") for c, v in matrix()]
)
def test_ends_cleanly_or_changes_nothing(
    case: Case, verb: str, runner: Runner, workspace: Workspace
) -> None:
    built = case.build(workspace.input)
    if not built.exists():
        pytest.skip("there is nothing to edit")
    if built.stat().st_size > LARGE:
        pytest.skip("an edit copies all of it")
    copy = workspace.output / built.name
    # Pipes and devices too, and holes stay holes.
    subprocess.run(["cp", "-a", "--sparse=always", built, copy], check=True)
    workspace.remember()
    before = state(copy)
    place = f"{case.transport}:" * bool(case.transport) + str(copy.relative_to(workspace.root))
    arguments = [part.format(place) for part in EDITS[verb]]
    try:
        done = runner.run(workspace, arguments, seconds=case.seconds)
        assert_contained(done, case, workspace, codes=(0, 1, 2))
        if done.code or verb == "export":
            assert state(copy) == before
        if done.code:
            assert not (workspace.output / "rootfs").exists()
        assert leftovers(workspace.output) == []
        if verb == "gc" and not done.code:
            assert harm(copy) <= harm(built)
    finally:
        shutil.rmtree(workspace.root)


def harm(place: Path) -> set[str]:
    """What an honest reader would find missing or wrong there."""
    return set(oracle.problems(oracle.read_files(place), sparse=False))


def state(place: Path) -> dict[str, tuple[int, int, str]]:
    """What each file is, by its inode and size; but for the lock, which stays."""
    paths = [place, *(place.rglob("*") if place.is_dir() else ())]
    return {
        str(path.relative_to(place)): _seen(path)
        for path in paths
        if path.name != "index.json.lock"
    }


def _seen(path: Path) -> tuple[int, int, str]:
    found = path.lstat()
    is_folder = path.is_dir() and not path.is_symlink()
    target = os.readlink(path) if path.is_symlink() else ""
    # A folder may have had a lock or a blob put into it and taken out again.
    return (found.st_ino, 0 if is_folder else found.st_size, target)
