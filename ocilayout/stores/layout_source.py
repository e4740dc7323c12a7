"""Reading an OCI layout, whether a folder or a tar holds it (image-layout.md)."""

from collections.abc import Collection
from typing import BinaryIO

from ocilayout import notices
from ocilayout.errors import BlobNotFound, DanglingLink, InvalidArchive, InvalidDocument
from ocilayout.protocols import Files
from ocilayout.spec import names, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.fields import Fields
from ocilayout.stores.file_names import INDEX, MANIFEST, MARKER

VERSION = "1.0.0"
MARKER_CONTENT = b'{"imageLayoutVersion":"1.0.0"}'


class LayoutSource:
    """The images of a layout."""

    absent: Collection[Digest] = frozenset()

    def __init__(self, files: Files) -> None:
        """Raises InvalidDocument or InvalidArchive where `files` holds no layout."""
        _check_marker(files)
        self.index = read_index(files)
        self._files = files

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The blob file, not verified; raises BlobNotFound."""
        return open_blob_file(self._files, descriptor)


def open_blob_file(files: Files, descriptor: Descriptor) -> BinaryIO:
    """The file of a blob in a layout; raises BlobNotFound."""
    try:
        return files.open(descriptor.digest.blob_path)
    except DanglingLink:
        raise
    except BlobNotFound:
        raise BlobNotFound(
            f"{files.label} lacks the blob {descriptor.digest} "
            f"({descriptor.media_type}): the image is not whole"
        ) from None


def read_index(files: Files) -> Index:
    """The `index.json` of a layout; raises InvalidDocument."""
    return Index.parse_top(read_small(files, INDEX), f"{files.label}: {INDEX}")


def listed_index(index: Index) -> Index:
    """An index with its names in the form that every tool reads."""
    return index.with_entries(names.listed(index.children))


def read_small(files: Files, name: str, limit: int = strict_json.MAX_DOCUMENT_SIZE) -> bytes:
    """All of a file that is a document; raises InvalidDocument where it has more than `limit`."""
    size = files.size(name)
    if size > limit:
        raise InvalidDocument(
            f"{files.label}: {name} has {size} bytes, a document may have {limit}"
        )
    with files.open(name) as file:
        return file.read()


def warn_of_other_case(files: Files) -> None:
    """Say where a name would fall together with a known one on a file system that folds case."""
    for top in names_of_other_case(files):
        notices.warn(f"{files.label} has {top!r} too, which some systems take for another file")


def names_of_other_case(files: Files) -> list[str]:
    """The names at the top that differ from known ones by case alone, once each."""
    known = {INDEX, MARKER, MANIFEST, "blobs", "version"}
    tops = dict.fromkeys(name.partition("/")[0] for name in files.names())
    return [top for top in tops if top not in known and top.casefold() in known]


def _check_marker(files: Files) -> None:
    if MARKER not in files:
        # BuildKit wrote folders without it (docker/buildx#1672).
        notices.warn(f"{files.label} has no {MARKER} file; it is read as version {VERSION}")
        return
    label = f"{files.label}: {MARKER}"
    fields = Fields(
        strict_json.parse_object(read_small(files, MARKER), label),
        label,
        known=("imageLayoutVersion",),
    )
    version = fields.text("imageLayoutVersion")
    if version != VERSION:
        raise InvalidArchive(f"{label} says version {version!r}; {VERSION} is what can be read")
