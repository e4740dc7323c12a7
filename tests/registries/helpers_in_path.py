"""Credential helpers for tests: shell scripts in a folder that comes first in PATH."""

import os
from pathlib import Path

import pytest


def add_helper(
    monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, name: str = "test"
) -> None:
    """Put `docker-credential-NAME` in PATH; what it is asked is kept in the file `asked`."""
    folder.mkdir(exist_ok=True)
    program = folder / f"docker-credential-{name}"
    program.write_text(
        f"#!/bin/sh\nserver=$(cat)\necho {name} $1 $server >>{folder}/asked\n{script}\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def asked(folder: Path) -> list[str]:
    """What the helpers were asked, a line for each question: name, verb, server."""
    path = folder / "asked"
    return path.read_text().splitlines() if path.exists() else []
