"""A folder that is open below one descriptor, and whether all descriptors were closed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocilayout.folders import FolderFiles


@contextmanager
def opened_folder(parent: Path) -> Iterator[FolderFiles]:
    """A folder `layout`, with the folder `outside` beside it; leaves no descriptor open."""
    (parent / "layout").mkdir()
    (parent / "outside").mkdir()
    before = open_files()
    with FolderFiles(parent / "layout") as files:
        yield files
    assert open_files() == before


def open_files() -> list[str]:
    """Where the descriptors of this process lead."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue
    return sorted(found)
