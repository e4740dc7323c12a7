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
        owner = f"{found.uid}:{found.gid}"
        size = f"{found.device[0]},{found.device[1]}" if _is_device(node) else str(node.size)
        leads = f" -> {path_text(node.target)}" if node.kind == "symlink" else ""
        same = f" = {path_text(first)}" if first else ""
        head = f"{mode_words(node)} {owner:>9} {size:>10} {time_words(node)}"
        yield f"{head} {path_text(path)}{leads}{same}"


def mode_words(node: Node) -> str:
    """Type and mode as `ls -l` has them."""
    return stat.filemode(_TYPE_BITS[node.kind] | node.attributes.mode)


def file_fields(root: Folder) -> Iterator[dict[str, object]]:
    """The same for programs."""
    for path, node, first in _listed(root):
        yield {"path": path_text(path), **node_fields(node, first)}


def node_fields(node: Node, first: bytes) -> dict[str, object]:
    """What a file is, but for its path; `first` is the name of which it is a hard link."""
    found = node.attributes
    fields: dict[str, object] = {
        "type": node.kind,
        "mode": f"{found.mode:04o}",
        "uid": found.uid,
        "gid": found.gid,
        "size": node.size,
        "mtime": found.mtime / 10**9 if found.mtime % 10**9 else found.mtime // 10**9,
    }
    if node.kind == "symlink":
        fields["target"] = path_text(node.target)
    if _is_device(node):
        fields["device"] = list(found.device)
    if first:
        fields["hardlink_to"] = path_text(first)
    if found.xattrs:
        fields["xattrs"] = {path_text(name): value.hex() for name, value in found.xattrs}
    return fields


def _listed(root: Folder) -> Iterator[tuple[bytes, Node, bytes]]:
    """Path, node, and the first name of a file that was listed before."""
    firsts: dict[Node, bytes] = {}
    for path, node in nodes_below(root):
        first = firsts.setdefault(node, path) if node.kind == "file" else path
        yield path, node, b"" if first is path else first


def _is_device(node: Node) -> bool:
    return node.kind in {"character", "block"}


def time_words(node: Node) -> str:
    """The time of a file in UTC, to the minute."""
    nanoseconds = node.attributes.mtime
    try:
        time = datetime.fromtimestamp(nanoseconds // 10**9, timezone.utc)
    except (OverflowError, ValueError):
        return f"@{nanoseconds // 10**9}"
    return time.strftime("%Y-%m-%d %H:%M")


def path_text(raw: bytes) -> str:
    """A path, or a name, which need not be UTF-8."""
    return raw.decode("utf-8", "backslashreplace")
