"""Removing the blobs of a layout folder that nothing refers to: marked by walk, swept by list.

In doubt nothing is removed: all that is reachable is read and verified first, but for layers,
which refer to nothing, and of which only the size is compared. Nobody else reads the layout or adds
to it meanwhile.
"""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ocilayout import remains
from ocilayout.errors import (
    BlobNotFound,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    LayoutBusy,
    OciLayoutError,
)
from ocilayout.folders import FolderFiles
from ocilayout.partial import remove_leftovers, sync_folder
from ocilayout.spec import strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.stores.file_names import INDEX
from ocilayout.stores.layout_files import (
    LayoutFile,
    ingesting,
    leftovers,
    listed_blobs,
    remove_ingest,
)
from ocilayout.stores.layout_locks import alone, share_to_read
from ocilayout.stores.layout_marks import Marks
from ocilayout.stores.layout_source import LayoutSource, read_small, warn_of_other_case


@dataclass(frozen=True)
class Garbage:
    """What was removed from a layout, or would be, and what was kept though nothing lists it."""

    blobs: Sequence[LayoutFile]
    leftovers: Sequence[LayoutFile]
    """What commands that were killed left behind: ours, and with `ingest` those of others."""
    ingest: Sequence[LayoutFile]
    """What BuildKit or oras were writing, and left; kept."""
    strays: Sequence[str]
    """What lies among the blobs and is none; kept."""
    referrers: Sequence[Digest]
    """What no index lists, but refers to an image that stays; kept."""
    subjects: Sequence[Digest]
    """What no index lists, but something that is listed refers to; kept."""

    @property
    def freed(self) -> int:
        """Bytes."""
        files = (*self.blobs, *self.leftovers)
        return sum(file.size for file in files if not file.is_shared)


def collect_garbage(
    path: Path | str,
    *,
    dry_run: bool = False,
    ingest: bool = False,
    attestations: Literal["keep", "drop"] = "keep",
    missing: Literal["refuse", "keep"] = "refuse",
    lock_timeout: float = 60.0,
) -> Garbage:
    """Remove the blobs of a layout folder that nothing refers to, or only say which they are.

    `ingest` removes what BuildKit and oras left in the folder of that name; `attestations` "drop"
    also the referrers that no index lists. What is needed and not here may lead to any blob that
    is, or be it under another name: BlobNotFound then, unless `missing` is "keep". Raises
    LayoutBusy after `lock_timeout` seconds, and what reading raises; then nothing was removed.
    """
    with _opened(Path(path)) as files, _held(files, dry_run, lock_timeout):
        raw = _checked_index(files)
        listing, strays = listed_blobs(files)
        index = _readable_index(files)
        with _removing_nothing(files):
            marks = Marks(files, index)
        unmarked = sorted(listing.keys() - marks.reached)
        referrers = marks.keep_referrers(unmarked) if attestations == "keep" else []
        unneeded = [digest for digest in unmarked if digest not in marks.reached]
        if unneeded and marks.gaps and missing == "refuse":
            raise BlobNotFound(_refusal(files, list(marks.gaps.values()), len(unneeded)))
        ours, others = leftovers(files), ingesting(files)
        garbage = Garbage(
            blobs=[listing[digest] for digest in unneeded],
            leftovers=[*ours, *(others if ingest else ())],
            ingest=() if ingest else others,
            strays=strays,
            referrers=referrers,
            subjects=marks.subjects,
        )
        if dry_run:
            return garbage
        _check_unchanged(files, raw)
        _remove(files, unneeded)
        remove_leftovers(files.fd)
        if ingest:
            remove_ingest(files)
        kept = leftovers(files)
        return replace(garbage, leftovers=[f for f in garbage.leftovers if f not in kept])


