"""The files of two images, side by side.

What stands at one place of one layer is the same, and is not read. Files of one size are read and
hashed, each layer straight through; of all others the headers say enough.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from ocilayout.rootfs.flatten import FlatImage
from ocilayout.rootfs.tree import Folder, Node
from ocilayout.spec.digest import Digest
from ocilayout.streams import Progress, ignore


@dataclass(frozen=True)
class FileTree:
    """The files of an image, and the diff ids of its layers, which flattening has checked.

    Of layers without any, their own digests.
    """

    image: FlatImage
    diff_ids: Sequence[Digest]

    def place_of(self, node: Node) -> tuple[object, int]:
        """Where the content of a file is: the same place has the same content."""
        diff_id = self.diff_ids[node.layer]
        # What could not be checked proves nothing.
        return (diff_id if diff_id.verifiable else id(self), node.offset)


@dataclass(frozen=True)
class FileChange:
    """A path at which the images have different files, or only one of them has one."""

    path: bytes
    """Without a slash at either end; empty for the top."""
    before: Node | None
    after: Node | None
    what: tuple[str, ...]
    """What differs where both have one: type, mode, owner, size, content, target, device, xattrs,
    links (of what it is another name) and time."""
    links: tuple[bytes, bytes] = (b"", b"")
    """The first names of hard links that were listed before."""

    @property
    def status(self) -> str:
        """added, removed or changed."""
        if self.before is not None and self.after is not None:
            return "changed"
        return "added" if self.before is None else "removed"


def changed_files(
    before: FileTree, after: FileTree, on_bytes: Progress = ignore
) -> tuple[FileChange, ...]:
    """What differs, by path, folders before what is in them; raises what reading layers raises."""
    edited = _edited_contents(before, after, on_bytes)
    return tuple(_changes(before, after, edited))


def _edited_contents(
    before: FileTree, after: FileTree, on_bytes: Progress
) -> frozenset[tuple[Node, Node]]:
    """The pairs of files of one size whose content differs."""
    unread = [
        (one, other)
        for _, one, other in _side_by_side(before.image.tree.root, after.image.tree.root)
        if one is not None
        and other is not None
        and one.kind == other.kind == "file"
        and one.size == other.size > 0
        and before.place_of(one) != after.place_of(other)
    ]
    ours = _hashed(before.image, (one for one, _ in unread), on_bytes)
    theirs = _hashed(after.image, (other for _, other in unread), on_bytes)
    return frozenset((one, other) for one, other in unread if ours[one] != theirs[other])


def _hashed(image: FlatImage, nodes: Iterable[Node], on_bytes: Progress) -> dict[Node, bytes]:
    found = {}
    for node, content in image.contents(dict.fromkeys(nodes), on_bytes):
        hashing = sha256()
        for chunk in content:
            hashing.update(chunk)
        found[node] = hashing.digest()
    return found


def _changes(
    before: FileTree, after: FileTree, edited: frozenset[tuple[Node, Node]]
) -> Iterator[FileChange]:
    firsts: tuple[dict[Node, bytes], dict[Node, bytes]] = ({}, {})
    for path, one, other in _side_by_side(before.image.tree.root, after.image.tree.root):
        links = (_first_name(firsts[0], one, path), _first_name(firsts[1], other, path))
        if one is None or other is None:
            yield FileChange(path, one, other, (), links)
            continue
        what = [*_what(one, other, (one, other) in edited)]
        if links[0] != links[1]:
            what.append("links")
        if one.attributes.mtime != other.attributes.mtime:
            what.append("time")
        if what:
            yield FileChange(path, one, other, tuple(what), links)


def _side_by_side(
    before: Folder, after: Folder
) -> Iterator[tuple[bytes, Node | None, Node | None]]:
    pending: list[tuple[bytes, Node | None, Node | None]] = [(b"", before, after)]
    while pending:
        path, one, other = pending.pop()
        yield path, one, other
        ours = one.children if isinstance(one, Folder) else {}
        theirs = other.children if isinstance(other, Folder) else {}
        prefix = path + b"/" if path else b""
        pending.extend(
            (prefix + name, ours.get(name), theirs.get(name))
            for name in sorted({*ours, *theirs}, reverse=True)
        )


def _first_name(firsts: dict[Node, bytes], node: Node | None, path: bytes) -> bytes:
    if node is None or node.kind != "file":
        return b""
    first = firsts.setdefault(node, path)
    return b"" if first is path else first


def _what(one: Node, other: Node, is_edited: bool) -> Iterator[str]:
    ours, theirs = one.attributes, other.attributes
    if one.kind != other.kind:
        yield "type"
    # Linux gives every symlink the same mode, whatever a layer says.
    elif ours.mode != theirs.mode and one.kind != "symlink":
        yield "mode"
    if (ours.uid, ours.gid) != (theirs.uid, theirs.gid):
        yield "owner"
    if one.kind == other.kind == "file" and one.size != other.size:
        yield from ("size", "content")
    elif is_edited:
        yield "content"
    if one.kind == other.kind and one.target != other.target:
        yield "target"
    if one.kind == other.kind and ours.device != theirs.device:
        yield "device"
    if ours.xattrs != theirs.xattrs:
        yield "xattrs"
