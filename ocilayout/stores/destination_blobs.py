"""What a destination has already, read: for sources that lack what was sent there before."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ocilayout.errors import BlobNotFound, InvalidArchive
from ocilayout.folders import FolderFiles
from ocilayout.graph import is_document
from ocilayout.protocols import BlobReader
from ocilayout.spec.descriptor import Descriptor
from ocilayout.stores.file_names import INDEX
from ocilayout.stores.layout_source import open_blob_file
from ocilayout.stores.places import Place

if TYPE_CHECKING:
    from ocilayout.registries.registry import Registries
    from ocilayout.registries.repository import Repository


def destination_blobs(
    place: Place, transport: str, registries: "Registries | None" = None
) -> BlobReader | None:
    """The blobs at a place that is added to: a layout, or a repository; None where it is new.

    `registries` are the connections of the command, which a place in a registry needs.
    """
    if place.is_registry and registries is not None:
        from ocilayout.stores.registry import repository_of

        return _RepositoryBlobs(repository_of(place, registries))
    if transport == "oci" and place.path is not None and (place.path / INDEX).is_file():
        return _LayoutBlobs(place.path)
    return None


class _LayoutBlobs:
    def __init__(self, path: Path) -> None:
        self._path = path

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The blob file, through no link; raises BlobNotFound."""
        with FolderFiles(self._path) as files:
            try:
                return open_blob_file(files, descriptor)
            except InvalidArchive as error:
                raise BlobNotFound(str(error)) from None


class _RepositoryBlobs:
    def __init__(self, repository: "Repository") -> None:
        self._repository = repository

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A blob or a document; raises BlobNotFound where the registry says that it has none."""
        where = f"{self._repository.registry.host}/{self._repository.path}"
        if is_document(descriptor):
            document = self._repository.manifest(descriptor.digest)
            if document is not None:
                return BytesIO(document.raw)
        elif self._repository.has_blob(descriptor):
            return self._repository.open_blob(descriptor)
        raise BlobNotFound(f"{where} has no {descriptor.digest}")
