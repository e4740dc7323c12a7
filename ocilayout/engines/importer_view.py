"""An archive as containerd's importer goes through it: regular files by name, then symlinks.

The source of all is containerd:core/images/archive/importer.go, seen with containerd 2 of August
2026. What is no regular file and no symlink is passed over, a hard link too.
"""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from ocilayout.engines.saved_list import SavedItem, saved_items
from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDocument
from ocilayout.protocols import Files
from ocilayout.spec import strict_json
from ocilayout.stores.file_names import INDEX, MANIFEST, MARKER
from ocilayout.stores.layout_source import read_small
from ocilayout.tar_file import TarFile

_LAYOUT_VERSION = "1.0.0"


@dataclass(frozen=True)
class ImporterView:
    """What the importer makes of an archive before it looks at any image."""

    is_layout: bool
    """Whether it goes by index.json; else by manifest.json."""
    problem: str | None
    """Why it takes nothing of the file; None where it goes on."""
    is_empty: bool = False
    """Whether the document that it goes by lists nothing."""
    items: tuple[SavedItem, ...] = ()
    """What manifest.json lists, where it goes by that."""
    missing: frozenset[str] = frozenset()
    """Which of `digest` and `mediaType` an entry of index.json lacks."""


NOT_IMPORTED = ImporterView(False, "it is a directory")


def importer_view(files: Files) -> ImporterView:
    """How the importer reads the file."""
    kinds = dict(files.walk()) if isinstance(files, TarFile) else {}
    is_file = {name for name, kind in kinds.items() if kind == "file"}
    items = saved_items(files) if MANIFEST in is_file else None
    if isinstance(items, str):
        return ImporterView(False, f"it cannot decode manifest.json: {items}")
    if MARKER in is_file:
        return _layout_view(files, is_file)
    if items is None:
        return ImporterView(False, f"{_lacking(kinds)}: unrecognized image format")
    links = dict(files.symlinks()) if isinstance(files, TarFile) else {}
    problem = next(_member_problems(items, is_file, links), None)
    return ImporterView(False, problem, not items, tuple(items))


def _layout_view(files: Files, is_file: Iterable[str]) -> ImporterView:
    try:
        marker = strict_json.parse_object(read_small(files, MARKER), MARKER)
        version = marker.get("imageLayoutVersion")
        if version != _LAYOUT_VERSION:
            return ImporterView(True, f"oci-layout has version {version!r}: unsupported")
        if INDEX not in is_file:
            return ImporterView(True, "it has an oci-layout, and no index.json that is a file")
        index = strict_json.parse_object(read_small(files, INDEX), INDEX)
    except (BlobNotFound, InvalidArchive, InvalidDocument) as error:
        return ImporterView(True, str(error))
    listed = index.get("manifests") or []
    entries = [each for each in listed if isinstance(each, dict)] if _is_list(listed) else []
    missing = {key for key in ("digest", "mediaType") for each in entries if not each.get(key)}
    return ImporterView(True, None, not entries, missing=frozenset(missing))


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)


def _lacking(kinds: Mapping[str, str]) -> str:
    if MANIFEST in kinds:
        return f"manifest.json is a {kinds[MANIFEST]}, which is passed over"
    if INDEX in kinds:
        return "it lacks an oci-layout file"
    return "it lacks index.json and manifest.json"


def _member_problems(
    items: Iterable[SavedItem], is_file: set[str], links: Mapping[str, str]
) -> Iterator[str]:
    known = set(is_file)
    for name, target in links.items():
        leads_to = posixpath.normpath(posixpath.join(posixpath.dirname(name), target.lstrip("/")))
        if leads_to not in is_file:
            yield f"no target for symlink layer from {name!r} to {leads_to!r}"
        known.add(name)
    for item in items:
        if item.config not in known:
            yield f"image config {item.config!r} not found"
        for layer in item.layers:
            if layer not in known:
                yield f"layer {layer!r} not found"
