"""A file system in memory: what the headers of all layers come to, without a byte of content.

Symlinks are followed inside this tree alone, as a kernel would do below a changed root: `..` stops
at the top, and an absolute target starts there. So nothing in an image can name a file outside.
"""

from collections.abc import Iterator
from typing import Literal

from ocilayout.errors import InvalidArchive
from ocilayout.tar_headers import Attributes
from ocilayout.tar_sparse import SparseMap

NodeKind = Literal["file", "directory", "symlink", "character", "block", "fifo"]

MAX_NODES = 1_000_000
"""Files and folders of one image, each about 500 bytes of memory here; large ones have 200,000."""
MAX_HELD = 128 * 1024 * 1024
"""Bytes of all names, link targets, extended attributes and sparse maps of one image."""
MAX_FOLLOWED = 40
"""Symlinks on one path, as Linux allows."""
MAX_STEPS = 20_000_000
"""Path components behind all symlinks that are followed: a bound on time for hostile trees."""

IMPLICIT = Attributes(0o755, 0, 0, 0)
"""What a folder has that no layer describes."""


class Node:
    """A file of any kind; hard links are one node under several names."""

    __slots__ = ("attributes", "kind", "layer", "offset", "size", "sparse", "target")

    def __init__(
        self,
        kind: NodeKind,
        attributes: Attributes,
        *,
        size: int = 0,
        layer: int = 0,
        offset: int = 0,
        sparse: SparseMap | None = None,
        target: bytes = b"",
    ) -> None:
        """`size` bytes of content stand at `offset` of the plain layer of that number, or those
        of them that `sparse` says are stored."""
        self.kind = kind
        self.attributes = attributes
        self.size = size
        self.layer = layer
        self.offset = offset
        self.sparse = sparse
        self.target = target


class Folder(Node):
    """A folder and what is in it, by name."""

    __slots__ = ("children",)

    def __init__(self, attributes: Attributes = IMPLICIT) -> None:
        super().__init__("directory", attributes)
        self.children: dict[bytes, Node] = {}


class Tree:
    """The file system as the layers so far have left it; paths are bytes without a slash at
    either end, and the empty path is the top."""

    def __init__(self, label: str) -> None:
        """`label` names the image in messages."""
        self.root = Folder()
        self._label = label
        self._count = 0
        self._held = 0
        self._steps = 0
        self._known: dict[bytes, Folder] = {}

    def find(self, path: bytes, *, follow: bool = True) -> Node | None:
        """The node at `path`, if there is one; of a symlink what it leads to, where `follow`."""
        if not path:
            return self.root
        if follow:
            return self._walk(path, make=False)
        parent = self.folder(path.rpartition(b"/")[0])
        return None if parent is None else parent.children.get(path.rpartition(b"/")[2])

    def folder(self, path: bytes) -> Folder | None:
        """The folder at `path`, through symlinks; None where there is nothing, or another kind."""
        known = self._known.get(path)
        if known is None:
            found = self._walk(path, make=False)
            if not isinstance(found, Folder):
                return None
            known = self._known[path] = found
        return known

    def add(self, path: bytes, node: Node) -> None:
        """Put `node` at `path`, in place of what is there; a folder keeps what is in it.

        Raises InvalidArchive where `path` leads through a file.
        """
        if not path:
            if not isinstance(node, Folder):
                raise InvalidArchive(f"{self._label}: a {node.kind} would replace its top folder")
            self.root.attributes = node.attributes
            return
        parent_path, _, name = path.rpartition(b"/")
        parent = self._made_folder(parent_path)
        present = parent.children.get(name)
        if isinstance(present, Folder) and isinstance(node, Folder):
            present.attributes = node.attributes
            return
        if present is not None and present.kind in {"directory", "symlink"}:
            # Other paths may have led through it.
            self._known.clear()
        if present is None:
            self._count_one()
        parent.children[name] = node

    def link(self, path: bytes, target: bytes) -> None:
        """Make `path` another name of the file at `target`; raises InvalidArchive."""
        node = self.find(target, follow=False)
        if node is None or isinstance(node, Folder) or path == target:
            what = "itself" if path == target else "a folder" if node else "what is not there"
            raise InvalidArchive(f"{self._label}: {_shown(path)} is a hard link to {what}")
        self.add(path, node)

    def hold(self, count: int) -> None:
        """Count bytes that will be kept in memory; raises InvalidArchive where they are too many.

        To be called for all that a layer names, before any of it is kept.
        """
        self._held += count
        if self._held > MAX_HELD:
            raise InvalidArchive(f"{self._label} has more than {MAX_HELD} bytes of names")

    def forget(self) -> None:
        """Drop what was remembered of paths; to be called after `children` were removed."""
        self._known.clear()

    def _made_folder(self, path: bytes) -> Folder:
        known = self._known.get(path)
        if known is None:
            found = self._walk(path, make=True)
            if not isinstance(found, Folder):
                raise InvalidArchive(f"{self._label}: {_shown(path)} is a file with files in it")
            known = self._known[path] = found
        return known

    def _walk(self, path: bytes, *, make: bool) -> Node | None:
        trail: list[Folder] = [self.root]
        pending = path.split(b"/")[::-1]
        followed = 0
        while pending:
            part = pending.pop()
            if part in {b"", b"."}:
                continue
            if part == b"..":
                del trail[max(len(trail) - 1, 1) :]
                continue
            child = trail[-1].children.get(part)
            if child is None and make:
                self._count_one()
                child = trail[-1].children[part] = Folder()
            if child is None:
                return None
            if child.kind == "symlink":
                followed += 1
                parts = self._target_parts(child, path, followed)
                if child.target.startswith(b"/"):
                    del trail[1:]
                pending.extend(reversed(parts))
            elif isinstance(child, Folder):
                trail.append(child)
            elif pending:
                if make:
                    raise InvalidArchive(f"{self._label}: {_shown(path)} leads through a file")
                return None
            else:
                return child
        return trail[-1]

    def _target_parts(self, link: Node, path: bytes, followed: int) -> list[bytes]:
        parts = link.target.split(b"/")
        self._steps += len(parts)
        if followed > MAX_FOLLOWED or self._steps > MAX_STEPS:
            raise InvalidArchive(f"{self._label}: {_shown(path)} leads through too many symlinks")
        return parts

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise InvalidArchive(f"{self._label} has more than {MAX_NODES} files")


def nodes_below(folder: Folder) -> Iterator[tuple[bytes, Node]]:
    """All that is in a folder with its path, sorted by name, folders before what is in them."""
    pending = _sorted_children(b"", folder)
    while pending:
        path, node = pending.pop()
        yield path, node
        if isinstance(node, Folder):
            pending.extend(_sorted_children(path + b"/", node))


def _sorted_children(prefix: bytes, folder: Folder) -> list[tuple[bytes, Node]]:
    names = sorted(folder.children, reverse=True)
    return [(prefix + name, folder.children[name]) for name in names]


def _shown(path: bytes) -> str:
    return repr(path.decode("utf-8", "backslashreplace"))
