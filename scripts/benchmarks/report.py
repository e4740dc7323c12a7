"""Tables of what was measured, for people and for programs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benchmarks.jobs import Job
from scripts.benchmarks.running import Result

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
MAX_DOUBLING = 2.2
"""How much longer twice the work may take."""
_MIB = 1 << 20


@dataclass(frozen=True)
class Measured:
    """A job and what came of it."""

    job: Job
    results: Sequence[Result]


def markdown(
    measured: Sequence[Measured], skipped: Mapping[str, str], about: Mapping[str, str]
) -> str:
    """All tables."""
    compared = [one for one in measured if one.job.grows is None]
    grown = [one for one in measured if one.job.grows is not None]
    lines = _table(("what", "is"), about.items())
    if compared:
        head = ("job", "by", "time", "ours is", "at most", "CPU", "memory")
        lines += ["", *_table(head, (row for one in compared for row in _compared(one)))]
    if grown:
        head = ("job", "amount", "time", "each doubling", "at most", "CPU", "memory")
        lines += ["", *_table(head, (row for one in grown for row in _grown(one)))]
    if skipped:
        lines += ["", *(f"- {name} was not run: {reason}." for name, reason in skipped.items())]
    return "\n".join(lines) + "\n"


def fields(
    measured: Sequence[Measured], skipped: Mapping[str, str], about: Mapping[str, str]
) -> dict[str, object]:
    """The same, with every run: seconds and bytes."""
    return {
        "about": dict(about),
        "skipped": dict(skipped),
        "jobs": [_fields(one) for one in measured],
    }


def update(page: Path, tables: str) -> None:
    """Put the tables into a page, between its marks; raises ValueError where there are none."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks the lines {BEGIN} and {END}")
    page.write_text(f"{before}{begin}\n\n{tables}\n{end}{after}")


def misses(measured: Iterable[Measured]) -> list[str]:
    """What took longer than it may, in words."""
    return [
        f"{one.job.name}: {ratio:.2f} against {name}, {most:g} at most"
        for one in measured
        for name, ratio, most in _judged(one)
        if ratio > most
    ]


def _judged(one: Measured) -> Iterable[tuple[str, float, float]]:
    if one.job.grows is not None:
        pairs = zip(one.results, one.results[1:], strict=False)
        for earlier, later in pairs:
            yield later.name, _doubling(earlier, later), MAX_DOUBLING
        return
    ours, *others = one.results
    for other in others:
        most = one.job.targets.get(other.name)
        if most is not None:
            yield other.name, ours.median.wall / other.median.wall, most


def _compared(one: Measured) -> Iterable[Sequence[str]]:
    ours, *others = one.results
    yield (one.job.title, f"**{ours.name}**", *_cost(ours, "", ""))
    for other in others:
        ratio = f"{ours.median.wall / other.median.wall:.2f} ×"
        most = one.job.targets.get(other.name)
        yield ("", other.name, *_cost(other, ratio, "" if most is None else f"{most:g} ×"))


def _grown(one: Measured) -> Iterable[Sequence[str]]:
    earlier: Result | None = None
    for result in one.results:
        title = one.job.title if earlier is None else ""
        doubling = "" if earlier is None else f"{_doubling(earlier, result):.2f} ×"
        most = "" if earlier is None else f"{MAX_DOUBLING:g} ×"
        yield (title, f"{result.amount:,.4g} {one.job.grows}", *_cost(result, doubling, most))
        earlier = result


def _doubling(earlier: Result, later: Result) -> float:
    """What twice the work costs, if each doubling between the two cost the same."""
    assert earlier.amount is not None
    assert later.amount is not None
    doublings = math.log2(later.amount / earlier.amount)
    return float((later.median.wall / earlier.median.wall) ** (1 / doublings))


def _cost(result: Result, ratio: str, most: str) -> Sequence[str]:
    cost = result.median
    return (f"{cost.wall:.2f} s", ratio, most, f"{cost.cpu:.2f} s", f"{cost.peak / _MIB:.0f} MiB")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _fields(one: Measured) -> dict[str, object]:
    return {
        "name": one.job.name,
        "title": one.job.title,
        "targets": dict(one.job.targets),
        "results": [
            {
                "by": result.name,
                "amount": result.amount,
                "runs": [
                    {"wall": run.wall, "cpu": run.cpu, "peak": run.peak} for run in result.samples
                ],
            }
            for result in one.results
        ],
    }
