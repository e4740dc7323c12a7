"""What lies in a layout folder, whatever its index says: blobs by name, and what others left."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDigest
from ocilayout.folders import FolderFiles
from ocilayout.partial import is_partial_name
from ocilayout.spec.digest import HEX_LENGTHS, Digest

_INGEST = "ingest"


@dataclass(frozen=True)
class LayoutFile:
    """A file, or a folder of what was being written, of a layout."""

    path: str
    """Below the layout."""
    size: int
    """Bytes."""
    is_shared: bool = False
    """Whether it has another name elsewhere, so that its removal frees nothing."""


def listed_blobs(files: FolderFiles) -> tuple[Mapping[Digest, LayoutFile], Sequence[str]]:
    """The files that are named as blobs, and what else lies among them; raises InvalidArchive."""
    listing: dict[Digest, LayoutFile] = {}
    strays: list[str] = []
    try:
        with files.folder("blobs") as blobs:
            algorithms = sorted(os.listdir(blobs))
    except BlobNotFound:
        return {}, ()
    for algorithm in algorithms:
        if algorithm not in HEX_LENGTHS:
            strays.append(f"blobs/{algorithm}")
            continue
        with files.folder(f"blobs/{algorithm}") as folder:
            for name in sorted(os.listdir(folder)):
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                digest = _digest(algorithm, name)
                path = f"blobs/{algorithm}/{name}"
                if digest is not None and stat.S_ISREG(found.st_mode):
                    listing[digest] = LayoutFile(path, found.st_size, found.st_nlink > 1)
                else:
                    strays.append(path)
    return listing, strays


def _digest(algorithm: str, name: str) -> Digest | None:
    try:
        return Digest.parse(f"{algorithm}:{name}")
    except InvalidDigest:
        return None


def leftovers(files: FolderFiles) -> list[LayoutFile]:
    """What our own commands write, or left when they were killed."""
    return [
        LayoutFile(name, _size(name, files.fd)) for name in files.names() if is_partial_name(name)
    ]


def ingesting(files: FolderFiles) -> list[LayoutFile]:
    """What is in the folder where containerd's and oras's stores write what is not yet a blob."""
    try:
        with files.folder(_INGEST) as folder:
            return [
                LayoutFile(f"{_INGEST}/{name}", _size(name, folder))
                for name in sorted(os.listdir(folder))
            ]
    except (BlobNotFound, InvalidArchive):
        return []


def _size(name: str, folder: int) -> int:
    """Bytes of a file, or of all files below a folder, through no link."""
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        return found.st_size
    return sum(
        os.stat(file, dir_fd=inner, follow_symlinks=False).st_size
        for _, _, names, inner in os.fwalk(name, dir_fd=folder, follow_symlinks=False)
        for file in names
    )


def remove_ingest(files: FolderFiles) -> None:
    """Empty that folder; it stays, as a running store would miss it."""
    try:
        with files.folder(_INGEST) as folder:
            for name in os.listdir(folder):
                if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                    shutil.rmtree(Path(f"/proc/self/fd/{folder}") / name)
                else:
                    os.unlink(name, dir_fd=folder)
            os.fsync(folder)
    except (BlobNotFound, InvalidArchive):
        return
