"""Nothing outside is touched: seen in the system calls, and for a user who may do little."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.cases import Case
from tests.hostile.runner import Runner, Workspace
from tests.hostile.test_hostile import EVERYTHING, assert_contained, cases
from tests.torture import tracing
from tests.torture.tracing import Call

NOBODY = 1000
CHANGING = {
    *("openat", "open", "creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"),
    *("chmod", "fchmodat", "chown", "lchown", "fchownat", "utimensat", "truncate", "mknod"),
    *("mknodat", "setxattr", "lsetxattr"),
}
_WRITES = re.compile("O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")


def sample(step: int) -> Iterator[Case]:
    """Every so manieth case that is light."""
    light = [case for case, _ in cases() if not case.real_process]
    yield from light[:: 1 if EVERYTHING else step]


def touched(call: Call, cwd: Path) -> list[str]:
    """The paths that a call may change; scratch without a name is none."""
    if call.name == "openat" and ("O_TMPFILE" in call.text or not _WRITES.search(call.text)):
        return []
    return tracing.paths(call, cwd)


@pytest.mark.skipif(not tracing.works(), reason="strace is not installed, or not allowed here")
@pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in sample(90)])
@pytest.mark.parametrize("verb", ["convert", "export"])
def test_system_calls_change_the_output_alone(case: Case, verb: str, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    place = case.build(workspace.input).relative_to(tmp_path)
    shown = f"{case.transport}:{place}" if case.transport else str(place)
    done = tracing.traced([verb, shown, "output/out"], tmp_path, calls=["%file"])
    assert "Traceback" not in done.err
    allowed = (f"{workspace.output}/", "/dev/null", "/proc/self/fd/")
    strangers = {
        path
        for call in done.calls
        if call.name in CHANGING and not call.failed
        for path in touched(call, tmp_path)
        if not f"{path}/".startswith(allowed)
    }
    assert strangers == set()
    assert not any(str(workspace.outside) in path for call in done.calls for path in read(call))


def read(call: Call) -> list[str]:
    """The paths of what a call opened."""
    return re.findall(r"= \d+<([^>]*)>", call.text)


@pytest.fixture(scope="module")
def nobody() -> Iterator[Runner]:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root may run commands as another user")
    with Runner(user=NOBODY) as runner:
        yield runner


@pytest.fixture
def theirs() -> Iterator[Workspace]:
    """A workspace of that user, where that user comes to; the canary is not."""
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        os.chmod(folder, 0o755)
        workspace = Workspace(Path(folder))
        for path in (workspace.root, workspace.output):
            os.chown(path, NOBODY, NOBODY)
        yield workspace


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in sample(40)])
@pytest.mark.parametrize("verb", ["convert", "export"])
def test_a_user_without_rights_gets_an_answer(
    case: Case, verb: str, nobody: Runner, theirs: Workspace
) -> None:
    place = case.build(theirs.input).relative_to(theirs.root)
    theirs.remember()
    shown = f"{case.transport}:{place}" if case.transport else str(place)
    done = nobody.run(theirs, [verb, shown, "output/out"], seconds=case.seconds)
    assert_contained(done, case, theirs, codes=(0, 1))
    assert (theirs.output / "out").exists() == (done.code == 0)
