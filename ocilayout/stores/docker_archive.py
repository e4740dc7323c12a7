"""Docker archives: what `docker save` writes and `docker load` reads.

Docker 25 and later, BuildKit, regctl and ctr write an OCI layout and `manifest.json` into one tar;
then the layout is read. Older archives have no manifests: `docker_images` makes them.
What is written is both in one, so that every engine loads it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import BlobNotFound, CannotHold
from ocilayout.graph import (
    View,
    images_below,
    is_attestation,
    is_document,
    manifests_below,
    platform_of,
    read_document,
)
from ocilayout.protocols import DestinationOptions, Files, ImageDestination, ImageSource
from ocilayout.spec import media_types, names, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform
from ocilayout.stores.docker_entries import MANIFEST, Entry, is_docker_archive, read_entries
from ocilayout.stores.layout_source import INDEX, LayoutSource, warn_of_other_case
from ocilayout.stores.layout_tar import LayoutTar, open_tar

NAME = "docker-archive"


def recognizes(files: Files) -> bool:
    """A tar whose manifest.json is a list of images; a bare `repositories` is older than 1.10."""
    return not files.is_folder and is_docker_archive(files)


def dialect(files: Files) -> str:
    """Whether the archive has an OCI half."""
    return "docker-archive with OCI layout" if INDEX in files else "docker-archive"


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
    from ocilayout.stores.suspect_archive import SuspectArchive, hybrid_problems
    from ocilayout.stores.suspect_layout import SuspectLayout

    yield SuspectLayout(files, hybrid_problems) if INDEX in files else SuspectArchive(files)


def difference(layout: LayoutSource, entries: list[Entry]) -> str | None:
    """What manifest.json has and the layout has not; the layout may well have more.

    docker 25.0.0 wrote the layers of its manifests in random order (moby/moby#47150).
    """
    manifests: dict[str, list[tuple[str, ...]]] = {}
    for manifest in _image_manifests(layout):
        if manifest.config is not None:
            paths = tuple(layer.digest.blob_path for layer in manifest.layers)
            manifests.setdefault(str(manifest.config.digest), []).append(paths)
    for entry in entries:
        known = manifests.get(str(entry.config_digest))
        if known is None:
            return f"image {entry.config_digest} stands in {MANIFEST} alone"
        in_blobs = all(path.startswith("blobs/") for path in entry.layers)
        if in_blobs and entry.layers not in known:
            return f"the layers of image {entry.config_digest} differ"
    return None


def _image_manifests(layout: LayoutSource) -> Iterator[Manifest]:
    for descriptor in manifests_below(layout, layout.index.children):
        try:
            document = read_document(layout, descriptor) if is_document(descriptor) else None
        except BlobNotFound:
            continue
        if isinstance(document, Manifest) and document.is_image:
            yield document


def with_names(layout: LayoutSource, entries: list[Entry]) -> ImageSource:
    """The layout; an image without any name in it gets those of manifest.json."""
    by_config = {entry.config_digest: entry.names for entry in entries}
    children: list[Descriptor] = []
    for descriptor in layout.index.children:
        known: tuple[str, ...] = ()
        if descriptor.media_type in media_types.MANIFESTS and not names.names_of(descriptor):
            manifest = read_document(layout, descriptor)
            if isinstance(manifest, Manifest) and manifest.config is not None:
                known = by_config.get(manifest.config.digest, ())
        children.extend(names.renamed(descriptor, known) if known else [descriptor])
    if children == list(layout.index.children):
        return layout
    fields = [dict(child.fields) for child in children]
    return View(layout, layout.index.with_fields(manifests=fields))


class TarDestination:
    """Takes blobs into a tar, and publishes both halves of it."""

    def __init__(self, tar: LayoutTar, options: DestinationOptions) -> None:
        self._tar = tar
        self._options = options
        self.has_blob = tar.has_blob
        self.put_blob = tar.put_blob

    def check(self, source: ImageSource) -> None:
        """Raises CannotHold where nothing is an image, AmbiguousName where two have one name."""
        _choices(source, self._options.platforms)

    def commit(self, source: ImageSource) -> None:
        """Write manifest.json, index.json and the marker; raises CannotHold without an image."""
        entries = manifest_json(source, self._options)
        self._tar.finish(source, {MANIFEST: strict_json.encode(entries)})


@contextmanager
def open_destination(path: Path | None, options: DestinationOptions) -> Iterator[ImageDestination]:
    """A tar that appears at `path` when it is committed; raises DestinationExists."""
    with open_tar(path, options) as tar:
        yield TarDestination(tar, options)


def manifest_json(source: ImageSource, options: DestinationOptions) -> list[object]:
    """What manifest.json says of a source: one image of each entry, with all its names.

    Raises CannotHold where there is no image at all.
    """
    entries: dict[str, dict[str, object]] = {}
    choices, left_out = _choices(source, options.platforms)
    for descriptor, chosen in choices:
        if not options.takes_zstd:
            _warn_of_zstd(chosen)
        entry = entries.setdefault(str(chosen.digest), _entry(chosen))
        tags = entry["RepoTags"]
        assert isinstance(tags, list)
        tags.extend(_repo_tags(descriptor))
    for reason in left_out:
        notices.warn(f"{reason}: it stays in the OCI half of the archive")
    return list(entries.values())


def _choices(
    source: ImageSource, platforms: tuple[Platform, ...]
) -> tuple[list[tuple[Descriptor, Manifest]], list[str]]:
    """The manifest that stands for each entry, and why others have none; raises CannotHold."""
    choices: list[tuple[Descriptor, Manifest]] = []
    left_out: list[str] = []
    for descriptor in names.listed(source.index.children):
        if is_attestation(descriptor):
            continue
        try:
            choices.append((descriptor, _chosen(source, descriptor, platforms)))
        except CannotHold as error:
            left_out.append(str(error))
    if not choices:
        reasons = "; ".join(left_out) or "nothing here is a container image"
        raise CannotHold(f"{reasons}: docker can load nothing of this: --to oci-archive holds it")
    return choices, left_out


def _warn_of_zstd(manifest: Manifest) -> None:
    kinds = map(layer_type, (layer.media_type for layer in manifest.layers))
    if any(kind is not None and kind.codec == "zstd" for kind in kinds):
        notices.warn(
            "layers are compressed with zstd, which docker before 23 cannot load: "
            "--compression gzip (or none) avoids it"
        )


def _entry(manifest: Manifest) -> dict[str, object]:
    assert manifest.config is not None
    return {
        "Config": manifest.config.digest.blob_path,
        "RepoTags": [],
        "Layers": [layer.digest.blob_path for layer in manifest.layers],
    }


def _repo_tags(descriptor: Descriptor) -> list[str]:
    tags = []
    known = names.names_of(descriptor)
    if not known:
        notices.warn(
            f"{descriptor.digest} has no name: docker will load it without one; give it one with "
            "--tag REPOSITORY:TAG"
        )
    for name in known:
        reference = names.reference_of(name)
        if reference is None:
            notices.warn(
                f"{name!r} is a tag without a repository: docker will load the image without a "
                "name; give it one with --tag REPOSITORY:TAG"
            )
        else:
            tags.append(str(reference))
    return tags


def _chosen(
    source: ImageSource, descriptor: Descriptor, preferred: tuple[Platform, ...]
) -> Manifest:
    """The manifest that stands for an entry, since manifest.json has room for one platform.

    The first of the preferred platforms, else linux/amd64, else the first: never this machine's.
    Raises CannotHold where there is none that docker could load.
    """
    called = _called(descriptor)
    if not is_document(descriptor):
        raise CannotHold(f"{called} is {descriptor.media_type}, no image")
    if descriptor.digest in source.absent:
        raise CannotHold(f"{called} is not here")
    document = read_document(source, descriptor)
    if isinstance(document, Manifest) and not document.is_image:
        raise CannotHold(f"{called} is {document.artifact_type or 'an artifact'}, no image")
    members = _members(source, descriptor)
    if not members:
        raise CannotHold(f"{called} has no image that is whole")
    for platform in (*preferred, Platform("linux", "amd64")):
        for found, manifest in members:
            if found.fits(platform):
                return _said(descriptor, found, manifest, len(members))
    return _said(descriptor, *members[0], len(members))


def _said(descriptor: Descriptor, platform: Platform, manifest: Manifest, count: int) -> Manifest:
    if count > 1:
        notices.note(
            f"{_called(descriptor)}: of {count} platforms, {MANIFEST} names {platform}; the "
            "others are in the OCI half (--platform decides)"
        )
    return manifest


def _members(source: ImageSource, top: Descriptor) -> list[tuple[Platform, Manifest]]:
    return [
        (platform_of(source, child) or Platform("", ""), manifest)
        for child, manifest in images_below(source, [top])
        if not _lacks_layers(source, manifest)
    ]


def _lacks_layers(source: ImageSource, manifest: Manifest) -> bool:
    return any(child.digest in source.absent for child in manifest.children)


def _called(descriptor: Descriptor) -> str:
    return ", ".join(names.names_of(descriptor)) or str(descriptor.digest)
