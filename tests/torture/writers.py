"""P7: many processes use one layout at once, and nothing is lost."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import oracle
from tests.image_files import write_docker_archive
from tests.images import make_layer
from tests.program import program

_SHARED = make_layer("shared", 2000)
REF_NAME = "io.containerd.image.name"


@dataclass(frozen=True)
class Crowd:
    """What came of many processes that wrote and read at once."""

    wanted: int
    found: int
    """Names that the layout has in the end."""
    reads: int
    problems: tuple[str, ...]


def crowd(folder: Path, processes: int, rounds: int, readers: int = 2) -> Crowd:
    """Each of the processes adds an image a round, while others look, all to one new layout."""
    layout, over, problems = folder / "layout", threading.Event(), list[str]()
    names = {f"registry.example/app:{who}-{n}" for who in range(processes) for n in range(rounds)}
    with ThreadPoolExecutor(processes + readers) as pool:
        looking = [pool.submit(_look, layout, over, problems) for _ in range(readers)]
        adding = [pool.submit(_add, folder, who, rounds, problems) for who in range(processes)]
        for each in adding:
            each.result()
        over.set()
        reads = sum(each.result() for each in looking)
    problems += oracle.problems(oracle.read_files(layout))
    found = set(_names(layout)) & names
    return Crowd(len(names), len(found), reads, tuple(problems))


def _add(folder: Path, who: int, rounds: int, problems: list[str]) -> None:
    for number in range(rounds):
        name = f"registry.example/app:{who}-{number}"
        layers = [_SHARED, make_layer(f"{who} {number}", 500)]
        image = write_docker_archive(folder / f"{who}-{number}.tar", name, layers=layers)
        done = program("convert", image, f"oci:{folder / 'layout'}")
        if done.returncode != 0:
            problems.append(f"{name}: {done.stderr.decode()}")


def _look(layout: Path, over: threading.Event, problems: list[str]) -> int:
    reads = 0
    # Once at least, though all may be done by the time that one looks.
    while not (over.is_set() and reads):
        if not (layout / "index.json").exists():
            time.sleep(0.01)
            continue
        for verb in ("ls", "inspect"):
            done = program(verb, layout)
            reads += 1
            if done.returncode != 0 and b"several images" not in done.stderr:
                problems.append(f"{verb}: {done.stderr.decode()}")
    return reads


def _names(layout: Path) -> Iterator[str]:
    for entry in json.loads((layout / "index.json").read_bytes())["manifests"]:
        yield entry["annotations"][REF_NAME]


def gc_races(folder: Path, rounds: int) -> str:
    """Writers, readers and gc on one layout; what it says. Raises CalledProcessError."""
    command = [sys.executable, "-m", "tests.stores.gc_races", str(folder / "layout"), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout.strip()