@contextmanager
def _opened(path: Path) -> Iterator[FolderFiles]:
    try:
        files = FolderFiles(path)
    except NotADirectoryError:
        raise InvalidArchive(
            f"{path} is a file, from which no blob can be removed: convert writes another "
            "without what nothing refers to"
        ) from None
    with files:
        if INDEX not in files:
            # Few directories that are collected are none, and start-up counts.
            from ocilayout.stores import kinds
            from ocilayout.stores.unrecognized import tree_refusal

            if kinds.recognized(files) is None:
                raise tree_refusal(files, str(path))
            raise InvalidArchive(f"{path} is no OCI layout: it has no {INDEX}")
        yield files


@contextmanager
def _held(files: FolderFiles, dry_run: bool, lock_timeout: float) -> Iterator[None]:
    """As a reader where nothing is removed, else alone."""
    if dry_run:
        share_to_read(files)
        yield
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(alone(files, lock_timeout))
        except OSError as error:
            why = "--dry-run says what could be removed"
            if error.errno not in {errno.EROFS, errno.EACCES, errno.EPERM}:
                why = "without locks nobody knows who else uses it"
            raise OciLayoutError(
                f"{error.filename}: {error.strerror}: nothing was removed: {why}"
            ) from None
        yield


def _checked_index(files: FolderFiles) -> bytes:
    """The bytes of an index.json that says what it lists; raises InvalidDocument.

    A reader may take null for an empty list. Who removes what is not listed may not.
    """
    warn_of_other_case(files)
    raw = read_small(files, INDEX)
    label = f"{files.label}: {INDEX}"
    if strict_json.parse_object(raw, label).get("manifests") is None:
        raise InvalidDocument(
            f"{label} does not say which images there are, so nothing is removed; "
            'if there are none, "manifests" should be []'
        )
    return raw


def _readable_index(files: FolderFiles) -> Index:
    """The index of a layout; raises InvalidDocument where an entry of it cannot be read.

    Nobody knows what such an entry may lead to.
    """
    index = LayoutSource(files).index
    if index.damaged:
        raise InvalidDocument(
            f"{files.label}: {index.damaged[0].reason}: nothing was removed, since what this entry "
            "leads to is not known",
            remedy="convert --missing prune writes a layout without it",
        )
    return index


@contextmanager
def _removing_nothing(files: FolderFiles) -> Iterator[None]:
    """Says of a document that cannot be read what that means, and what to do."""
    try:
        yield
    except (IntegrityError, InvalidDocument) as error:
        raise type(error)(
            f"{files.label}: {error}: nothing was removed, since what this leads to is not known",
            remedy="convert --missing prune writes a layout without it",
        ) from None


def _check_unchanged(files: FolderFiles, raw: bytes) -> None:
    if read_small(files, INDEX) != raw:
        raise LayoutBusy(
            f"{files.label}: {INDEX} was changed meanwhile by a tool that heeds no lock: nothing "
            "was removed; try again when it is done"
        )


def _refusal(files: FolderFiles, gaps: Sequence[Descriptor], count: int) -> str:
    first = gaps[0]
    more = f" and {len(gaps) - 1} more" if len(gaps) > 1 else ""
    return (
        f"{files.label} lacks {first.platform or first.media_type} {first.digest}{more}, and "
        f"{count} blobs that nothing else refers to may be of that: nothing was removed; --missing "
        "keep removes them, convert --missing prune writes a layout without gaps"
    )


def _remove(files: FolderFiles, garbage: Sequence[Digest]) -> None:
    removed = 0
    try:
        for algorithm in sorted({digest.algorithm for digest in garbage}):
            with files.folder(f"blobs/{algorithm}") as folder:
                for digest in garbage:
                    if digest.algorithm == algorithm:
                        os.unlink(digest.encoded, dir_fd=folder)
                        removed += 1
                sync_folder(folder, f"{files.label}/blobs/{algorithm}")
    finally:
        remains.keep(f"{removed} of {len(garbage)} blobs were removed from {files.label}")
