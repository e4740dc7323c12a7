"""What a tar or a directory is that holds no image, and what to type instead.

Imported only where a place was not recognized. Its names are looked at, and the first bytes of
some of its files.
"""

import os
from collections.abc import Iterator
from itertools import islice

from ocilayout.errors import NotAnImage, OciLayoutError
from ocilayout.file_kinds import shown
from ocilayout.magic import codec_name
from ocilayout.notices import some_of
from ocilayout.protocols import Files
from ocilayout.stores.file_names import INDEX, MANIFEST, MARKER
from ocilayout.stores.tree_kinds import KINDS, LATE_KINDS, TreeKind, TreeNames, kind_of
from ocilayout.suffixes import tar_suffix
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_end import is_header

_MAX_HEADS = 200
"""Members of a tar, or files of a directory, whose heads are read."""
_SHOWN = 80
"""Letters of a name that are shown."""


def tree_refusal(files: Files, path: str | None) -> NotAnImage:
    """The error for a tar or a directory, at `path`, in which no store recognizes its own."""
    names = TreeNames.of(files.names())
    if not names.top:
        return NotAnImage(
            f"{files.label} is an empty {'directory' if files.is_folder else 'tar'}",
            "name what docker save, podman save or buildx wrote",
        )
    kind = kind_of(names, KINDS)
    if kind is not None:
        return _of_kind(kind, files, path)
    layouts = _layouts(files, names)
    archives = list(islice(_archives(files, names), 4))
    if files.is_folder and layouts + archives:
        return _directory_of((archives + layouts)[0], files, path)
    if layouts:
        return _tar_around(layouts, "a layout", files, path)
    if archives:
        return _tar_around(archives, "archives", files, path)
    kind = kind_of(names, LATE_KINDS)
    if kind is not None:
        return _of_kind(kind, files, path)
    if MANIFEST in names.top:
        return NotAnImage(f"{files.label} has a {MANIFEST}, but not one that lists images")
    called = "a directory" if files.is_folder else "a tar"
    shown_names = some_of([name[:_SHOWN] for name in sorted(names.top)], 3)
    return NotAnImage(
        f"{files.label} is {called}, but no image: it has neither {INDEX} nor {MANIFEST}, but "
        f"{shown_names}"
    )


def _of_kind(kind: TreeKind, files: Files, path: str | None) -> NotAnImage:
    advice = kind.directory_advice if files.is_folder else kind.tar_advice
    return NotAnImage(f"{files.label} {kind.name}", advice.format(file=shown(path)))


def _directory_of(name: str, files: Files, path: str | None) -> NotAnImage:
    first = shown(os.path.join(path or "", name))
    return NotAnImage(
        f"{files.label} is a directory of archives",
        f"name one of them, as {first} (ocilayout ls {shown(path)} lists all)",
    )


def _tar_around(places: list[str], called: str, files: Files, path: str | None) -> NotAnImage:
    """The error for a tar with images inside, at `places` in it."""
    known = some_of([place[:_SHOWN] for place in places], 3)
    first = shown(places[0]) if len(places[0]) <= _SHOWN else "NAME"
    return NotAnImage(
        f"{files.label} is no image, but a tar with {called} inside ({known})",
        f"tar xf {shown(path)} {first}, and name that",
    )


def _layouts(files: Files, names: TreeNames) -> list[str]:
    """The directories in it that are layouts: of a directory those at its top."""
    if not files.is_folder:
        ends = (f"/{INDEX}", f"/{MARKER}")
        first, second = ({n.removesuffix(e) for n in names.deep if n.endswith(e)} for e in ends)
        return sorted(first & second)
    return [name for name in sorted(names.top) if _is_layout(files, name)]


def _is_layout(files: Files, name: str) -> bool:
    try:
        return all(f"{name}/{file}" in files for file in (INDEX, MARKER))
    except (OciLayoutError, OSError):
        return False


def _archives(files: Files, names: TreeNames) -> Iterator[str]:
    """The archives in it, nearest first; of a directory none deeper than one level below."""
    known = [name for name in names.deep if not name.startswith(".")]
    if files.is_folder:
        known = [name for name in known if name.count("/") <= 1]
    for name in sorted(known, key=lambda name: (name.count("/"), name))[:_MAX_HEADS]:
        if _is_archive(files, name):
            yield name


def _is_archive(files: Files, name: str) -> bool:
    """Whether the file is a tar, or is compressed and called like one."""
    try:
        with files.open(name) as file:
            head = file.read(BLOCK)
    except (OciLayoutError, OSError):
        return False
    if codec_name(head) != "none":
        return tar_suffix(name) is not None
    return len(head) == BLOCK and any(head) and is_header(head)
