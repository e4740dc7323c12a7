"""manifest.json as Go decodes it: what docker and containerd see, where our reader may bend."""

import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDocument
from ocilayout.protocols import Files
from ocilayout.spec import strict_json
from ocilayout.stores.file_names import MANIFEST
from ocilayout.stores.layout_source import read_small


class SavedItem(NamedTuple):
    """One image of the list, with the names of members as they are written."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


def saved_items(files: Files) -> list[SavedItem] | str | None:
    """The list; a reason where Go cannot decode it, and None where the file is not there."""
    if MANIFEST not in files:
        return None
    try:
        value = strict_json.parse(read_small(files, MANIFEST), MANIFEST)
    except (BlobNotFound, InvalidArchive, InvalidDocument) as error:
        return str(error)
    if value is None:
        return []
    if not isinstance(value, list):
        return f"{MANIFEST} is not a list of images"
    items = [_item(each) for each in value]
    found = [item for item in items if item is not None]
    return found if len(found) == len(items) else f"{MANIFEST} has an entry that is no image"


def absent_members(files: Files, items: list[SavedItem] | str | None) -> tuple[str, ...]:
    """What the list names and the archive has not under exactly this name: `a\\layer.tar`, as old
    daemons on Windows wrote it, is another one."""
    if items is None or isinstance(items, str):
        return ()
    wanted = [name for item in items for name in (item.config, *item.layers)]
    return tuple(name for name in wanted if posixpath.normpath(name or ".") not in files)


def _item(value: object) -> SavedItem | None:
    """The entry, its keys in any case as Go matches them; None where a field is of another type."""
    if value is None:
        return SavedItem("", (), ())
    if not isinstance(value, dict):
        return None
    fields = {str(key).lower(): field for key, field in value.items()}
    config = fields.get("config")
    layers, tags = _texts(fields.get("layers")), _texts(fields.get("repotags"))
    if not isinstance(config, str | None) or layers is None or tags is None:
        return None
    return SavedItem(config or "", layers, tags)


def _texts(value: object) -> tuple[str, ...] | None:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(each, str | None) for each in value):
        return None
    return tuple(_blank_for_null(value))


def _blank_for_null(values: Iterable[object]) -> Iterable[str]:
    return (value if isinstance(value, str) else "" for value in values)
