"""A Docker archive with an OCI layout in it, either of which may be damaged."""

from collections.abc import Iterator
from typing import BinaryIO

from ocilayout.damage import despite_damage
from ocilayout.errors import BlobNotFound, OciLayoutError
from ocilayout.problems import Problem
from ocilayout.protocols import Files
from ocilayout.spec.descriptor import Descriptor
from ocilayout.stores.docker_archive import layers_by_config
from ocilayout.stores.docker_entries import Entry, read_entries
from ocilayout.stores.docker_images import DockerImages
from ocilayout.stores.file_names import INDEX, MANIFEST
from ocilayout.stores.layout_source import LayoutSource
from ocilayout.stores.suspect_archive import hybrid_problems
from ocilayout.stores.suspect_layout import Images, SuspectLayout


class SuspectHybrid(SuspectLayout):
    """The images of index.json, and those that manifest.json alone lists.

    docker 25 to 28 list images that are saved by their digests in manifest.json, and only one of
    them in index.json. ls and convert read all of them, so all are looked at.
    """

    def __init__(self, files: Files) -> None:
        """Raises what SuspectLayout raises."""
        super().__init__(files, hybrid_problems)
        self._unlisted = _unlisted_entries(files)
        entries = list(self._unlisted.values())
        self._images = DockerImages(files, entries, _skip) if entries else None
        if self._images is not None:
            made = self._images.index.children
            self.index = self.index.with_entries((*self.index.children, *made))

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A blob of the layout, or a manifest that was made here; raises BlobNotFound."""
        try:
            return super().open_blob(descriptor)
        except BlobNotFound:
            if self._images is None:
                raise
            return self._images.open_unchecked(descriptor)

    def problems(self, images: Images | None) -> Iterator[Problem]:
        """What is wrong with the files."""
        for position, entry in self._unlisted.items():
            text = f"{INDEX} does not lead to image {entry.config_digest}"
            where = f"{MANIFEST}: [{position}].Config"
            yield Problem("index-json-incomplete", where, text)
        yield from super().problems(images)


def _unlisted_entries(files: Files) -> dict[int, Entry]:
    """What manifest.json lists, by its position, and index.json does not.

    Nothing where either cannot be read.
    """
    try:
        layout = LayoutSource(files)
        if layout.index.damaged:
            return {}
        listed, _ = despite_damage(layout, layers_by_config)
        entries = read_entries(files)
    except OciLayoutError:
        # What is wrong with them is told as it is found.
        return {}
    return {
        position: entry
        for position, entry in enumerate(entries)
        if str(entry.config_digest) not in listed
    }


def _skip(position: int, error: OciLayoutError) -> None:
    """What cannot be read of manifest.json is told by hybrid_problems."""
