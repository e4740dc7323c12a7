"""P5 on disks that are too small: all of it is there in the end, or nothing is."""

import random
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.image_files import write_docker_archive, write_layout
from tests.images import make_image, make_layer, make_source, make_tar
from tests.torture import evidence
from tests.torture.measuring import MIB, Cost, cost

_OUTPUTS = {
    "a layout": ("convert", "oci:layout", "layout"),
    "a layout that is there": ("convert", "oci:there", "there"),
    "a tar": ("convert", "image.tar", "image.tar"),
    "a compressed tar": ("convert", "image.tar.zst", "image.tar.zst"),
    "dir:": ("convert", "dir:image", "image"),
    "a root file system": ("export", "rootfs", "rootfs"),
}


@dataclass(frozen=True)
class Limit:
    """What there is too little of, and how much."""

    what: str
    count: int

    def __str__(self) -> str:
        return f"{self.count} {self.what}"


KIB, INODES, FILE_KIB, SCRATCH_KIB = "KiB of disk", "inodes", "KiB a file", "KiB of scratch"


def limits() -> Iterator[Limit]:
    """From 1 to 8 MiB, few inodes, small files, little scratch; the image has about 5 MiB."""
    yield from (Limit(KIB, count * 512) for count in range(2, 17))
    yield from (Limit(INODES, count) for count in range(2, 16))
    yield from (Limit(FILE_KIB, count) for count in (1, 64, 1024, 2048, 4096, 8192))
    yield from (Limit(SCRATCH_KIB, count * 512) for count in range(1, 12, 2))


@cache
def may_mount() -> bool:
    """Whether disks can be made here."""
    return shutil.which("mount") is not None and (
        subprocess.run(["mount", "-f", "-t", "tmpfs", "none", "/mnt"], check=False).returncode == 0
    )


@contextmanager
def disk(folder: Path, *options: str) -> Iterator[Path]:
    """A file system of its own, while the block runs."""
    folder.mkdir()
    stated = ["-o", ",".join(options)] if options else []
    subprocess.run(["mount", "-t", "tmpfs", *stated, "none", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def large_image(folder: Path) -> Path:
    """An archive of two layers, of 3 and 2 MiB that do not compress."""
    noise = random.Random(0)
    layers = [make_tar({f"{size}": noise.randbytes(size * MIB)}) for size in (3, 2)]
    return write_docker_archive(folder / "large.tar", "registry.example/new:v1", layers=layers)


@dataclass(frozen=True)
class Attempt:
    problems: tuple[str, ...]
    fitted: bool


def attempt(image: Path, output: str, limit: Limit, folder: Path) -> Attempt:
    """One conversion where there may be too little."""
    verb, place, target = _OUTPUTS[output]
    arguments = [verb, str(image), place]
    if verb == "convert":
        arguments += ["--compression", "zstd", "--jobs", "1"]
    options = {KIB: f"size={limit.count}k", INODES: f"nr_inodes={limit.count}"}
    scratch = f"size={limit.count}k" if limit.what == SCRATCH_KIB else "size=16m"
    with (
        disk(folder / "disk", *([options[limit.what]] if limit.what in options else [])) as here,
        disk(folder / "scratch", scratch) as scratch_here,
    ):
        if not _prepared(here, target):
            return Attempt((), False)
        if limit.what == SCRATCH_KIB and verb == "convert":
            arguments += ["--scratch", str(scratch_here)]
        old = evidence.seen(here)
        done = cost(arguments, here, _limits_of(limit))
        problems = [*_problems(done, here, target, old)]
        problems += [f"scratch holds {path}" for path in evidence.leftovers(scratch_here)]
        named = (f"{output} with {limit}: {problem}" for problem in problems)
        return Attempt(tuple(named), done.code == 0)


def _limits_of(limit: Limit) -> dict[int, int]:
    return {resource.RLIMIT_FSIZE: limit.count * 1024} if limit.what == FILE_KIB else {}


def _prepared(here: Path, target: str) -> bool:
    if target == "there":
        try:
            image = make_image(layers=[make_layer("old")]).named("registry.example/old:v1")
            write_layout(here / target, make_source(image))
        except OSError:
            return False
    return True


def _problems(done: Cost, here: Path, target: str, old: evidence.Seen) -> Iterator[str]:
    if left := evidence.leftovers(here):
        yield f"left {left}"
    if done.code == 0:
        yield from evidence.damage(here / target)
        return
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    if done.code != 1 or len(errors) != 1 or "Traceback" in done.err:
        yield f"exit code {done.code}, {done.err!r}"
    if evidence.seen(here) != old:
        yield f"failed, but left {sorted(evidence.seen(here).keys() ^ old.keys())}"


def outputs() -> tuple[str, ...]:
    """What is written to a disk that is too small."""
    return tuple(_OUTPUTS)
