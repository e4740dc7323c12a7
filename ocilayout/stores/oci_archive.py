"""OCI archives: a layout in a tar, as buildx `type=oci` and skopeo write it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ocilayout.errors import InvalidArchive
from ocilayout.protocols import Files, ImageDestination, ImageSource
from ocilayout.spec import names
from ocilayout.stores.file_names import INDEX
from ocilayout.stores.layout_source import LayoutSource, warn_of_other_case

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.destination_options import DestinationOptions
    from ocilayout.stores.layout_tar import LayoutTar


def recognizes(files: Files) -> bool:
    """A tar with an index.json."""
    return not files.is_folder and INDEX in files


def dialect(files: Files) -> str:
    """One word: there are no dialects that matter to a reader."""
    return "oci-archive"


@contextmanager
def open_source(files: Files) -> Iterator[ImageSource]:
    """The images in the tar; raises InvalidDocument or InvalidArchive."""
    if INDEX not in files:
        raise InvalidArchive(
            f"{files.label} has no {INDEX}: it is no OCI archive (docker-archive:?)"
        )
    warn_of_other_case(files)
    yield LayoutSource(files)


@contextmanager
def open_suspect(files: Files) -> Iterator[ImageSource]:
    """The images in a tar that may be damaged; so may be the manifest.json beside them."""
    # Few commands verify, and start-up counts.
    from ocilayout.stores.suspect_archive import hybrid_problems
    from ocilayout.stores.suspect_layout import SuspectLayout

    yield SuspectLayout(files, hybrid_problems)


class _Destination:
    def __init__(self, tar: "LayoutTar") -> None:
        self._tar = tar
        self.has_blob = tar.has_blob
        self.put_blob = tar.put_blob

    def check(self, source: ImageSource) -> None:
        """Raises AmbiguousName where one name is for two images."""
        names.listed(source.index.children)

    def commit(self, source: ImageSource) -> None:
        """Write index.json and the marker."""
        self._tar.finish(source, {})


@contextmanager
def open_destination(
    path: "Path | None", options: "DestinationOptions"
) -> Iterator[ImageDestination]:
    """A tar that appears at `path` when it is committed; raises DestinationExists."""
    # Many commands only read, and start-up counts.
    from ocilayout.stores.layout_tar import open_tar

    with open_tar(path, options) as tar:
        yield _Destination(tar)
