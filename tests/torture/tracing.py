"""Runs of the program under strace: what it called, and runs in which one call goes wrong."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.program import surroundings

READS = ("read", "pread64")
CALLS = (
    *("openat", "write", "writev", "pwrite64", "copy_file_range", "sendfile", "ftruncate"),
    *("fsync", "fdatasync", "fchmod", "utimensat", "flock", "close", "exit_group"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlinkat"),
    *("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat"),
    *READS,
)
"""What changes files, their names or their locks: between two of these nothing on disk changes."""

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")
_RESULT = re.compile(r"\) += (-?\d+)")
_NAMED = re.compile(r"(?:\d+<([^>]*)>, |AT_FDCWD(?:<[^>]*>)?, )?\"([^\"]*)\"")


@dataclass(frozen=True)
class Call:
    """A system call, with the paths of its descriptors beside them."""

    process: int
    name: str
    number: int
    """Which of its thread's calls of this name it is; strace counts so too."""
    text: str
    """What stands behind the parenthesis: its arguments, and what came of it."""

    @property
    def failed(self) -> bool:
        result = _RESULT.search(self.text)
        return result is not None and int(result[1]) < 0


def paths(call: Call, cwd: Path) -> list[str]:
    """What a call names, each as a whole path; it was called in the folder `cwd`."""
    return [os.path.normpath(os.path.join(cwd, at, name)) for at, name in _NAMED.findall(call.text)]


@dataclass(frozen=True)
class Ended:
    code: int
    """As a shell has it: negative where a signal ended it."""
    out: str
    err: str
    calls: tuple[Call, ...]


@cache
def works() -> bool:
    """Whether strace is installed, and allowed here."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-qq", "true"], capture_output=True, check=False).returncode == 0
    )


def traced(
    arguments: Sequence[str],
    cwd: Path,
    *,
    inject: str = "",
    calls: Iterable[str] = CALLS,
    wrapper: Sequence[str] = (),
) -> Ended:
    """Run the program to its end; `inject` is a rule of strace, as `fsync:error=EIO:when=3`."""
    with tempfile.NamedTemporaryFile("r", errors="replace", prefix="torture-") as log:
        tracer = ["strace", "-f", "-y", "-qq", "-s", "4096", "-o", log.name]
        if "signal=" not in inject:
            # Much faster, but no signal is injected then.
            tracer.append("--seccomp-bpf")
        tracer += ["-e", f"trace={','.join(calls)}", "-e", "signal=none"]
        if inject:
            tracer += ["-e", f"inject={inject}"]
        command = [*wrapper, *tracer, sys.executable, "-m", "ocilayout", *arguments]
        done = subprocess.run(
            command,
            cwd=cwd,
            env=surroundings({"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}),
            capture_output=True,
            errors="replace",
            timeout=120,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr, tuple(_calls(log)))


def _calls(lines: Iterable[str]) -> Iterator[Call]:
    counted: Counter[tuple[int, str]] = Counter()
    unfinished: dict[int, str] = {}
    for line in lines:
        if "resumed>" in line:
            process = int(line.split(None, 1)[0])
            start, end = unfinished.pop(process, ""), line.partition("resumed>")[2]
            line = start + end
        elif line.endswith("<unfinished ...>\n"):
            unfinished[int(line.split(None, 1)[0])] = line.removesuffix(" <unfinished ...>\n")
            continue
        if match := _LINE.match(line):
            process, name = int(match[1]), match[2]
            counted[process, name] += 1
            yield Call(process, name, counted[process, name], match[3])


def points(calls: Iterable[Call], wanted: Callable[[Call], bool]) -> list[tuple[str, int]]:
    """The names and numbers of the calls that are wanted, once each, in order."""
    return list(dict.fromkeys((call.name, call.number) for call in calls if wanted(call)))


def touches(call: Call, folder: Path) -> bool:
    """Whether a call may change something in the folder, or lets go of something there."""
    if call.name == "exit_group":
        return True
    if call.name == "openat" and "O_CREAT" not in call.text and "O_TMPFILE" not in call.text:
        return False
    if call.name == "close" and ".ocilayout-" not in call.text and ".lock" not in call.text:
        # It was only read.
        return False
    return call.name not in READS and _is_below(call, folder)


def reads(call: Call, folder: Path) -> bool:
    """Whether a call reads from a file in the folder."""
    return call.name in READS and _is_below(call, folder)


def _is_below(call: Call, folder: Path) -> bool:
    return str(folder) in call.text
