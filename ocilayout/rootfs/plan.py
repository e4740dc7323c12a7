"""What is written of a tree, in the order in which nothing can go through a link.

Folders first, then files in the order in which the layers hold them, hard links, devices, and
symlinks last: while content is written there is no symlink that it could follow.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ocilayout.rootfs.tree import Folder, Node, nodes_below
from ocilayout.streams import Progress, ignore

Placed = tuple[bytes, Node]
Content = Iterator[bytes]


class ContentReader(Protocol):
    """Where the content of the files of a tree is."""

    def contents(
        self, nodes: Iterable[Node], on_bytes: Progress = ignore
    ) -> Iterator[tuple[Node, Content]]:
        """Each file of `nodes` with its content, which is read, if at all, before the next comes.

        In an order of its own, always the same.
        """
        ...


@dataclass
class Plan:
    """The nodes below one folder of an image, with the paths at which they are written."""

    reader: ContentReader
    folders: list[tuple[bytes, Folder]] = field(default_factory=list)
    """Outer ones before inner ones."""
    files: dict[Node, bytes] = field(default_factory=dict)
    """Each under the first of its names."""
    hardlinks: list[tuple[bytes, bytes]] = field(default_factory=list)
    """The other names of files, with the first."""
    specials: list[Placed] = field(default_factory=list)
    symlinks: list[Placed] = field(default_factory=list)

    @classmethod
    def of(cls, reader: ContentReader, top: Folder, prefix: bytes = b"") -> "Plan":
        """The plan for what is in `top`, written into the folder `prefix` if that is not empty."""
        plan = cls(reader)
        if prefix:
            plan.folders.append((prefix, top))
            prefix += b"/"
        for path, node in nodes_below(top):
            plan._place(prefix + path, node)
        return plan

    def _place(self, path: bytes, node: Node) -> None:
        if isinstance(node, Folder):
            self.folders.append((path, node))
        elif node.kind == "symlink":
            self.symlinks.append((path, node))
        elif node.kind != "file":
            self.specials.append((path, node))
        elif node in self.files:
            self.hardlinks.append((path, self.files[node]))
        else:
            self.files[node] = path

    def contents(self, on_bytes: Progress = ignore) -> Iterator[tuple[bytes, Node, Content]]:
        """Each file with its path and content, which is to be read before the next is asked for."""
        for node, content in self.reader.contents(self.files, on_bytes):
            yield self.files[node], node, content

    @property
    def devices(self) -> Sequence[Placed]:
        """The device files among the special ones."""
        return [placed for placed in self.specials if placed[1].kind in {"block", "character"}]

    @property
    def size(self) -> int:
        """Bytes of content."""
        return sum(node.size for node in self.files)
