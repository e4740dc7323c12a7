"""Runs contenders in turn, A B A B, so that whatever else the machine does falls on all of them."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Sample:
    """What one run cost."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of all threads and child processes, in the program and in the kernel."""
    peak: int
    """Bytes of the largest process."""


@dataclass(frozen=True)
class Contender:
    """One way to do a job."""

    name: str
    command: Sequence[str]
    outputs: Sequence[Path] = ()
    """Files and folders that it makes, removed before and after each run."""
    before: Callable[[], None] = lambda: None
    """What else has to be put back before each run."""
    amount: float | None = None
    """How much it has to do, where a job grows."""


@dataclass(frozen=True)
class Result:
    """All runs of one contender."""

    name: str
    amount: float | None
    samples: list[Sample] = field(default_factory=list)

    @property
    def median(self) -> Sample:
        """Each figure's own median."""
        return Sample(
            statistics.median(sample.wall for sample in self.samples),
            statistics.median(sample.cpu for sample in self.samples),
            int(statistics.median(sample.peak for sample in self.samples)),
        )


class RunFailed(Exception):
    """A contender ended with an error, and so measures nothing."""


def measure(contenders: Sequence[Contender], inputs: Sequence[Path], runs: int) -> list[Result]:
    """Each contender `runs` times, by turns; raises RunFailed."""
    warm(inputs)
    results = [Result(contender.name, contender.amount) for contender in contenders]
    for _ in range(runs):
        for contender, result in zip(contenders, results, strict=True):
            result.samples.append(_run(contender))
    return results


def warm(inputs: Sequence[Path]) -> None:
    """Read the inputs once, so that no run pays for the disk."""
    buffer = bytearray(1 << 20)
    for path in _files(inputs):
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from (
            (inner for inner in path.rglob("*") if inner.is_file()) if path.is_dir() else [path]
        )


def _run(contender: Contender) -> Sample:
    remove(contender.outputs)
    contender.before()
    # What earlier runs left to be written must not hold back this one.
    os.sync()
    with tempfile.NamedTemporaryFile() as output:
        launched = subprocess.run(
            [sys.executable, "-I", "-S", str(_LAUNCH), output.name, *contender.command],
            stdout=subprocess.PIPE,
            check=True,
            cwd=ROOT,
            env=_environment(),
        )
        cost = json.loads(launched.stdout)
        said = Path(output.name).read_text(errors="replace").strip()
    remove(contender.outputs)
    if cost["code"] != 0:
        raise RunFailed(f"{contender.name} ended with {cost['code']}: {said[-500:]}")
    return Sample(cost["wall"], cost["cpu"], cost["peak"])


def _environment() -> dict[str, str]:
    """Ours, but with compiled modules kept, as an installed program has them."""
    return {key: text for key, text in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def remove(outputs: Sequence[Path]) -> None:
    """Remove files and folders, where they are there."""
    for path in outputs:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
