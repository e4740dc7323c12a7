"""One layer laid over a tree: whiteouts first, then what it adds (image-spec, layer.md).

Whiteouts hide what lower layers have and nothing of their own layer, wherever they stand in it; so
all of a layer's headers are read before anything is changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ocilayout.errors import InvalidArchive
from ocilayout.rootfs.tree import Folder, Node, NodeKind, Tree
from ocilayout.tar_blocks import Blocks
from ocilayout.tar_headers import Header, read_headers

WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"
_AUFS = b".wh..wh."
"""What docker's first storage driver left in layers for itself; every engine passes over it."""
MAX_NAME = 255
MAX_PATH = 4095
"""Bytes; Linux allows no more."""

_SPECIAL: dict[bytes, NodeKind] = {b"3": "character", b"4": "block", b"6": "fifo"}


@dataclass(frozen=True, slots=True)
class Hardlink:
    """Another name of a file."""

    target: bytes


@dataclass(frozen=True, slots=True)
class Whiteout:
    """What a layer hides of those below it."""

    folder: bytes
    name: bytes
    """Of one file; OPAQUE of all that is in the folder."""


Change = Node | Hardlink | Whiteout


def read_changes(blocks: Blocks, number: int) -> Iterator[tuple[bytes, Change]]:
    """What the plain layer in `blocks`, which is the `number`th, changes, each with its path.

    Raises InvalidArchive where its names are hostile, or it is no sound tar.
    """
    for header in read_headers(blocks):
        path = member_path(header)
        parent, _, name = path.rpartition(b"/")
        if path.startswith(_AUFS) and name != OPAQUE:
            continue
        if name.startswith(WHITEOUT):
            hidden = _hidden_name(name, header)
            if name == OPAQUE or not name.startswith(_AUFS):
                yield path, Whiteout(parent, hidden)
        else:
            yield path, _node(header, number)


def lay_over(tree: Tree, blocks: Blocks, number: int) -> None:
    """Lay the plain layer in `blocks`, which is the `number`th, over `tree`.

    Raises InvalidArchive where its names are hostile, or it is no sound tar.
    """
    hidden: list[tuple[Folder, bytes]] = []
    added: list[tuple[bytes, Node | Hardlink]] = []
    for path, change in read_changes(blocks, number):
        if isinstance(change, Whiteout):
            folder = tree.folder(change.folder)
            if folder is not None:
                hidden.append((folder, change.name))
        else:
            tree.hold(held_by(path, change))
            added.append((path, change))
    for folder, name in hidden:
        if name == OPAQUE:
            folder.children.clear()
        else:
            folder.children.pop(name, None)
    tree.forget()
    for path, node in added:
        if isinstance(node, Hardlink):
            tree.link(path, node.target)
        else:
            tree.add(path, node)
    tree.forget()


def held_by(path: bytes, node: Node | Hardlink) -> int:
    """Bytes of names and attributes that a tree keeps of a node."""
    return len(path) + _held_by(node)


def _held_by(node: Node | Hardlink) -> int:
    if isinstance(node, Hardlink):
        return len(node.target)
    xattrs = node.attributes.xattrs
    sparse = node.sparse.held if node.sparse else 0
    return len(node.target) + sparse + sum(len(name) + len(value) for name, value in xattrs)


def member_path(header: Header) -> bytes:
    """Where a member stands below the top, which an absolute name means too.

    Raises InvalidArchive where the name leads elsewhere, or is longer than a system can hold.
    """
    return _clean(header.name, header, "name")


def _clean(raw: bytes, header: Header, called: str) -> bytes:
    shown = repr(raw[:200].decode("utf-8", "backslashreplace"))
    parts = [part for part in raw.split(b"/") if part not in {b"", b"."}]
    if not raw or b"\0" in raw:
        raise InvalidArchive(f"{header.where}: a {called} is empty, or has a NUL in it")
    if b".." in parts:
        raise InvalidArchive(f"{header.where}: the {called} {shown} leads out of the image")
    path = b"/".join(parts)
    if len(path) > MAX_PATH or any(len(part) > MAX_NAME for part in parts):
        raise InvalidArchive(f"{header.where}: the {called} {shown} is longer than a name can be")
    return path


def _hidden_name(name: bytes, header: Header) -> bytes:
    wanted = name if name == OPAQUE else name[len(WHITEOUT) :]
    if wanted in {b"", b".", b".."}:
        shown = name.decode()
        raise InvalidArchive(f"{header.where}: the whiteout {shown!r} names no file")
    return wanted


def _node(header: Header, number: int) -> Node | Hardlink:
    if header.kind == "hardlink":
        return Hardlink(_clean(header.target, header, "target"))
    attributes = header.attributes()
    if header.kind == "directory":
        return Folder(attributes)
    if header.kind == "file":
        return Node(
            "file",
            attributes,
            size=header.size,
            layer=number,
            offset=header.offset,
            sparse=header.sparse,
        )
    if header.kind == "symlink":
        target = header.target
        if not target or b"\0" in target or len(target) > MAX_PATH:
            raise InvalidArchive(f"{header.where}: a symlink has a target that none can have")
        return Node("symlink", attributes, target=target)
    kind = _SPECIAL.get(header.type_flag)
    if kind is None:
        flag = header.type_flag.decode("latin-1")
        raise InvalidArchive(f"{header.where}: a member is of type {flag!r}, which no layer has")
    return Node(kind, attributes)
