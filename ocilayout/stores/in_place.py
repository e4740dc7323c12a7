"""Images edited where they are: the documents alone, and no layer is read.

In a layout new documents come first, then `index.json` is read again, edited and renamed under
its lock. Tars are for `tar_in_place`.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ocilayout import remains
from ocilayout.errors import CannotHold, OciLayoutError, UsageError
from ocilayout.folders import FolderBlobs, FolderFiles
from ocilayout.graph import changes, read_bytes, walk
from ocilayout.partial import remove_leftovers, replace_file
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores import layout_dir
from ocilayout.stores.file_names import INDEX
from ocilayout.stores.layout_locks import index_lock, share
from ocilayout.stores.layout_source import LayoutSource
from ocilayout.stores.places import Place, parse_source

Transform = Callable[[ImageSource, str], ImageSource]
"""From all images of a place, and what messages call it, to what shall be there."""


class Edited(NamedTuple):
    """What was done."""

    source: ImageSource
    """As it is now; its blobs can be read while the place is open."""
    moved: Mapping[Digest, Descriptor]
    """The old digest of each document that became another."""


@contextmanager
def edited_in_place(
    place: Place | str, transform: Transform, *, lock_timeout: float = 60.0, dry_run: bool = False
) -> Iterator[Edited]:
    """Edit the images at a place; done when the context is entered, which keeps it open.

    Raises PlaceNotFound, UsageError for places that cannot be edited, LayoutBusy, and what
    `transform` raises.
    """
    found = parse_source(place) if isinstance(place, str) else place
    if found.path is None:
        if found.is_registry:
            raise UsageError(
                f"{found.text}: a registry is not edited in place: for another tag there, "
                f"ocilayout push {found.text} {found.reference.domain}/{found.reference.path}:TAG"
            )
        raise UsageError(
            f"{found.text}: only layout folders and tars are edited in place: convert it to one"
        )
    if found.path.is_dir():
        with FolderFiles(found.path) as files:
            yield _edit_layout(files, transform, lock_timeout, dry_run)
    else:
        # Readers of tars take their time to import, and edits of layouts are to be quick.
        from ocilayout.stores.tar_in_place import edited_tar

        with edited_tar(found.path, found.digest, transform, lock_timeout, dry_run) as after:
            yield Edited(after, changes(after))


def _edit_layout(
    files: FolderFiles, transform: Transform, lock_timeout: float, dry_run: bool
) -> Edited:
    if not layout_dir.recognizes(files):
        raise _not_a_layout(files)
    if dry_run:
        before = LayoutSource(files)
        after = transform(before, files.label)
        return Edited(after, changes(after))
    # Shared with all but those who remove blobs: what the edit refers to stays.
    remove_leftovers(files.fd)
    share(files, lock_timeout)
    with index_lock(files, lock_timeout):
        before = LayoutSource(files)
        after = transform(before, files.label)
        blobs, documents = FolderBlobs(files), made(after)
        added = [blob.digest for blob in documents if blob.digest.blob_path not in files]
        try:
            for blob in documents:
                blobs.put(blob.digest, io.BytesIO(read_bytes(after, blob)))
            if documents:
                blobs.sync()
            if after.index.raw != before.index.raw:
                replace_file(files.fd, INDEX, after.index.raw)
                remains.keep(f"{files.label} was edited")
        except BaseException:
            layout_dir.withdraw(files, added)
            raise
    return Edited(after, changes(after))


def _not_a_layout(files: FolderFiles) -> OciLayoutError:
    from ocilayout.stores import kinds
    from ocilayout.stores.unrecognized import tree_refusal

    found = kinds.recognized(files)
    if found is not None:
        return CannotHold(
            f"{files.label} ({found.dialect(files)}) is not edited in place: convert it first"
        )
    return tree_refusal(files, files.label)


def made(after: ImageSource) -> list[Descriptor]:
    """The documents that an edit made."""
    new = {descriptor.digest for descriptor in changes(after).values()}
    return [descriptor for descriptor in walk(after) if descriptor.digest in new] if new else []
