"""Links among what manifest.json names: tools differ in which of them they follow."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ocilayout.engines.saved_list import SavedItem
from ocilayout.errors import BlobNotFound, InvalidArchive
from ocilayout.protocols import Files
from ocilayout.stores.file_names import MANIFEST
from ocilayout.tar_file import TarFile


class Linked(NamedTuple):
    """A member that is a link."""

    kind: str
    """`symlink` or `hardlink`."""
    target: str
    """The name of the file that it leads to; empty where that is none."""


def saved_links(files: Files, items: Sequence[SavedItem] | str | None) -> Mapping[str, Linked]:
    """manifest.json, configs and layers that are links, by their names as they are written."""
    if not isinstance(files, TarFile) or items is None or isinstance(items, str):
        return {}
    kinds = dict(files.walk())
    wanted = {MANIFEST, *(name for item in items for name in (item.config, *item.layers))}
    return {
        name: Linked(kinds[name], _target(files, name))
        for name in wanted
        if kinds.get(name) in {"symlink", "hardlink"}
    }


def _target(files: TarFile, name: str) -> str:
    try:
        return files.resolved(name)
    except (BlobNotFound, InvalidArchive):
        return ""
