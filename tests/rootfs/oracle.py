"""What a stack of layers comes to, said in another way than the package says it.

One flat dictionary of paths, and the sentences of the image specification (layer.md) one by one.
"""

import posixpath
import tarfile
from collections.abc import Sequence

from tests.rootfs.layer_tars import Item

State = dict[str, tuple[str, Item | None]]
"""Each path with an identity, which hard links share, and what is there; None is a folder that no
layer describes."""


class Refused(Exception):
    """No file system comes of these layers."""


class Endless(Refused):
    """A path leads through symlinks without end."""


def flattened(layers: Sequence[Sequence[Item]]) -> State:
    """The files of the stack by path; raises Refused."""
    state: State = {}
    for number, items in enumerate(layers):
        gone = [path for item in items for path in hidden_by(item, state)]
        for path in gone:
            remove(state, path)
        for position, item in enumerate(items):
            if not posixpath.basename(item.name).startswith(".wh."):
                place(state, item, f"{number}.{position}")
    return state


def hidden_by(item: Item, state: State) -> list[str]:
    """The paths of lower layers that a whiteout hides."""
    where, name = posixpath.split(item.name)
    if not name.startswith(".wh."):
        return []
    try:
        place_of = resolved(state, where, make=False)
    except Endless:
        raise
    except (KeyError, Refused):
        return []
    if place_of and not is_folder(state, place_of):
        return []
    if name == ".wh..wh..opq":
        return [path for path in state if posixpath.dirname(path) == place_of]
    return [posixpath.join(place_of, name[4:])]


def remove(state: State, path: str) -> None:
    """Take away a path and all below it."""
    for other in [key for key in state if key == path or key.startswith(path + "/")]:
        del state[other]


def place(state: State, item: Item, identity: str) -> None:
    """Put a member where its name leads."""
    where, name = posixpath.split(item.name)
    path = posixpath.join(resolved(state, where, make=True), name)
    if item.kind == tarfile.LNKTYPE:
        identity, item = linked(state, item, path)
    both_folders = item.kind == tarfile.DIRTYPE and path in state and is_folder(state, path)
    if not both_folders:
        remove(state, path)
    state[path] = (identity, item)


def linked(state: State, item: Item, path: str) -> tuple[str, Item]:
    where, name = posixpath.split(item.target)
    try:
        target = posixpath.join(resolved(state, where, make=False), name)
    except KeyError:
        raise Refused from None
    if target not in state or is_folder(state, target) or item.target == item.name:
        raise Refused
    identity, found = state[target]
    assert found is not None
    return identity, found


def is_folder(state: State, path: str) -> bool:
    found = state[path][1]
    return found is None or found.kind == tarfile.DIRTYPE


def resolved(state: State, path: str, *, make: bool) -> str:
    """Where a folder really is; KeyError where nothing is, and nothing is to be made."""
    here = ""
    todo = path.split("/")
    hops = 0
    while todo:
        part = todo.pop(0)
        if part in ("", "."):
            continue
        if part == "..":
            here = posixpath.dirname(here)
            continue
        there = posixpath.join(here, part)
        if there not in state:
            if not make:
                raise KeyError(there)
            state[there] = (f"made {there}", None)
        found = state[there][1]
        if found is not None and found.kind == tarfile.SYMTYPE:
            hops += 1
            if hops > 40:
                raise Endless
            if found.target.startswith("/"):
                here = ""
            todo = found.target.split("/") + todo
        elif is_folder(state, there):
            here = there
        else:
            raise Refused
    return here
