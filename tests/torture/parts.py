"""The parts of the harness: each tries one promise, whole or sampled, and says what it saw."""

import compileall
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count, pairwise
from pathlib import Path
from typing import TypeVar

from tests.program import ROOT
from tests.torture import fuzz as fuzzing
from tests.torture import growth
from tests.torture import space as spaces
from tests.torture import writers as crowds
from tests.torture.commands import COMMANDS, Command, pulls
from tests.torture.faults import failed
from tests.torture.faults import faults as faults_of
from tests.torture.kill import Clean, clean_run, killed
from tests.torture.order import Disk
from tests.torture.parsers import PARSERS

_T = TypeVar("_T")


@dataclass(frozen=True)
class Effort:
    """How much is tried."""

    step: int = 1
    """Every how manieth point."""
    rounds: int = 500
    """Of gc against writers; a 25th of it for each of eight writers."""
    gigabytes: float = 10
    examples: int = 20_000
    """Inputs a parser."""
    seconds: int = 30
    """For each parser, where atheris is installed."""
    workers: int = 1
    corpus: Path | None = None
    """Image files of other tools, beside samples/."""


@dataclass(frozen=True)
class Outcome:
    """What one part has to say."""

    promises: str
    said: str
    problems: tuple[str, ...] = ()


@contextmanager
def _workplace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        yield Path(folder)


@contextmanager
def clean_runs() -> Iterator[list[Clean]]:
    """Every command, run once without a fault; its registry stays while the block runs."""
    with ExitStack() as stack:
        folder = stack.enter_context(_workplace())
        # A run that still has to compile modules makes more calls, and what is counted would shift.
        compileall.compile_dir(ROOT / "ocilayout", quiet=1)
        commands: tuple[Command, ...] = (*COMMANDS, *stack.enter_context(pulls()))
        yield [clean_run(command, _made(folder / str(n))) for n, command in enumerate(commands)]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def tried(
    tries: Iterable[tuple[Clean, _T]],
    attempt: Callable[[Clean, _T, Path], Iterator[str]],
    effort: Effort,
) -> tuple[int, tuple[str, ...]]:
    """How many were tried, and what went wrong."""
    numbers = count()
    chosen = list(tries)[:: effort.step]

    def one(pair: tuple[Clean, _T]) -> list[str]:
        clean, point = pair
        return list(attempt(clean, point, clean.prepared.with_name(f"try-{next(numbers)}")))

    with ThreadPoolExecutor(effort.workers) as pool:
        problems = [problem for found in pool.map(one, chosen) for problem in found]
    return len(chosen), tuple(problems)


def too_early(runs: Iterable[Clean]) -> list[str]:
    """What commands put in place before it was durable."""
    return [
        f"{clean.command.name}: {problem}"
        for clean in runs
        if clean.command.durable
        for problem in Disk(clean.worked).problems(clean.calls)
    ]


def kill(effort: Effort) -> Outcome:
    """SIGKILL at every call that changes anything on disk."""
    with clean_runs() as runs:
        points = ((clean, point) for clean in runs for point in clean.points)
        number, problems = tried(points, killed, effort)
    said = (
        f"{number} crash points in {len(runs)} commands: {len(problems)} broken, "
        "each next run like a clean one"
    )
    return Outcome("P1 P12", said, problems)


def faults(effort: Effort) -> Outcome:
    """Every call fails in every way that it can."""
    with clean_runs() as runs:
        wanted = ((clean, fault) for clean in runs for fault in faults_of(clean))
        number, problems = tried(wanted, failed, effort)
    said = (
        f"{number} faults in {len(runs)} commands: {len(problems)} partial outputs or unclean ends"
    )
    return Outcome("P5", said, problems)


def order(effort: Effort) -> Outcome:
    """What is written, synced and renamed comes in an order that a power cut cannot harm."""
    with clean_runs() as runs:
        problems = too_early(runs)
        lasting = [clean for clean in runs if clean.command.durable]
        calls = sum(len(clean.points) for clean in lasting)
    said = (
        f"{calls} writes, syncs and renames in {len(lasting)} commands: {len(problems)} too early"
    )
    return Outcome("P1", said, tuple(problems))


def space(effort: Effort) -> Outcome:
    """Disks, scratch and files of a few MiB or inodes."""
    if not spaces.may_mount():
        return Outcome("P5", "left out: disks cannot be mounted here")
    wanted = [(output, limit) for output in spaces.outputs() for limit in spaces.limits()]
    chosen = wanted[:: effort.step]
    with _workplace() as folder:
        image = spaces.large_image(folder)
        tries = [spaces.attempt(image, output, limit, folder) for output, limit in chosen]
    problems = tuple(problem for each in tries for problem in each.problems)
    fitted = sum(each.fitted for each in tries)
    said = (
        f"{len(tries)} runs with too little space, inodes or file size: {fitted} fitted, "
        f"{len(tries) - fitted} failed, {len(problems)} partial outputs"
    )
    return Outcome("P5", said, problems)


