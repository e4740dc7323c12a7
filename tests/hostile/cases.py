"""What a case is: an input that is built on demand, and how each verb has to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.hostile import tars
from tests.hostile.images import Files

Builder = Callable[[Path], Path]
Spoiler = Callable[[Path], None]


class Verdict(Enum):
    ACCEPT = "exit 0"
    WARN = "exit 0 and a warning"
    REJECT = "exit 1, one error line, nothing written"
    SAID = "refused, or done with a warning"
    EITHER = "refused or done, cleanly"


ACCEPT, WARN, REJECT = Verdict.ACCEPT, Verdict.WARN, Verdict.REJECT
SAID, EITHER = Verdict.SAID, Verdict.EITHER


@dataclass(frozen=True)
class Case:
    id: str
    threat: str
    build: Builder
    ls: Verdict
    inspect: Verdict
    copy: Verdict
    """`convert` to a layout or an OCI archive, nothing recoded."""
    docker: Verdict
    """`convert` to a Docker archive."""
    recode: Verdict
    """`convert --compression`, which inflates the layers."""
    compression: str = "none"
    options: tuple[str, ...] = ()
    transport: str = ""
    seconds: int = 20
    """Of wall-clock time, for one command."""
    memory: int = 130
    """Peak resident MiB, of which about 40 are the interpreter's own."""
    real_process: bool = False
    """Run as a process of its own rather than as a fork of a loaded interpreter."""
    incomplete: bool = False
    """A blob may be absent from the output."""
    verbs: tuple[str, ...] = ()
    """The verbs that are worth their time, where not all are."""


def case(
    name: str,
    threat: str,
    build: Builder,
    copy: Verdict = REJECT,
    *,
    read: Verdict | None = None,
    ls: Verdict | None = None,
    docker: Verdict | None = None,
    recode: Verdict | None = None,
    compression: str = "none",
    options: tuple[str, ...] = (),
    transport: str = "",
    seconds: int = 20,
    memory: int = 130,
    real_process: bool = False,
    incomplete: bool = False,
    verbs: tuple[str, ...] = (),
) -> Case:
    """A case whose verbs all end like `copy`, but for those that are named."""
    inspect = read or copy
    return Case(
        name, threat, build, ls or inspect, inspect, copy, docker or copy, recode or copy,
        compression, options, transport, seconds, memory, real_process,
        incomplete, verbs,
    )  # fmt: skip


def outside(folder: Path) -> Path:
    """The canary: a folder beside the input that no command line names."""
    return folder.parent / "outside"


def write_folder(folder: Path, files: Files) -> Path:
    root = folder / "layout"
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def folder_of(files: Callable[[], Files], spoil: Spoiler = lambda _: None) -> Builder:
    def build(folder: Path) -> Path:
        root = write_folder(folder, files())
        spoil(root)
        return root

    return build


def file_of(content: Callable[[], bytes], name: str = "image.tar") -> Builder:
    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return build


def tar_of(files: Callable[[], Files]) -> Builder:
    return file_of(lambda: tars.tar(files().items()))
