"""OCI layout folders: made whole, or added to without ever being half changed.

Blobs come first, each durable under its name; then `index.json` is read again, edited and
renamed, under the lock that BuildKit uses too (`index.json.lock`), so that of many writers none
loses a name.
"""

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ocilayout import notices, remains
from ocilayout.damage import refuse_damaged_entries
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import DestinationExists, OciLayoutError, UsageError
from ocilayout.folders import FolderBlobs, FolderFiles
from ocilayout.graph import View, walk
from ocilayout.partial import partial_folder, remove_leftovers, replace_file
from ocilayout.protocols import Files, ImageDestination, ImageSource
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import joined
from ocilayout.spec.names import names_of
from ocilayout.stores.file_names import INDEX, MARKER
from ocilayout.stores.layout_locks import index_lock, share, share_to_read
from ocilayout.stores.layout_source import (
    MARKER_CONTENT,
    LayoutSource,
    listed_index,
    read_index,
    warn_of_other_case,
)


def recognizes(files: Files) -> bool:
    """A folder with an index.json."""
    return files.is_folder and INDEX in files


def dialect(files: Files) -> str:
    """One word: there are no dialects that matter to a reader."""
    return "oci"


@contextmanager
def open_source(files: Files) -> Iterator[ImageSource]:
    """The images in the folder, of which no blob is removed meanwhile.

    Raises InvalidDocument, InvalidArchive or LayoutBusy.
    """
    if isinstance(files, FolderFiles):
        share_to_read(files)
    warn_of_other_case(files)
    yield LayoutSource(files)


@contextmanager
def open_suspect(files: Files) -> Iterator[ImageSource]:
    """The images in a folder that may be damaged."""
    # Few commands verify, and start-up counts.
    from ocilayout.stores.suspect_layout import SuspectLayout

    yield SuspectLayout(files)


@contextmanager
def open_destination(path: Path | None, options: DestinationOptions) -> Iterator[ImageDestination]:
    """A layout that exists is added to, another appears at `path` when it is committed.

    Raises DestinationExists where `path` is something else.
    """
    if path is None:
        raise UsageError("a layout folder cannot go to standard output: --to oci-archive can")
    if os.path.lexists(path):
        if not path.is_dir():
            raise DestinationExists(
                f"{path} is a file, which a layout folder cannot replace: for a tar name it .tar, "
                "or say --to"
            )
        if any(path.iterdir()):
            with FolderFiles(path) as files, _existing(files, path, options) as destination:
                yield destination
            return
    with partial_folder(path) as (partial, publish), FolderFiles(partial) as files:
        new = _NewLayout(files)
        yield new
        if new.committed is not None and not publish():
            _join(partial, path, new.committed, options)


@contextmanager
def _existing(
    files: FolderFiles, path: Path, options: DestinationOptions
) -> Iterator["_GrowingLayout"]:
    """A layout that is added to, held against those who remove blobs; a failure leaves no blob."""
    if INDEX not in files:
        raise DestinationExists(
            f"{path} is a folder with other things in it, not an OCI layout: "
            "name a file in it, or a new folder"
        )
    # Who adds to a layout has to know what is in it.
    refuse_damaged_entries(LayoutSource(files))
    remove_leftovers(files.fd)
    destination = _GrowingLayout(files, options.lock_timeout)
    share(files, options.lock_timeout)
    try:
        yield destination
    except BaseException:
        withdraw(files, destination.added)
        _note_what_stays(files, destination.added)
        raise


class _NewLayout:
    is_shared = True

    def __init__(self, files: FolderFiles) -> None:
        self._files = files
        self._blobs = FolderBlobs(files)
        self._written: set[Digest] = set()
        self.committed: Index | None = None

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it was written already: nobody else knows this folder."""
        return descriptor.digest in self._written

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Write a blob."""
        self._blobs.put(descriptor.digest, content)
        self._written.add(descriptor.digest)

    def check(self, source: ImageSource) -> None:
        """Raises AmbiguousName where one name is for two images."""
        names.listed(source.index.children)

    def link_blob(self, descriptor: Descriptor, file: BinaryIO) -> bool:
        """Take a blob file by a hard link."""
        return self._blobs.link(descriptor, file)

    def commit(self, source: ImageSource) -> None:
        """Write what makes a layout of it."""
        index = listed_index(source.index)
        self._blobs.sync()
        replace_file(self._files.fd, MARKER, MARKER_CONTENT)
        replace_file(self._files.fd, INDEX, index.raw)
        self.committed = index


