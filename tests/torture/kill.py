"""P1 and P12: a command that is killed at any system call breaks nothing, and can be run again."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.program import program
from tests.torture import evidence
from tests.torture.commands import Command, prepare
from tests.torture.tracing import Call, points, reads, touches, traced


@dataclass(frozen=True)
class Clean:
    """A command that nothing disturbed."""

    command: Command
    prepared: Path
    old: evidence.Seen
    new: evidence.Seen
    points: tuple[tuple[str, int], ...]
    """The calls at which it can be killed with a difference: by name and number."""
    reads: tuple[tuple[str, int], ...]
    """The calls that read its inputs."""
    worked: Path
    """Where it ran."""
    calls: tuple[Call, ...]
    """All that it did there."""


def clean_run(command: Command, folder: Path) -> Clean:
    """What it changes, and by which calls."""
    prepared, worked = folder / "prepared", folder / "worked"
    prepare(command, prepared)
    shutil.copytree(prepared, worked, symlinks=True)
    done = traced(command.arguments, worked)
    assert done.code == 0, f"{command.name}: {done.err}"
    return Clean(
        command,
        prepared,
        evidence.seen(prepared / command.target),
        evidence.seen(worked / command.target),
        tuple(points(done.calls, lambda call: touches(call, worked))),
        tuple(points(done.calls, lambda call: reads(call, worked))),
        worked,
        done.calls,
    )


def killed(clean: Clean, point: tuple[str, int], folder: Path) -> Iterator[str]:
    """What is broken after a death at that call, and after the next run."""
    command, (call, number) = clean.command, point
    where = f"{command.name}, killed at {call} {number}"
    shutil.copytree(clean.prepared, folder, symlinks=True)
    target = folder / command.target
    done = traced(
        command.arguments, folder, calls=[call], inject=f"{call}:signal=KILL:when={number}"
    )
    if done.code == 0:
        yield f"{where}: it was not killed"
    for problem in evidence.broken(target, clean.old, clean.new):
        yield f"{where}: {problem}"
    if not command.repeats and evidence.seen(target) == clean.new:
        shutil.rmtree(folder)
        return
    again = program(*command.arguments, cwd=folder)
    if again.returncode != 0:
        yield f"{where}: the next run failed: {again.stderr.decode(errors='replace')}"
    elif left := evidence.leftovers(folder):
        yield f"{where}: the next run left {left}"
    elif evidence.seen(target) != clean.new:
        yield f"{where}: the next run gave another result than a clean one"
    shutil.rmtree(folder)
