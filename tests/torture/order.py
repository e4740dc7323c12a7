"""P1 under a power cut: what lies under a name was made durable before the name was given.

A file system may keep renames and lose what was written before them, and may keep any of the
renames since the folder was last synced. So of each prefix of a command's calls this asks: is all
that was renamed into place synced, and all that index.json leads to also in synced folders?
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.tracing import Call, paths

_OPENED = re.compile(r"= (\d+)<([^>]*?)(?:\(deleted\))?>")
_DESCRIPTOR = re.compile(r"^\d+<([^>]*?)(?:\(deleted\))?>")
_DESCRIPTORS = "/proc/self/fd/"
WRITES = {"write", "writev", "pwrite64", "ftruncate"}
COPIES = {"copy_file_range", "sendfile"}
RENAMES = {"rename", "renameat", "renameat2"}
LINKS = {"link", "linkat"}


@dataclass
class Disk:
    """What a power cut may take."""

    root: Path
    dirty: set[str] = field(default_factory=set)
    """Files with bytes that were not synced."""
    unnamed: set[str] = field(default_factory=set)
    """Paths that their folders may forget."""
    opened: dict[str, str] = field(default_factory=dict)
    """The path of each descriptor, as it was when it was opened."""

    def problems(self, calls: Iterable[Call]) -> Iterator[str]:
        """What is wrong with the order of these calls, all by one command."""
        for call in calls:
            if not call.failed:
                yield from self._after(call)
        # What never had a name is scratch.
        lost = {path for path in self.dirty | self.unnamed if "/#" not in path}
        if lost:
            yield f"at the end {sorted(lost)} may be lost"

    def _after(self, call: Call) -> Iterator[str]:
        if call.name == "openat" and (match := _OPENED.search(call.text)):
            self.opened[match[1]] = match[2]
        elif call.name in WRITES | COPIES:
            self.dirty |= {path for path in _written(call) if self._is_here(path)}
        elif call.name in {"fsync", "fdatasync"}:
            self._synced(_descriptor(call))
        elif call.name in {"mkdir", "mkdirat"}:
            self.unnamed |= {path for path in paths(call, self.root) if self._is_here(path)}
        elif call.name in RENAMES | LINKS:
            old, new = paths(call, self.root)
            if old.startswith(_DESCRIPTORS):
                old = self.opened.get(old.removeprefix(_DESCRIPTORS), old)
            if self._is_here(new):
                yield from self._named(old, new, moved=call.name in RENAMES)
        elif call.name in {"unlink", "unlinkat", "rmdir"}:
            for path in paths(call, self.root):
                self._gone(path)

    def _named(self, old: str, new: str, moved: bool) -> Iterator[str]:
        if lost := sorted(path for path in self.dirty if f"{path}/".startswith(f"{old}/")):
            yield f"{new} was put in place before {lost} was synced"
        others = {path for path in self.unnamed if path != old and not is_new_name(path)}
        # Without the folders above it all is as it was.
        others = {path for path in others if not new.startswith(f"{path}/")}
        inner = {path for path in others if f"{path}/".startswith(f"{old}/")}
        if os.path.basename(new) == "index.json" and (early := sorted(others - {new})):
            yield f"index.json was put in place before the folders of {early} were synced"
        if inner:
            yield f"{new} was put in place before the folders of {sorted(inner)} were synced"
        if moved:
            self._gone(old)
        self.unnamed.add(new)

    def _gone(self, path: str) -> None:
        inside = f"{path}/"
        self.dirty = {each for each in self.dirty if not f"{each}/".startswith(inside)}
        self.unnamed = {each for each in self.unnamed if not f"{each}/".startswith(inside)}

    def _synced(self, path: str) -> None:
        self.dirty.discard(path)
        self.unnamed = {each for each in self.unnamed if os.path.dirname(each) != path}

    def _is_here(self, path: str) -> bool:
        return f"{path}/".startswith(f"{self.root}/")


def is_new_name(path: str) -> bool:
    """Whether it is a partial name, which nothing refers to."""
    return os.path.basename(path).startswith(".ocilayout-")


def _descriptor(call: Call) -> str:
    match = _DESCRIPTOR.match(call.text)
    return match[1] if match else ""


def _written(call: Call) -> list[str]:
    if call.name not in COPIES:
        return [_descriptor(call)]
    named = re.findall(r"\d+<([^>]*)>", call.text)
    # copy_file_range has its output behind, sendfile in front.
    return named[1:2] if call.name == "copy_file_range" else named[:1]
