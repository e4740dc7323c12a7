"""A folder for one case, and the commands that are run in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.hostile import tars

ROOT = Path(__file__).parents[2]
SECRET = b"canary-7d1f-of-the-host"


@dataclass(frozen=True)
class Run:
    code: int
    stdout: bytes
    stderr: bytes
    forbidden: str
    seconds: float
    memory: int


class Runner:
    """A fork server, and one command after another."""

    def __init__(self, user: int | None = None) -> None:
        """`user` runs the commands, in place of who runs the tests."""
        self._wrapper = _alone() if user is None else (*_alone(), *_as_user(user))

    def __enter__(self) -> Runner:
        self._server = subprocess.Popen(
            [*self._wrapper, sys.executable, "-m", "tests.hostile.fork_server"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.communicate()

    def run(
        self,
        workspace: Workspace,
        arguments: Sequence[str],
        *,
        stdin: str = os.devnull,
        seconds: int = 20,
        real_process: bool = False,
    ) -> Run:
        request = {
            "folder": str(workspace.root),
            "arguments": list(arguments),
            "stdin": stdin,
            "seconds": seconds,
            "real_process": real_process,
            "canary": str(workspace.outside),
        }
        answer = self._ask(request)
        out, err, forbidden = (workspace.root / n for n in ("stdout", "stderr", "forbidden"))
        seen = forbidden.read_text() if forbidden.exists() else ""
        forbidden.unlink(missing_ok=True)
        return Run(
            answer["code"],
            out.read_bytes(),
            err.read_bytes(),
            seen,
            answer["seconds"],
            answer["memory"],
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer


@cache
def _alone() -> tuple[str, ...]:
    """What takes the network away from a command, where that is allowed."""
    unshare = ("unshare", "-n")
    if shutil.which("unshare") is None:
        return ()
    return unshare if subprocess.run([*unshare, "true"], check=False).returncode == 0 else ()


def _as_user(user: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")


@dataclass
class Workspace:
    """A folder with the input, a place for the output, and the canary beside them."""

    root: Path
    before: dict[str, tuple[object, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.input, self.outside, self.output):
            folder.mkdir()
        (self.outside / "secret").write_bytes(SECRET)
        (self.outside / "secret").chmod(0o640)
        (self.outside / "layer.tar").write_bytes(tars.tar([("secret", SECRET)]))

    @property
    def input(self) -> Path:
        return self.root / "input"

    @property
    def outside(self) -> Path:
        return self.root / "outside"

    @property
    def output(self) -> Path:
        return self.root / "output"

    def remember(self) -> None:
        self.before = self._seen()

    def changes(self) -> list[str]:
        """What is no longer as it was, in the input or outside."""
        after = self._seen()
        names = self.before.keys() | after.keys()
        return sorted(name for name in names if self.before.get(name) != after.get(name))

    def _seen(self) -> dict[str, tuple[object, ...]]:
        paths = [self.input, self.outside, *self.input.rglob("*"), *self.outside.rglob("*")]
        return {str(path.relative_to(self.root)): _state(path) for path in paths}


def _state(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    # Beyond that, content is told by the time of its last change.
    small = stat.S_ISREG(found.st_mode) and found.st_size < 1 << 20
    content = hashlib.sha256(path.read_bytes()).digest() if small else found.st_size
    return content, found.st_mode, found.st_mtime_ns, found.st_nlink, found.st_ino
