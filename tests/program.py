"""The program in a process of its own, where the way it is started matters."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"

Done = subprocess.CompletedProcess[bytes]


def program(
    *arguments: str | Path,
    cwd: Path = ROOT,
    stdin: bytes | IO[bytes] = b"",
    stdout: int = subprocess.PIPE,
    umask: int = -1,
    environment: dict[str, str] | None = None,
) -> Done:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "ocilayout", *map(str, arguments)],
        cwd=cwd,
        env=surroundings(environment),
        umask=umask,
        stdout=stdout,
        stderr=subprocess.PIPE,
        input=stdin if isinstance(stdin, bytes) else None,
        stdin=None if isinstance(stdin, bytes) else stdin,
        timeout=60,
        check=False,
    )


def started(*arguments: str | Path, cwd: Path) -> subprocess.Popen[bytes]:
    """Start it, with pipes to its standard streams."""
    return subprocess.Popen(
        [sys.executable, "-m", "ocilayout", *map(str, arguments)],
        cwd=cwd,
        env=surroundings(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def surroundings(more: dict[str, str] | None = None) -> dict[str, str]:
    """An environment in which the package is found from any folder."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(more or {})}
