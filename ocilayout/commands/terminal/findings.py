"""What verifying found, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass

import click

from ocilayout.commands.terminal.printing import counted, human_size, printable
from ocilayout.problems import KINDS, LEVELS, Level, Problem
from ocilayout.verify import Verification


@dataclass(frozen=True)
class Findings:
    """What was found in one place."""

    place: str
    dialect: str | None
    """None where it could not be opened."""
    problems: Sequence[Problem]
    verification: Verification | None
    fast: bool
    """Whether layers were left unread."""

    def count(self, level: Level) -> int:
        """How many findings are of a level, listed or not."""
        if self.verification is None:
            return sum(problem.level == level for problem in self.problems)
        counts = self.verification.counts.items()
        return sum(count for code, count in counts if KINDS[code].level == level)


def echo_findings(findings: Findings, quiet: bool) -> None:
    """A line for each, errors alone where it is to be quiet."""
    shown = [problem for problem in findings.problems if problem.level == "error" or not quiet]
    if shown:
        click.echo("\n".join(printable(_line(findings.place, problem)) for problem in shown))


def _line(place: str, problem: Problem) -> str:
    where = "" if problem.where == place else f"{problem.where}: "
    return f"{place}: {problem.level}: {where}{problem.text}; {problem.remedy} [{problem.code}]"


def say_summary(findings: Findings) -> None:
    """One line on standard error: what was looked at, and how much was found."""
    counts = [counted(findings.count(level), level) for level in LEVELS if findings.count(level)]
    found = ", ".join(counts) or "no problem found"
    line = f"{findings.place}: {_looked_at(findings)}{found}"
    click.echo(printable(line), err=True)


def _looked_at(findings: Findings) -> str:
    verification = findings.verification
    if verification is None:
        return ""
    read = human_size(verification.bytes_read)
    how = f"{read} read, but no layers (--fast)" if findings.fast else f"{read} read"
    images = counted(verification.images, "image")
    return f"{images}, {counted(verification.layers, 'layer')}, {how}: "


def findings_fields(findings: Findings) -> dict[str, object]:
    """The same as JSON."""
    verification = findings.verification
    return {
        "place": findings.place,
        "dialect": findings.dialect,
        "images": verification.images if verification else 0,
        "layers": verification.layers if verification else 0,
        "bytes_read": verification.bytes_read if verification else 0,
        "layers_read": not findings.fast,
        **{f"{level}s": findings.count(level) for level in LEVELS},
        "problems": [_problem_fields(problem) for problem in findings.problems],
    }


def _problem_fields(problem: Problem) -> dict[str, str]:
    return {
        "level": problem.level,
        "code": problem.code,
        "where": problem.where,
        "text": problem.text,
        "remedy": problem.remedy,
    }
