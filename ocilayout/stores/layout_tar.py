"""Writing an OCI layout as a tar, in one pass: blobs as they come, documents of the layout last."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ocilayout.compression import CODECS
from ocilayout.destination_options import DestinationOptions
from ocilayout.outputs import open_output, outer_codec
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores.file_names import INDEX, MARKER
from ocilayout.stores.layout_source import MARKER_CONTENT, listed_index
from ocilayout.tar_writer import TarWriter


class LayoutTar:
    """The blobs of a layout that is being written as a tar."""

    def __init__(self, tar: TarWriter) -> None:
        self._tar = tar
        self._written: set[Digest] = set()
        self._folders: set[str] = set()
        self.finished = False

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether it was written already."""
        return descriptor.digest in self._written

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        """Append a blob."""
        for folder in ("blobs", f"blobs/{descriptor.digest.algorithm}"):
            if folder not in self._folders:
                self._tar.add_directory(folder)
                self._folders.add(folder)
        self._tar.add(descriptor.digest.blob_path, descriptor.size, content)
        self._written.add(descriptor.digest)

    def finish(self, source: ImageSource, documents: Mapping[str, bytes]) -> None:
        """Append `documents` and what makes a layout of it, and end the tar."""
        for name, content in documents.items():
            self._tar.add_bytes(name, content)
        self._tar.add_bytes(INDEX, listed_index(source.index).raw)
        self._tar.add_bytes(MARKER, MARKER_CONTENT)
        self._tar.finish()
        self.finished = True


@contextmanager
def open_tar(path: Path | None, options: DestinationOptions) -> Iterator[LayoutTar]:
    """A tar that appears at `path`, compressed as its suffix says, if it was finished.

    None is standard output. Raises DestinationExists.
    """
    codec = CODECS["none"] if path is None else outer_codec(path)
    with open_output(path, codec, replace=options.replace) as output:
        tar = LayoutTar(TarWriter(output.content))
        yield tar
        output.finished = tar.finished
