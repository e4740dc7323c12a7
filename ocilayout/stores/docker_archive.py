"""Docker archives: what `docker save` writes and `docker load` reads.

Docker 25 and later, BuildKit, regctl and ctr write an OCI layout and `manifest.json` into one tar;
then the layout is read. Older archives have no manifests: `docker_images` makes them.
What is written is for `docker_output`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from ocilayout import notices
from ocilayout.damage import DAMAGE, despite_damage
from ocilayout.graph import View, manifest_if_here, manifests_below
from ocilayout.protocols import Files, ImageDestination, ImageSource
from ocilayout.spec import media_types, names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Manifest
from ocilayout.stores.docker_entries import (
    Entry,
    is_docker_archive,
    is_unpacked_archive,
    read_entries,
)
from ocilayout.stores.file_names import INDEX, MANIFEST
from ocilayout.stores.layout_source import LayoutSource, warn_of_other_case

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.destination_options import DestinationOptions


def recognizes(files: Files) -> bool:
    """A tar whose manifest.json is a list of images; a bare `repositories` is older than 1.10.

    A folder too, into which such a tar was unpacked.
    """
    return is_unpacked_archive(files) if files.is_folder else is_docker_archive(files)


def dialect(files: Files) -> str:
    """Whether the archive has an OCI half, and whether it is a folder."""
    found = "docker-archive with OCI layout" if INDEX in files else "docker-archive"
    return f"{found}, unpacked" if files.is_folder else found


@contextmanager
def open_source(files: Files) -> Iterator[ImageSource]:
    """The images in the tar; raises InvalidDocument or InvalidArchive."""
    warn_of_other_case(files)
    entries = read_entries(files)
    if INDEX in files:
        layout = LayoutSource(files)
        found = difference(layout, entries)
        if found is None:
            yield with_names(layout, entries)
            return
        notices.warn(
            f"{files.label}: {INDEX} and {MANIFEST} disagree ({found}); {MANIFEST} is used, "
            f"oci-archive:{files.label} reads the other"
        )
    from ocilayout.stores.docker_images import DockerImages

    yield DockerImages(files, entries)


@contextmanager
def open_suspect(files: Files) -> Iterator[ImageSource]:
    """The images in a tar that may be damaged; those of its OCI half, where there is one."""
    # Few commands verify, and start-up counts.
    if INDEX in files:
        from ocilayout.stores.suspect_hybrid import SuspectHybrid

        yield SuspectHybrid(files)
        return
    from ocilayout.stores.suspect_archive import SuspectArchive

    yield SuspectArchive(files)


def difference(layout: LayoutSource, entries: list[Entry]) -> str | None:
    """What manifest.json has and the layout has not; the layout may well have more.

    docker 25.0.0 wrote the layers of its manifests in random order (moby/moby#47150).
    """
    manifests, _ = despite_damage(layout, layers_by_config)
    for entry in entries:
        known = manifests.get(str(entry.config_digest))
        if known is None:
            return f"image {entry.config_digest} stands in {MANIFEST} alone"
        in_blobs = all(path.startswith("blobs/") for path in entry.layers)
        if in_blobs and entry.layers not in known:
            return f"the layers of image {entry.config_digest} differ"
    return None


def layers_by_config(source: ImageSource) -> dict[str, list[tuple[str, ...]]]:
    """The paths of the layers of each image, by the digest of its config."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for descriptor in manifests_below(source, source.index.children):
        if descriptor.digest in source.absent:
            continue
        manifest = manifest_if_here(source, descriptor)
        if manifest is not None and manifest.is_image and manifest.config is not None:
            paths = tuple(layer.digest.blob_path for layer in manifest.layers)
            found.setdefault(str(manifest.config.digest), []).append(paths)
    return found


def with_names(layout: LayoutSource, entries: list[Entry]) -> ImageSource:
    """The layout; an image without any name in it gets those of manifest.json.

    Not those that another entry of the index has: manifest.json names one image of an index.
    """
    stated = {name for child in layout.index.children for name in names.names_of(child)}
    by_config = {
        entry.config_digest: tuple(name for name in entry.names if name not in stated)
        for entry in entries
    }
    children: list[Descriptor] = []
    for descriptor in layout.index.children:
        known: tuple[str, ...] = ()
        if descriptor.media_type in media_types.MANIFESTS and not names.names_of(descriptor):
            manifest = _manifest_if_readable(layout, descriptor)
            if manifest is not None and manifest.config is not None:
                known = by_config.get(manifest.config.digest, ())
        children.extend(names.renamed(descriptor, known) if known else [descriptor])
    if children == list(layout.index.children):
        return layout
    return View(layout, layout.index.with_entries(children))


def _manifest_if_readable(layout: LayoutSource, descriptor: Descriptor) -> Manifest | None:
    try:
        return manifest_if_here(layout, descriptor)
    except DAMAGE:
        # Whoever wants this image is told why it cannot be read.
        return None


def open_destination(
    path: "Path | None", options: "DestinationOptions"
) -> AbstractContextManager[ImageDestination]:
    """A tar that appears at `path` when it is committed; raises DestinationExists."""
    # Many commands only read, and start-up counts.
    from ocilayout.stores import docker_output

    return docker_output.open_destination(path, options)
