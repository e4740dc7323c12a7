"""The program as a user runs it, and what a refusal of it looks like."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

Arguments = str | Path
Done = subprocess.CompletedProcess[str]


def ocilayout(*arguments: Arguments, environment: Mapping[str, str] | None = None) -> Done:
    return subprocess.run(
        [sys.executable, "-m", "ocilayout", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **(environment or {})},
    )


def succeed(*arguments: Arguments, environment: Mapping[str, str] | None = None) -> str:
    """What it says on standard output."""
    done = ocilayout(*arguments, environment=environment)
    assert done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


def assert_refused(done: Done, *mentions: str) -> None:
    """Exit code 1, and one line that says why."""
    assert done.returncode == 1, f"exit code {done.returncode}: {done.stdout}{done.stderr}"
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for mention in mentions:
        assert mention in done.stderr
