"""Finds image files in a folder by looking into them."""

import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.real.readers import Reading, open_files, opened, read, recognize


def discover(root: Path) -> list[Path]:
    """Every tar, OCI layout and `dir:` folder below the root, in a fixed order."""
    return list(_below(root))


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            if _is_tar(path):
                yield path
        elif _is_image_folder(path):
            yield path
        elif path.is_dir():
            yield from _below(path)


def _is_image_folder(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return "index.json" in names or {"version", "manifest.json"} <= names


def _is_tar(path: Path) -> bool:
    with path.open("rb") as content:
        block = opened(content).read(tarfile.BLOCKSIZE)
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


@cache
def dialect(path: Path) -> str:
    with open_files(path) as files:
        return recognize(files)


@cache
def reading(path: Path) -> Reading:
    """What an artefact holds; read once, since nothing may change it."""
    return read(path)
