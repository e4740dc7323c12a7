"""P5: a call that fails ends in one line and changes nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.torture import evidence
from tests.torture.kill import Clean
from tests.torture.order import LINKS, RENAMES
from tests.torture.tracing import Call, Ended, traced

ERRORS = {
    "openat": ("EACCES", "EMFILE", "ENOSPC", "EROFS"),
    "write": ("ENOSPC", "EIO", "EFBIG"),
    "writev": ("ENOSPC", "EIO"),
    "pwrite64": ("ENOSPC", "EIO"),
    "copy_file_range": ("ENOSPC", "EIO"),
    "sendfile": ("ENOSPC", "EIO"),
    "ftruncate": ("ENOSPC", "EIO"),
    "fsync": ("EIO", "ENOSPC"),
    "fdatasync": ("EIO", "ENOSPC"),
    "fchmod": ("EPERM", "EROFS"),
    "rename": ("EACCES", "EIO", "ENOSPC", "EROFS"),
    "renameat": ("EACCES", "EIO", "ENOSPC", "EROFS"),
    "renameat2": ("EACCES", "EIO", "ENOSPC", "EROFS"),
    "link": ("EACCES", "EIO", "ENOSPC", "EROFS"),
    "linkat": ("EACCES", "EIO", "ENOSPC", "EROFS"),
    "symlinkat": ("EACCES", "ENOSPC"),
    "mkdir": ("EACCES", "ENOSPC", "EROFS"),
    "mkdirat": ("EACCES", "ENOSPC", "EROFS"),
    "utimensat": ("EPERM", "EIO"),
    "close": ("EIO",),
    "read": ("EIO",),
    "pread64": ("EIO",),
}
"""How each call can fail."""

PLACING = RENAMES | LINKS | {"unlinkat"}
"""What makes a result: where nothing is written, what is taken away."""

Fault = tuple[str, int, str]
"""A call's name and number, and how it fails."""


def faults(clean: Clean) -> list[Fault]:
    """Every way in which a call of that command can fail."""
    called = (*clean.points, *clean.reads)
    return [(call, number, error) for call, number in called for error in ERRORS.get(call, ())]


def failed(clean: Clean, fault: Fault, folder: Path) -> Iterator[str]:
    """What is wrong with how a command ends that meets this fault, and with what it leaves."""
    command, (call, number, error) = clean.command, fault
    where = f"{command.name}, {error} at {call} {number}"
    shutil.copytree(clean.prepared, folder, symlinks=True)
    rule = f"{call}:error={error}:when={number}"
    done = traced(command.arguments, folder, calls={call, "fsync", *PLACING}, inject=rule)
    now = evidence.seen(folder / command.target)
    if left := evidence.leftovers(folder):
        yield f"{where}: left {left}"
    if done.code == 0:
        # There was another way: a copy where no link can be, or nobody minds.
        if now != clean.new:
            yield f"{where}: it said that all is well, but the result is another"
    else:
        yield from (f"{where}: {problem}" for problem in _untidy(done, call))
        if call == "fsync" and (again := retried(done)):
            yield f"{where}: synced again: {again}"
        if now != clean.old and not (now == clean.new and _came_last(done)):
            yield f"{where}: failed, but changed {command.target}"
    shutil.rmtree(folder)


def _untidy(done: Ended, call: str) -> Iterator[str]:
    if any(call.failed and call.name == "write" and call.text[:2] == "2<" for call in done.calls):
        # A worker met the fault, and then so did the line that tells of it.
        return
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    if done.code != 1 or len(errors) != 1 or "Traceback" in done.err:
        yield f"exit code {done.code}, {done.err!r}"
    elif call != "close" and ": " not in errors[0].removeprefix("error: "):
        yield f"does not say where: {errors[0]}"


def _came_last(done: Ended) -> bool:
    """Whether all was in place already when the call failed.

    The new one is there then, whole, and yet the command fails: since a power cut may undo what
    could not be synced, or since it could not tell what it did.
    """
    placed = max((n for n, call in enumerate(done.calls) if _places(call)), default=-1)
    first = next((n for n, call in enumerate(done.calls) if "INJECTED" in call.text), -1)
    return -1 < placed < first


def _places(call: Call) -> bool:
    return call.name in PLACING and not call.failed


def retried(done: Ended) -> list[str]:
    """Files that were synced again after that had failed: the second time proves nothing."""
    bad: set[str] = set()
    again = []
    for call in done.calls:
        file = call.text.partition(")")[0]
        if call.name == "fsync" and file in bad:
            again.append(file)
        if call.name == "fsync" and call.failed:
            bad.add(file)
    return again
