"""Writing an OCI layout as a tar, in one pass: blobs as they come, documents of the layout last."""

import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ocilayout.compression import CODECS, Codec, deflated
from ocilayout.errors import DestinationExists, UsageError
from ocilayout.partial import partial_file
from ocilayout.protocols import DestinationOptions, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores.layout_source import INDEX, MARKER, MARKER_CONTENT, listed_index
from ocilayout.streams import FileWriter
from ocilayout.tar_writer import TarWriter

SUFFIXES = {
    ".tar": "none",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
    ".tar.zst": "zstd",
    ".tzst": "zstd",
    ".tar.xz": "xz",
    ".txz": "xz",
    ".tar.bz2": "bzip2",
    ".tbz2": "bzip2",
    ".tbz": "bzip2",
}
"""How a tar is compressed outside, by the end of its name."""

_OTHER_ARCHIVE = re.compile(r"\.(?:gz|zst|xz|bz2|zip|lz4|7z|rar|(?:tar|tgz)[^/]*)$", re.ASCII)


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

    None is standard output, plain; what is no regular file (a pipe, a terminal) is written to as
    it stands. Raises DestinationExists.
    """
    if path is None:
        yield LayoutTar(TarWriter(FileWriter(1, "standard output")))
    elif is_stream(path):
        with path.open("wb", buffering=0) as stream:
            yield LayoutTar(TarWriter(FileWriter(stream.fileno(), str(path))))
    else:
        codec = outer_codec(path)
        with partial_file(path, replace=options.replace) as (file, publish):
            with deflated(file, codec) as out:
                tar = LayoutTar(TarWriter(out))
                yield tar
            if tar.finished:
                publish()


def is_stream(path: Path) -> bool:
    """Whether `path` is a pipe or a terminal; raises DestinationExists for what takes no bytes."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        return False
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        return True
    raise DestinationExists(f"{path} is a device or a socket, to which no image is written")


def is_tar_name(path: Path) -> bool:
    """Whether the end of a name says that it is a tar."""
    return path.name.lower().endswith(tuple(SUFFIXES))


def outer_codec(path: Path) -> Codec:
    """How a tar of that name is compressed outside; raises UsageError for other suffixes."""
    name = path.name.lower()
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if name.endswith(suffix):
            return CODECS[SUFFIXES[suffix]]
    if _OTHER_ARCHIVE.search(name):
        raise UsageError(
            f"{path}: {path.suffix} is no kind of tar that is written here: "
            f"name it with one of {', '.join(SUFFIXES)}"
        )
    return CODECS["none"]
