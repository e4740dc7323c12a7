"""The work folder: data made once and kept, and outputs that come and go."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benchmarks.running import remove

OURS = (sys.executable, "-m", "ocilayout")
"""The program, from this checkout: runs start in its top folder."""
NAME = "registry.example/bench:1"


@dataclass(frozen=True)
class Growth:
    """The amounts at which growing jobs are measured."""

    images: tuple[int, ...]
    layers: tuple[int, ...]
    gibibytes: tuple[float, ...]


@dataclass(frozen=True)
class Workspace:
    """Where data lies, and how much of it there is."""

    folder: Path
    size: int
    """Bytes of the usual root file system."""
    large: int
    """Bytes of the large one."""
    growth: Growth
    stack: ExitStack = field(default_factory=ExitStack)
    """Ends what jobs started, as registries."""

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file or folder `name`, made by `make` where it is not there yet."""
        path = self.folder / "data" / name
        if not path.exists():
            print(f"making {path}", file=sys.stderr, flush=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            partial = path.with_name(f"partial-{path.name}")
            remove([partial])
            make(partial)
            partial.rename(path)
        return path

    def output(self, name: str) -> Path:
        """Where a contender writes."""
        folder = self.folder / "outputs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name


def run_ours(*arguments: str | Path) -> None:
    """Run the program to make data; raises CalledProcessError."""
    run(*OURS, *arguments, "--quiet")


def run(*command: str | Path) -> None:
    """Run a program to make data, or to prepare a run; raises CalledProcessError."""
    subprocess.run(
        [str(part) for part in command],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parents[2],
    )


def is_installed(program: str) -> bool:
    """Whether `program` is found in PATH."""
    return shutil.which(program) is not None


def processors() -> int:
    """How many of them this process may use."""
    return len(os.sched_getaffinity(0))


def texts(*parts: str | Path) -> Sequence[str]:
    """A command, its paths as text."""
    return [str(part) for part in parts]
