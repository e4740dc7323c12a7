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
class _Hardlink:
    target: bytes


def lay_over(tree: Tree, blocks: Blocks, number: int) -> None:
    """Lay the plain layer in `blocks`, which is the `number`th, over `tree`.

    Raises InvalidArchive where its names are hostile, or it is no sound tar.
    """
    hidden: list[tuple[Folder, bytes]] = []
    added: list[tuple[bytes, Node | _Hardlink]] = []
    for header in read_headers(blocks):
        path = member_path(header)
        parent, _, name = path.rpartition(b"/")
        if path.startswith(_AUFS) and name != OPAQUE:
            continue
        if name.startswith(WHITEOUT):
            hidden.extend(_hidden(tree, parent, name, header))
        else:
            node = _node(header, number)
            tree.hold(len(path) + _held_by(node))
            added.append((path, node))
    for folder, name in hidden:
        if name == OPAQUE:
            folder.children.clear()
        else:
            folder.children.pop(name, None)
    tree.forget()
    for path, node in added:
        if isinstance(node, _Hardlink):
            tree.link(path, node.target)
        else:
            tree.add(path, node)
    tree.forget()


def _held_by(node: Node | _Hardlink) -> int:
    if isinstance(node, _Hardlink):
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


def _hidden(
    tree: Tree, parent: bytes, name: bytes, header: Header
) -> Iterator[tuple[Folder, bytes]]:
    wanted = name if name == OPAQUE else name[len(WHITEOUT) :]
    if wanted in {b"", b".", b".."}:
        shown = name.decode()
        raise InvalidArchive(f"{header.where}: the whiteout {shown!r} names no file")
    folder = tree.folder(parent)
    if folder is not None and (name == OPAQUE or not name.startswith(_AUFS)):
        yield folder, wanted


def _node(header: Header, number: int) -> Node | _Hardlink:
    if header.kind == "hardlink":
        return _Hardlink(_clean(header.target, header, "target"))
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
