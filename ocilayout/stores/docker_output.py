"""Docker archives, written: a layout and `manifest.json` in one, so that every engine loads it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ocilayout import notices
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import CannotHold
from ocilayout.graph import is_document, listing, platform_of, read_document
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.referrers import images_below, is_attestation, is_referrer
from ocilayout.spec import names, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import BUILD_CACHE, Manifest, is_build_cache
from ocilayout.spec.marks import mark_of
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform
from ocilayout.stores.file_names import MANIFEST
from ocilayout.stores.layout_tar import LayoutTar, open_tar


class TarDestination:
    """Takes blobs into a tar, and publishes both halves of it."""

    def __init__(self, tar: LayoutTar, options: DestinationOptions) -> None:
        self._tar = tar
        self._options = options
        self.has_blob = tar.has_blob
        self.put_blob = tar.put_blob

    def check(self, source: ImageSource) -> None:
        """Say which platforms manifest.json has no room for.

        Raises CannotHold where nothing is an image, AmbiguousName where two have one name.
        """
        for choice in _choices(source, self._options.platforms)[0]:
            if choice.members > 1:
                _say_what_is_named(choice)

    def commit(self, source: ImageSource) -> None:
        """Write manifest.json, index.json and the marker; raises CannotHold without an image."""
        entries = manifest_json(source, self._options)
        self._tar.finish(_marks_first(source), {MANIFEST: strict_json.encode(entries)})


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
    for choice in choices:
        if not options.takes_zstd:
            _warn_of_zstd(choice.manifest)
        entry = entries.setdefault(str(choice.manifest.digest), _entry(choice.manifest))
        tags = entry["RepoTags"]
        assert isinstance(tags, list)
        tags.extend(_repo_tags(choice.entry))
    _warn_of_names(choice.entry for choice in choices)
    for reason in left_out:
        notices.warn(f"{reason}: it stays in the OCI layout of the archive")
    return list(entries.values())


def _marks_first(source: ImageSource) -> ImageSource:
    """The source with signatures that are listed under the name of their image in front of it.

    containerd gives a name to the last entry that has it (containerd: client/import.go).
    """
    entries = sorted(source.index.children, key=lambda entry: mark_of(entry) is None)
    return listing(source, entries)


class _Choice(NamedTuple):
    entry: Descriptor
    manifest: Manifest
    """What stands for the entry."""
    platform: Platform
    members: int
    """The images of the entry."""


def _choices(
    source: ImageSource, platforms: tuple[Platform, ...]
) -> tuple[list[_Choice], list[str]]:
    """The manifest that stands for each entry, and why others have none; raises CannotHold."""
    choices: list[_Choice] = []
    left_out: list[str] = []
    referrers: list[str] = []
    for descriptor in names.listed(source.index.children):
        if is_attestation(descriptor):
            continue
        if is_referrer(source, descriptor):
            referrers.append(_called(descriptor))
            continue
        try:
            choices.append(_chosen(source, descriptor, platforms))
        except CannotHold as error:
            left_out.append(str(error))
    if referrers:
        left_out.append(f"{notices.some_of(referrers)} refers to an image, and is none")
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
    """The names of an entry that have a repository."""
    references = map(names.reference_of, names.names_of(descriptor))
    return [str(reference) for reference in references if reference is not None]


def _warn_of_names(entries: Iterable[Descriptor]) -> None:
    """Say which images docker will load without a name, and which names it will not load."""
    nameless: list[str] = []
    bare: list[str] = []
    for entry in entries:
        known = names.names_of(entry)
        if not known:
            nameless.append(str(entry.digest))
        bare.extend(repr(name) for name in known if names.reference_of(name) is None)
    advice = "docker will load it by its id alone; give it a name with --tag REPOSITORY:TAG"
    if nameless:
        notices.warn(f"image without a name: {notices.some_of(nameless)}: {advice}")
    if bare:
        notices.warn(f"tag without a repository: {notices.some_of(bare)}: {advice}")


def _chosen(
    source: ImageSource, descriptor: Descriptor, preferred: tuple[Platform, ...]
) -> _Choice:
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
    if is_build_cache(document):
        raise CannotHold(f"{called} is {BUILD_CACHE}, no image")
    if isinstance(document, Manifest) and not document.has_layer_tars:
        raise CannotHold(f"{called} is {document.artifact_type or 'an artifact'}, no image")
    members = _members(source, descriptor)
    if not members:
        raise CannotHold(f"{called} has no image that is whole")
    for wanted in (*preferred, Platform("linux", "amd64")):
        for platform, manifest in members:
            if platform.fits(wanted):
                return _Choice(descriptor, manifest, platform, len(members))
    platform, manifest = members[0]
    return _Choice(descriptor, manifest, platform, len(members))


def _say_what_is_named(choice: _Choice) -> None:
    notices.note(
        f"{_called(choice.entry)}: of {choice.members} platforms, {MANIFEST} names "
        f"{choice.platform}; the others are in the OCI half (--platform decides)"
    )


def _members(source: ImageSource, top: Descriptor) -> list[tuple[Platform, Manifest]]:
    return [
        (platform_of(source, child) or Platform("", ""), manifest)
        for child, manifest in images_below(source, [top])
        if manifest.has_layer_tars and not _lacks_layers(source, manifest)
    ]


def _lacks_layers(source: ImageSource, manifest: Manifest) -> bool:
    return any(child.digest in source.absent for child in manifest.children)


def _called(descriptor: Descriptor) -> str:
    return ", ".join(names.names_of(descriptor)) or str(descriptor.digest)
