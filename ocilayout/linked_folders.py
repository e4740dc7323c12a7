"""Folders that are read and may hold links: what is written or removed never goes through one.

A link of a single file that stays inside is followed, since tools write such layouts to save room.
One that leads out, as in Bazel's layouts, could carry away a local file of which its maker knows
only the digest, so it takes the word of whoever reads.
"""

import io
import os
from pathlib import Path
from typing import BinaryIO, cast

from ocilayout.errors import BlobNotFound, DanglingLink, InvalidArchive, LeadsThroughLink
from ocilayout.folders import FolderFiles
from ocilayout.streams import CHUNK, NamedFile

NEVER_LINKS = {"index.json", "oci-layout", "manifest.json"}
"""What says of a place what is in it: a message about it could quote any file."""
MAX_LINKS = 8
"""Links in a row; docker 20.10 writes one."""
_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class LinkedFolderFiles(FolderFiles):
    """A folder whose files may be links to regular files."""

    def __init__(self, path: Path | str, *, follow_links: bool = False) -> None:
        """`follow_links`: those too that lead out of it, or through folders that are links."""
        super().__init__(path)
        self._follow_links = follow_links

    def open(self, name: str) -> BinaryIO:
        """The file; raises BlobNotFound, InvalidArchive, LeadsThroughLink of one not followed."""
        try:
            return super().open(name)
        except LeadsThroughLink:
            file = self._open_linked(name)
        # Buffered, and so no file for a hard link: what a link leads to is copied, and verified.
        return cast(BinaryIO, io.BufferedReader(file, CHUNK))

    def _open_linked(self, name: str) -> NamedFile:
        if name in NEVER_LINKS:
            raise InvalidArchive(
                f"{self.label}: {name} is a link, which is never followed: copy the file there"
            )
        try:
            if not self._follow_links:
                return self.regular(self._enter_inside(name), name)
            with self.explained(name):
                return self.regular(os.open(name, _FILE, dir_fd=self.fd), name)
        except BlobNotFound:
            raise DanglingLink(
                f"{self.label}: {name} is a link to a file that is not there"
            ) from None

    def _enter_inside(self, name: str) -> int:
        """The file behind links that lead from file to file, all of them inside."""
        wanted = name
        for _ in range(MAX_LINKS):
            target = self._target(wanted)
            if target is None:
                raise self._refused(name)
            wanted = os.path.normpath(os.path.join(os.path.dirname(wanted), target))
            if wanted.startswith(("/", "../")) or wanted == "..":
                raise self._refused(name)
            try:
                with self.explained(wanted):
                    return self.enter(wanted, _FILE)
            except LeadsThroughLink:
                continue
        raise InvalidArchive(f"{self.label}: {name} is a link to a link, without end")

    def _target(self, name: str) -> str | None:
        """Where a link leads, as written; None where a folder on its path is the link."""
        parent, _, last = name.rpartition("/")
        try:
            descriptor = self.enter(parent or ".", os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            return os.readlink(last, dir_fd=descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _refused(self, name: str) -> LeadsThroughLink:
        return LeadsThroughLink(
            f"{self.label}: {name} leads through a link to a file outside, or through a directory "
            "that is a link: where you trust it, --follow-links reads what it leads to"
        )
