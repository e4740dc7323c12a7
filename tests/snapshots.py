"""What is in files, read by other means than the code under test."""

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ocilayout.graph import manifests_below, open_verified, platform_of, walk
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import names_of


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder; the bytes of files, None for folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def unchanged(folder: Path) -> Iterator[None]:
    """Asserts that nothing below a folder changes."""
    before = snapshot(folder)
    yield
    assert snapshot(folder) == before


def tar_files(path: Path) -> dict[str, bytes]:
    """The files of a tar, compressed outside or not, by name."""
    files = {}
    with tarfile.open(path) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                files[member.name] = content.read()
    return files


def tar_json(path: Path, name: str) -> Any:
    """A JSON document in a tar."""
    return json.loads(tar_files(path)[name])


def manifest_json(path: Path) -> list[dict[str, Any]]:
    """What a Docker archive lists."""
    found: list[dict[str, Any]] = tar_json(path, "manifest.json")
    return found


def contents_of(source: ImageSource) -> dict[Digest, bytes]:
    """Every blob that a source leads to, verified."""
    found = {}
    for descriptor in walk(source):
        with open_verified(source, descriptor) as content:
            found[descriptor.digest] = content.read()
    return found


def names_in(source: ImageSource) -> dict[str, Digest]:
    """Every name that a source lists, and where it leads."""
    return {name: entry.digest for entry in source.index.children for name in names_of(entry)}


def platforms_in(source: ImageSource) -> list[str]:
    """The platforms of the images that a source leads to, in order."""
    below = manifests_below(source, source.index.children)
    images = [descriptor for descriptor in below if not is_listed_referrer(descriptor)]
    return [str(descriptor.platform or platform_of(source, descriptor)) for descriptor in images]