class _GrowingLayout:
    is_shared = True

    def __init__(self, files: FolderFiles, lock_timeout: float) -> None:
        self._files = files
        self._blobs = FolderBlobs(files)
        self._lock_timeout = lock_timeout
        self.added: list[Digest] = []

    def check(self, source: ImageSource) -> None:
        """Raises AmbiguousName where one name is for two images."""
        names.listed(source.index.children)

    def held_names(self, names: Collection[str]) -> Mapping[str, Digest]:
        """The names that the layout has already, and their images."""
        return {
            name: entry.digest
            for entry in read_index(self._files).children
            for name in names_of(entry)
            if name in names
        }

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it is there and whole; the file is hashed."""
        return self._blobs.has(descriptor)

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Write a blob, in the place of a wrong one if need be."""
        self._remember(descriptor)
        self._blobs.put(descriptor.digest, content)

    def link_blob(self, descriptor: Descriptor, file: BinaryIO) -> bool:
        """Take a blob file by a hard link, in the place of a wrong one if need be."""
        self._remember(descriptor)
        return self._blobs.link(descriptor, file)

    def _remember(self, descriptor: Descriptor) -> None:
        # Beforehand: it may be there though putting it failed, in the last step.
        if descriptor.digest.blob_path not in self._files:
            self.added.append(descriptor.digest)

    def commit(self, source: ImageSource) -> None:
        """Add the entries of the source; a name that was there already moves."""
        self._blobs.sync()
        _add_entries(self._files, source.index, self._lock_timeout)


def _note_what_stays(files: FolderFiles, added: Iterable[Digest]) -> None:
    sizes = [files.size(digest.blob_path) for digest in added if digest.blob_path in files]
    if sizes:
        blobs = "1 blob stays" if len(sizes) == 1 else f"{len(sizes)} blobs stay"
        remains.keep(f"{blobs} in {files.label}", sum(sizes))


def withdraw(files: FolderFiles, added: Iterable[Digest]) -> None:
    """Remove blobs that were added in vain, if nobody else is here who may have come to need them.

    Others hold the folder's lock while they add, and what they committed is reachable.
    """
    try:
        fcntl.flock(files.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        source = LayoutSource(files)
        refuse_damaged_entries(source)
        reachable = {blob.digest for blob in walk(source)}
    except (OSError, OciLayoutError):
        # In doubt nothing is removed: blobs that nothing refers to are legal.
        return
    for digest in added:
        if digest not in reachable:
            FolderBlobs(files).remove(digest)


def _add_entries(files: FolderFiles, added: Index, lock_timeout: float) -> None:
    """Add entries to the index.json of a layout; raises LayoutBusy."""
    with index_lock(files, lock_timeout):
        current = read_index(files)
        entries = joined(current, added)
        _say_what_is_unlisted(current.children, entries, files.label)
        changed = current.with_entries(entries)
        if MARKER not in files:
            replace_file(files.fd, MARKER, MARKER_CONTENT)
        if changed is not current:
            replace_file(files.fd, INDEX, changed.raw)
            remains.keep(f"{files.label} was written")


def _say_what_is_unlisted(
    before: Iterable[Descriptor], after: Iterable[Descriptor], label: str
) -> None:
    left = {entry.digest for entry in after}
    for digest in dict.fromkeys(entry.digest for entry in before if entry.digest not in left):
        notices.note(f"{digest} lost its last name, and {label} no longer lists it: gc frees it")


def _join(partial: Path, path: Path, index: Index, options: DestinationOptions) -> None:
    """Another process made the layout while ours was being written: ours moves into it."""
    with (
        FolderFiles(partial) as ours,
        FolderFiles(path) as theirs,
        _existing(theirs, path, options) as destination,
    ):
        source = LayoutSource(ours)
        for algorithm in sorted(os.listdir(partial / "blobs")):
            for encoded in sorted(os.listdir(partial / "blobs" / algorithm)):
                digest = Digest(algorithm, encoded)
                size = ours.size(digest.blob_path)
                blob = Descriptor.make("application/octet-stream", digest, size)
                if not destination.has_blob(blob):
                    with source.open_blob(blob) as content:
                        destination.put_blob(blob, content)
        destination.commit(View(source, index))
