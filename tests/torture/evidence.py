"""What a command leaves on disk, judged without the package's own readers."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import zstandard

from tests.hostile import oracle

Seen = dict[str, str]
"""The digest of every file by its path, `folder` for folders and `-> x` for links."""


def seen(place: Path) -> Seen:
    """Everything at and below a place but the lock, which stays; nothing where it is not there."""
    if not os.path.lexists(place):
        return {}
    below = sorted(place.rglob("*")) if place.is_dir() and not place.is_symlink() else []
    return {
        str(path.relative_to(place)): _state(path)
        for path in (place, *below)
        if path.name != "index.json.lock"
    }


def _state(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    return "folder" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


def leftovers(folder: Path) -> list[str]:
    """What has a partial name, anywhere below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".ocilayout-*"))


def broken(place: Path, old: Seen, new: Seen) -> Iterator[str]:
    """What is wrong with a place after a run that died: nothing may be half of it.

    Of a layout index.json is the old or the new one, and all that it leads to is whole; anything
    else is the old or the new as a whole.
    """
    now = seen(place)
    if "index.json" not in old | new or not place.is_dir():
        if now not in (old, new):
            yield f"{place.name} is neither the old one nor the new one"
        return
    if now.get("index.json") not in (old.get("index.json"), new.get("index.json")):
        yield "index.json is neither the old one nor the new one"
    if "index.json" in now:
        yield from oracle.problems(oracle.read_files(place))
    elif now:
        yield f"{place.name} is there without an index.json"


def damage(place: Path) -> Iterator[str]:
    """What is wrong with a layout or a tar that was written to its end."""
    if not os.path.lexists(place):
        yield f"{place.name} is not there"
    elif place.suffix == ".zst":
        with tempfile.TemporaryDirectory(prefix="torture-") as folder:
            plain = Path(folder) / "image.tar"
            with place.open("rb") as packed, plain.open("wb") as out:
                zstandard.ZstdDecompressor().copy_stream(packed, out)
            yield from damage(plain)
    elif place.suffix == ".tar" or (place / "index.json").exists():
        yield from oracle.problems(oracle.read_files(place))
