"""What a job is, and how those who do it are called."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmarks.running import Contender
from scripts.benchmarks.workspace import OURS, Workspace, is_installed, texts

US = "ocilayout"
SKOPEO = ("skopeo", "--insecure-policy", "copy", "--quiet")


@dataclass(frozen=True)
class Plan:
    """A job with its data in place."""

    contenders: Sequence[Contender]
    """The first one is ours."""
    inputs: Sequence[Path]


@dataclass(frozen=True)
class Job:
    """One row of the table of jobs."""

    name: str
    title: str
    plan: Callable[[Workspace], Plan]
    targets: Mapping[str, float] = field(default_factory=dict)
    """The largest ratio of our time to that of a contender."""
    needs: Sequence[str] = ()
    """Verbs and programs without which there is nothing to measure."""
    grows: str | None = None
    """The unit of what doubles, where it is ourselves that we are compared with."""

    def lacking(self) -> list[str]:
        """What it needs and is not here."""
        return [need for need in self.needs if not (_has_verb(need) or is_installed(need))]


def _has_verb(name: str) -> bool:
    return importlib.util.find_spec(f"ocilayout.commands.{name}") is not None


def ours(work: Workspace, output: str | None, *arguments: str | Path) -> Contender:
    outputs = [] if output is None else [work.output(output)]
    return Contender(US, texts(*OURS, *arguments, "--quiet"), outputs)


def peers(*contenders: Contender) -> list[Contender]:
    """Those whose program is installed."""
    return [contender for contender in contenders if is_installed(contender.command[0])]


def skopeo(work: Workspace, source: str, destination: str, output: str, *more: str) -> Contender:
    target = f"{destination}:{work.output(output)}:v1"
    return Contender("skopeo", texts(*SKOPEO, *more, source, target), [work.output(output)])
