"""One layer by itself: whether export could unpack it, read once and with little kept."""

from typing import NamedTuple

from ocilayout.errors import InvalidArchive
from ocilayout.rootfs.layers import Hardlink, Whiteout, held_by, read_changes
from ocilayout.rootfs.tree import MAX_HELD, MAX_NODES, Folder
from ocilayout.tar_blocks import Blocks

_MAX_KNOWN = 100_000
"""Paths of one layer that are remembered. Larger layers are put together with the others."""


class LayerShape(NamedTuple):
    """What of a layer decides whether it can be laid over others."""

    stands_alone: bool
    """Whether each directory stands before what is in it, and each hard link behind its file: such
    a layer finds all that it needs in itself, whatever is below it."""
    members: int
    held: int
    """Bytes of names and attributes."""


def check_layer(blocks: Blocks) -> LayerShape:
    """Read all headers of the plain layer in `blocks`.

    Raises InvalidArchive where no image with this layer can be unpacked.
    """
    checker = _Checker()
    for path, change in read_changes(blocks, 0):
        if isinstance(change, Whiteout):
            continue
        checker.members += 1
        checker.held += held_by(path, change)
        if checker.members > MAX_NODES or checker.held > MAX_HELD:
            raise InvalidArchive(f"{blocks.label} has more files or names than can be unpacked")
        if isinstance(change, Hardlink):
            checker.link(path, change.target)
        elif not path and not isinstance(change, Folder):
            raise InvalidArchive(f"{blocks.label}: a {change.kind} would replace its top folder")
        else:
            checker.add(path, is_folder=isinstance(change, Folder))
    return LayerShape(checker.stands_alone, checker.members, checker.held)


class _Checker:
    """The paths of a layer, as long as they are few and each finds its directory."""

    def __init__(self) -> None:
        self.members = 0
        self.held = 0
        self.stands_alone = True
        self._folders = {b""}
        self._files: set[bytes] = set()

    def link(self, path: bytes, target: bytes) -> None:
        """Note a hard link."""
        if target not in self._files or path == target:
            self._give_up()
        self.add(path, is_folder=False)

    def add(self, path: bytes, *, is_folder: bool) -> None:
        """Note a member of another kind."""
        if not self.stands_alone:
            return
        parent = path.rpartition(b"/")[0]
        # A file in place of a directory takes with it what was in there.
        replaces = not is_folder and path in self._folders
        is_large = len(self._folders) + len(self._files) > _MAX_KNOWN
        if parent not in self._folders or replaces or is_large:
            self._give_up()
        elif is_folder:
            self._folders.add(path)
            self._files.discard(path)
        else:
            self._files.add(path)

    def _give_up(self) -> None:
        self.stands_alone = False
        self._folders.clear()
        self._files.clear()
