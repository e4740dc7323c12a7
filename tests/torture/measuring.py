"""What a run costs: time, and memory at its peak."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.program import surroundings

MIB = 1 << 20
_LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True)
class Cost:
    code: int
    err: str
    cpu: float
    """Seconds of all threads: what others do on this machine does not count."""
    peak: float
    """MiB that were resident at once."""


def cost(
    arguments: Sequence[str | Path], cwd: Path, limits: Mapping[int, int] | None = None
) -> Cost:
    """Run the program to its end, what it prints thrown away, under these limits of `resource`."""
    launcher = [sys.executable, "-I", str(_LAUNCHER), json.dumps(dict(limits or {}))]
    done = subprocess.run(
        [*launcher, sys.executable, "-m", "ocilayout", *map(str, arguments)],
        cwd=cwd,
        env=surroundings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        errors="replace",
        check=True,
    )
    found = json.loads(done.stdout)
    peak = found["peak"] / (MIB if sys.platform == "darwin" else 1024)
    return Cost(found["code"], done.stderr, found["cpu"], peak)