def writers(effort: Effort) -> Outcome:
    """Eight processes write into one layout while others read it."""
    rounds = max(2, effort.rounds // 25)
    with _workplace() as folder:
        seen = crowds.crowd(folder, processes=8, rounds=rounds)
    lost = [f"{seen.wanted - seen.found} names were lost"] * (seen.found != seen.wanted)
    said = f"8 writers × {rounds} rounds: {seen.found} of {seen.wanted} names"
    return Outcome(
        "P7",
        f"{said}; {seen.reads} reads meanwhile, {len(seen.problems)} failures",
        (*seen.problems, *lost),
    )


def gc(effort: Effort) -> Outcome:
    """Garbage is collected while names move and others read."""
    with _workplace() as folder:
        try:
            said = crowds.gc_races(folder, effort.rounds)
        except AssertionError as error:
            return Outcome("P6 P7", "something was lost", (str(error),))
    return Outcome("P6 P7", f"{effort.rounds} rounds of gc against 3 writers and a reader: {said}")


def hostile(effort: Effort) -> Outcome:
    """Every hostile input under every verb, as root and as nobody in particular."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(effort.workers), "tests/hostile"]
    everything = {**os.environ, "HOSTILE_ALL": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=everything, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    said = lines[-1].strip("= ") if lines else "nothing was run"
    if done.returncode == 0:
        return Outcome("P2 P3 P9 P11", f"{said}: no traceback, no hang, no touch outside")
    found = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return Outcome("P2 P3 P9 P11", said, tuple(found) or (done.stdout + done.stderr,))


def engines(effort: Effort) -> Outcome:
    """What `check` says of files of every kind, and each fix that it prints, in real engines."""
    tests = ("tests/real/test_kinds.py", "tests/real/test_load_matrix.py")
    corpus = [f"--corpus={effort.corpus.resolve()}"] if effort.corpus else []
    workers = ["-n", str(effort.workers), "--dist=loadgroup"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *workers, *corpus, *tests],
        cwd=ROOT,
        env={**os.environ, "KINDS_ALL": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    said = lines[-1].strip("= ") if lines else "nothing was run"
    found = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    if done.returncode != 0 and not found:
        found = [done.stdout + done.stderr]
    return Outcome("docs/engines.md", said, tuple(found))


def memory(effort: Effort) -> Outcome:
    """A layer of many gigabytes, 100,000 entries, thousands of layers and images."""
    problems: list[str] = []
    peaks, ratios = [], []
    with _workplace() as folder:
        growth.large_layout(folder, int(effort.gigabytes * growth.GIB))
        for arguments in growth.LARGE:
            done = growth.memory(arguments, folder)
            peaks.append(done.peak)
            problems += [f"{' '.join(arguments)}: {found}" for found in growth.costly(done)]
    for grown in growth.GROWTHS:
        with _workplace() as folder:
            costs = growth.costs(grown, folder)
        ratios.append(max(b.cpu / a.cpu for a, b in pairwise(costs)))
        problems += [f"{grown.name}: {found}" for found in growth.steeper(costs)]
    said = (
        f"{effort.gigabytes:g} GiB in one layer: at most {max(peaks):.0f} MiB; twice as many "
        f"entries, layers or images: at most {max(ratios):.1f} times as long in "
        f"{len(growth.GROWTHS)} jobs"
    )
    return Outcome("P4", said, tuple(problems))


def fuzz(effort: Effort) -> Outcome:
    """Bytes without end for every parser."""
    by_atheris = fuzzing.atheris_is_here()
    problems = []
    for name, parser in PARSERS.items():
        try:
            if by_atheris:
                fuzzing.by_atheris(name, effort.seconds)
            else:
                fuzzing.by_hypothesis(parser, effort.examples)
        except Exception as error:
            problems.append(f"{name}: {error!r} {getattr(error, '__notes__', '')}")
    each = f"{effort.seconds} s by atheris" if by_atheris else f"{effort.examples} by Hypothesis"
    said = f"{len(PARSERS)} parsers, {each} each: {len(problems)} raise what they must not"
    return Outcome("P9", said, tuple(problems))


PARTS: Mapping[str, Callable[[Effort], Outcome]] = {
    "order": order,
    "kill": kill,
    "faults": faults,
    "space": space,
    "writers": writers,
    "gc": gc,
    "hostile": hostile,
    "engines": engines,
    "memory": memory,
    "fuzz": fuzz,
}
