"""The files of an image, as `ls -l` shows them and as JSON."""

import stat
from collections.abc import Iterator
from datetime import datetime, timezone

from ocilayout.rootfs.tree import Folder, Node, NodeKind, nodes_below

_TYPE_BITS: dict[NodeKind, int] = {
    "file": stat.S_IFREG,
    "directory": stat.S_IFDIR,
    "symlink": stat.S_IFLNK,
    "character": stat.S_IFCHR,
    "block": stat.S_IFBLK,
    "fifo": stat.S_IFIFO,
}


def file_lines(root: Folder) -> Iterator[str]:
    """A line for each file: type and mode, owner, size, time in UTC, name, and where links lead."""
    for path, node, first in _listed(root):
        found = node.attributes
        mode = stat.filemode(_TYPE_BITS[node.kind] | found.mode)
        owner = f"{found.uid}:{found.gid}"
        size = f"{found.device[0]},{found.device[1]}" if _is_device(node) else str(node.size)
        leads = f" -> {_text(node.target)}" if node.kind == "symlink" else ""
        same = f" = {_text(first)}" if first else ""
        yield f"{mode} {owner:>9} {size:>10} {_time(found.mtime)} {_text(path)}{leads}{same}"


def file_fields(root: Folder) -> Iterator[dict[str, object]]:
    """The same for programs."""
    for path, node, first in _listed(root):
        found = node.attributes
        fields: dict[str, object] = {
            "path": _text(path),
            "type": node.kind,
            "mode": f"{found.mode:04o}",
            "uid": found.uid,
            "gid": found.gid,
            "size": node.size,
            "mtime": found.mtime / 10**9 if found.mtime % 10**9 else found.mtime // 10**9,
        }
        if node.kind == "symlink":
            fields["target"] = _text(node.target)
        if _is_device(node):
            fields["device"] = list(found.device)
        if first:
            fields["hardlink_to"] = _text(first)
        if found.xattrs:
            fields["xattrs"] = {_text(name): value.hex() for name, value in found.xattrs}
        yield fields


def _listed(root: Folder) -> Iterator[tuple[bytes, Node, bytes]]:
    """Path, node, and the first name of a file that was listed before."""
    firsts: dict[Node, bytes] = {}
    for path, node in nodes_below(root):
        first = firsts.setdefault(node, path) if node.kind == "file" else path
        yield path, node, b"" if first is path else first


def _is_device(node: Node) -> bool:
    return node.kind in {"character", "block"}


def _time(nanoseconds: int) -> str:
    try:
        time = datetime.fromtimestamp(nanoseconds // 10**9, timezone.utc)
    except (OverflowError, ValueError):
        return f"@{nanoseconds // 10**9}"
    return time.strftime("%Y-%m-%d %H:%M")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")
