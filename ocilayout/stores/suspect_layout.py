"""A layout, folder or tar, that may be damaged: what its files tell beside its graph."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import BinaryIO

from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDigest, InvalidDocument
from ocilayout.partial import is_partial_name
from ocilayout.problems import Problem
from ocilayout.protocols import Files
from ocilayout.spec import media_types, schemas
from ocilayout.spec.damaged_documents import readable_index
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores.file_names import INDEX, LOCK, MANIFEST, MARKER, REPOSITORIES
from ocilayout.stores.layout_source import names_of_other_case, open_blob_file, read_small

Images = Mapping[Digest, Collection[Digest]]
"""For each config the lists of layers that images have for it; none for that of an artifact."""
Others = Callable[[Files, Images | None], Iterator[Problem]]
"""What a format adds to a layout tells its own problems."""

_KNOWN = {INDEX, MARKER, "blobs", MANIFEST, REPOSITORIES, LOCK}
_BLOB = re.compile(r"blobs/([^/]+)/([^/]+)")
# Where BuildKit, containerd and oras write before they rename, and the partial names of others.
_TEMPORARY = re.compile(r"ingest(?:/.*)?|.*\.(?:tmp|temp|partial|part)|\.?(?:tmp|temp)[-_.].*")


class SuspectLayout:
    """The images of a layout of which nothing is taken for granted."""

    absent: Collection[Digest] = frozenset()
    index_label = INDEX

    def __init__(self, files: Files, others: Others | None = None) -> None:
        """Raises InvalidArchive or InvalidDocument where there is no index.json of bounded size.

        What else is wrong is told by `problems`.
        """
        if INDEX not in files:
            raise InvalidArchive(f"{files.label} has no {INDEX}: it is no layout")
        self._files = files
        self._others = others
        self.index = readable_index(read_small(files, INDEX), INDEX)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The blob file, not verified; raises BlobNotFound."""
        return open_blob_file(self._files, descriptor)

    def problems(self, images: Images | None) -> Iterator[Problem]:
        """What is wrong with the files."""
        yield from _marker_problems(self._files)
        yield from listing_problems(self._files)
        if self._others is not None:
            yield from self._others(self._files, images)
        for name, kind in self._files.walk():
            if kind == "directory":
                continue
            if _stored(name) is None:
                yield from _stray(name)
            elif kind not in {"file", "symlink", "hardlink"}:
                yield Problem("file-stray", name, "it has the name of a blob, and is no file")

    def stored(self) -> Iterator[Descriptor]:
        """Every blob file."""
        for name, kind in self._files.walk():
            digest = _stored(name)
            if digest is not None and kind == "file":
                size = self._files.size(name)
                yield Descriptor.make("application/octet-stream", digest, size)


def listing_problems(files: Files) -> Iterator[Problem]:
    """Names that stand there twice, or fall together with known ones where case is folded."""
    for name in files.repeated:
        yield Problem("member-repeated", name, "it stands in the tar twice; the last was looked at")
    for name in names_of_other_case(files):
        yield Problem("case-collision", name, "some systems take it for the file of the known name")


def _marker_problems(files: Files) -> Iterator[Problem]:
    try:
        raw = read_small(files, MARKER)
    except BlobNotFound:
        yield Problem("oci-layout-missing", MARKER, "there is none")
        return
    except (InvalidArchive, InvalidDocument) as error:
        yield Problem("oci-layout-invalid", MARKER, str(error))
        return
    for violation in schemas.violations(raw, media_types.OCI_LAYOUT):
        yield Problem("oci-layout-invalid", MARKER, violation)


def _stored(name: str) -> Digest | None:
    match = _BLOB.fullmatch(name)
    try:
        return None if match is None else Digest.parse(f"{match[1]}:{match[2]}")
    except InvalidDigest:
        return None


def _stray(name: str) -> Iterator[Problem]:
    base = name.rpartition("/")[2]
    if (
        is_partial_name(name.partition("/")[0])
        or _TEMPORARY.fullmatch(name)
        or _TEMPORARY.fullmatch(base)
    ):
        yield Problem("file-temporary", name, "left behind by a tool that was interrupted")
    elif name not in _KNOWN:
        yield Problem("file-stray", name, "no part of a layout")
