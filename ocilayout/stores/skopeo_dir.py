"""skopeo's `dir:`: one image as a folder of plain files, without a name.

`manifest.json` is the manifest or index itself (not a list, as in Docker archives), the members
of an index are `HEX.manifest.json`, blobs are `HEX` (containers/image, directory transport).
"""

import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ocilayout import notices
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import (
    BlobNotFound,
    CannotHold,
    DestinationExists,
    InvalidDocument,
    OciLayoutError,
    UsageError,
)
from ocilayout.folders import FolderFiles
from ocilayout.graph import is_document, listing, walk
from ocilayout.partial import partial_folder, replace_file, unlink_if_there
from ocilayout.problems import Problem
from ocilayout.protocols import Files, ImageDestination, ImageSource
from ocilayout.referrers import images_listed
from ocilayout.spec import media_types, names, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, parse_document
from ocilayout.spec.fields import Fields
from ocilayout.stores.file_names import MANIFEST
from ocilayout.stores.layout_source import read_small

VERSION_FILE = "version"
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_BLOB_FILE = re.compile(r"[0-9a-f]{64}(?:\.manifest\.json)?|signature-[0-9]+", re.ASCII)
VERSION = "Directory Transport Version: 1.1\n"


def recognizes(files: Files) -> bool:
    """A folder, or a tar of one, with a `version` and a manifest.

    Where the `version` is lost, some blob must lie beside a manifest that leads to it: programs
    of all kinds have a manifest.json.
    """
    if MANIFEST not in files:
        return False
    if VERSION_FILE in files and (files.is_folder or _states_version(files)):
        return True
    try:
        raw = read_small(files, MANIFEST)
        document = parse_document(Descriptor.of(_media_type(raw, MANIFEST), raw), raw)
        return any(file_name(blob) in files for blob in document.children)
    except OciLayoutError:
        return False


def _states_version(files: Files) -> bool:
    """Whether a tar, which may be of anything, has the `version` of skopeo's."""
    try:
        return read_small(files, VERSION_FILE).startswith(b"Directory Transport Version")
    except OciLayoutError:
        return False


def dialect(files: Files) -> str:
    """Whether it is a tar, and what it lacks."""
    found = "dir" if files.is_folder else "dir in a tar"
    return found if VERSION_FILE in files else f"{found}, without its version file"


@contextmanager
def open_source(files: Files) -> Iterator[ImageSource]:
    """The image in the folder; raises InvalidDocument or InvalidArchive."""
    yield DirSource(files)


@contextmanager
def open_suspect(files: Files) -> Iterator[ImageSource]:
    """The image in a folder that may be damaged; raises where it has no readable manifest."""
    yield _SuspectSource(files)


class DirSource:
    """The image in a `dir:`."""

    absent: Collection[Digest] = frozenset()

    def __init__(self, files: Files) -> None:
        self._files = files
        if MANIFEST not in files:
            raise InvalidDocument(f"{files.label} has no {MANIFEST}: it is no dir: of skopeo's")
        raw = read_small(files, MANIFEST)
        self._top = Descriptor.of(_media_type(raw, f"{files.label}: {MANIFEST}"), raw)
        self.index = Index.of([self._top])

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A blob or a manifest; raises BlobNotFound."""
        name = MANIFEST if descriptor.digest == self._top.digest else file_name(descriptor)
        try:
            return self._files.open(name)
        except BlobNotFound:
            raise BlobNotFound(f"{self._files.label} lacks {descriptor.digest}") from None


class _SuspectSource(DirSource):
    """The same, with what is wrong with its files."""

    index_label = "index"

    def problems(self, images: object) -> Iterator[Problem]:
        """Files that are no part of the format."""
        for name, kind in self._files.walk():
            is_known = _BLOB_FILE.fullmatch(name) or name in {MANIFEST, VERSION_FILE}
            if kind != "directory" and not is_known:
                yield Problem("file-stray", name, "no part of a dir: of skopeo's")

    def stored(self) -> Iterator[Descriptor]:
        """Every blob file; a manifest is only known by what leads to it."""
        for name, kind in self._files.walk():
            if kind == "file" and is_blob_name(name):
                size = self._files.size(name)
                yield Descriptor.make("application/octet-stream", Digest("sha256", name), size)


def is_blob_name(name: str) -> bool:
    """Whether a file of this name is a blob."""
    return _HEX.fullmatch(name) is not None


def file_name(descriptor: Descriptor) -> str:
    """The name of the file of a blob, or of a member of an index."""
    encoded = descriptor.digest.encoded
    return f"{encoded}.{MANIFEST}" if is_document(descriptor) else encoded


def _media_type(raw: bytes, label: str) -> str:
    fields = Fields(strict_json.parse_object(raw, label), label)
    stated = fields.optional_text("mediaType")
    if stated is not None:
        return stated
    # OCI documents need not state it, Docker's do.
    return media_types.OCI_INDEX if "manifests" in fields.value else media_types.OCI_MANIFEST


@contextmanager
def open_destination(path: Path | None, options: DestinationOptions) -> Iterator[ImageDestination]:
    """A folder that appears at `path` when it is committed; raises DestinationExists."""
    if path is None:
        raise UsageError("dir: is a folder and cannot go to standard output")
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise _exists(path)
    with partial_folder(path) as (partial, publish), FolderFiles(partial) as files:
        destination = _Destination(files)
        yield destination
        if destination.committed and not publish():
            raise _exists(path)


def _exists(path: Path) -> DestinationExists:
    return DestinationExists(f"{path} is there and not an empty folder: choose another")


class _Destination:
    is_shared = True

    def __init__(self, files: FolderFiles) -> None:
        self._files = files
        self._written: set[Digest] = set()
        self.committed = False

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it was written already."""
        return descriptor.digest in self._written

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Write a blob or a manifest."""
        self._files.write(file_name(descriptor), content)
        self._written.add(descriptor.digest)

    def check(self, source: ImageSource) -> None:
        """Raises CannotHold where there is not exactly one image."""
        _only_image(source)

    def commit(self, source: ImageSource) -> None:
        """Name the one manifest; raises CannotHold where there are several images."""
        entry = _only_image(source)
        _say_what_is_lost(source, entry)
        folder = self._files.fd
        reachable = {blob.digest for blob in walk(listing(source, [entry]))}
        for digest in self._written - reachable:
            for name in (digest.encoded, f"{digest.encoded}.{MANIFEST}"):
                unlink_if_there(name, folder)
        os.rename(file_name(entry), MANIFEST, src_dir_fd=folder, dst_dir_fd=folder)
        replace_file(folder, VERSION_FILE, VERSION.encode())
        self.committed = True


def _only_image(source: ImageSource) -> Descriptor:
    images = images_listed(source)
    if len(images) != 1:
        raise CannotHold(
            f"dir: holds one image, here are {len(images)}: pick one by :NAME or "
            "@DIGEST, or take them as one with --index"
        )
    (entry,) = images
    if not is_document(entry):
        raise CannotHold(f"dir: holds an image, {entry.digest} is {entry.media_type}")
    return entry


def _say_what_is_lost(source: ImageSource, image: Descriptor) -> None:
    lost = [name for child in source.index.children for name in names.names_of(child)]
    if lost:
        notices.warn(f"dir: has no room for names: {', '.join(lost)} is not in it")
    referrers = {entry.digest for entry in source.index.children} - {image.digest}
    if referrers:
        notices.warn(f"dir: has no room for what refers to its image: {len(referrers)} left out")
