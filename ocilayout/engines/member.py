"""An image of one platform, and what of its documents and layers engines ask for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from ocilayout.engines.go_config import STRUCTS, Struct, config_problem
from ocilayout.errors import BlobNotFound, IntegrityError, InvalidDocument
from ocilayout.graph import (
    is_document,
    manifest_if_here,
    manifests_below,
    platform_of,
    read_config_bytes,
    read_document,
)
from ocilayout.magic import codec_name
from ocilayout.protocols import Files, ImageSource
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec import media_types
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.platform import Platform
from ocilayout.stores.docker_entries import Entry as DockerEntry
from ocilayout.stores.docker_entries import config_bytes_of
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_end import is_header

NO_TAR = "no tar"
"""What stands for the codec of a layer that begins with neither a header nor a codec's magic."""


@dataclass(frozen=True)
class ConfigFacts:
    """What engines ask of an image config."""

    size: int
    problems: Mapping[Struct, str | None]
    """Why Go does not decode it into these structs."""
    diff_ids: int | None
    """How many it has; None where it has no list of them."""
    algorithms: frozenset[str]
    """Of its diff ids."""
    steps: int
    """How many of its history made a layer."""


@dataclass(frozen=True)
class Member:
    """An image of one platform."""

    image_id: Digest | None
    platform: Platform | None
    whole: bool
    """Whether all that it leads to is here."""
    layer_codecs: tuple[str, ...] = ()
    """How each layer is compressed, by its first bytes; empty where that is not here."""
    manifest_type: str = ""
    """The media type by which it is listed; empty where that says none."""
    config_type: str = ""
    layer_types: tuple[str, ...] = ()
    """The media types of its layers, lowest first."""
    config: ConfigFacts | None = field(default=None, compare=False)
    """None where it is not here, or cannot be read."""
    algorithms: frozenset[str] = frozenset()
    """Of the digests by which manifest, config and layers are found."""
    has_manifest: bool = True
    """Whether its manifest is here."""

    listed_platform: Platform | None = None
    """What the index says of it, where that says anything."""
    is_nested: bool = False
    """Whether an index of an index lists it."""

    @property
    def codecs(self) -> frozenset[str]:
        """How its layers are compressed, as far as they are here."""
        return frozenset(self.layer_codecs) - {""}

    @property
    def is_docker(self) -> bool:
        """Whether its media types are Docker's."""
        return self.manifest_type == media_types.DOCKER_MANIFEST

    @property
    def may_be_image(self) -> bool:
        """Whether it is one to whoever asks for a config and tars, and for no media types."""
        has_rootfs = self.config is not None and self.config.diff_ids is not None
        return has_rootfs and NO_TAR not in self.layer_codecs

    @property
    def layers(self) -> int:
        """How many it has."""
        return len(self.layer_types)


def members_of(source: ImageSource, top: Descriptor) -> Iterator[Member]:
    """The images that an entry leads to; what is named and is not here is one too."""
    direct = _listed_by(source, top)
    for descriptor in manifests_below(source, [top]):
        if is_listed_referrer(descriptor) or not is_document(descriptor):
            continue
        manifest = manifest_if_here(source, descriptor)
        is_nested = descriptor.digest not in direct
        if manifest is None:
            stated = descriptor.platform
            yield Member(
                None,
                stated,
                False,
                listed_platform=stated,
                is_nested=is_nested,
                has_manifest=False,
            )
        elif manifest.has_layer_tars:
            yield replace(_member(source, descriptor, manifest), is_nested=is_nested)


def _listed_by(source: ImageSource, top: Descriptor) -> set[Digest]:
    if top.media_type not in media_types.INDEXES:
        return {top.digest}
    try:
        return {child.digest for child in read_document(source, top).children}
    except BlobNotFound:
        return {top.digest}


def artifact_of(source: ImageSource, top: Descriptor) -> Member | None:
    """What the manifest of an artifact says; None where there is none, or it has no config."""
    manifest = manifest_if_here(source, top)
    return None if manifest is None or manifest.config is None else _member(source, top, manifest)


def member_of_entry(files: Files, entry: DockerEntry) -> Member:
    """One of manifest.json that was not opened, since a name or digest picked another."""
    codecs = []
    for layer in entry.layers:
        with files.open(layer) as content:
            codecs.append(_codec(content))
    raw = config_bytes_of(files, entry)
    config = ImageConfig.parse(raw, f"config {entry.config_digest}")
    facts = _config_facts(raw, str(entry.config_digest))
    member = Member(entry.config_digest, config.platform, True, tuple(codecs), config=facts)
    return as_docker(member, entry)


def as_docker(member: Member, entry: DockerEntry) -> Member:
    """The same, as what reads manifest.json sees it: whatever a layout beside it says."""
    return replace(
        member,
        manifest_type=media_types.DOCKER_MANIFEST,
        config_type=media_types.DOCKER_CONFIG,
        layer_types=(media_types.DOCKER_LAYER,) * len(entry.layers),
    )


def _member(source: ImageSource, descriptor: Descriptor, manifest: Manifest) -> Member:
    assert manifest.config is not None
    here = [child for child in manifest.children if _is_here(source, child)]
    codecs = tuple(
        _layer_codec(source, layer) if layer in here else "" for layer in manifest.layers
    )
    has_config = manifest.config in here
    return Member(
        image_id=manifest.config.digest,
        platform=_platform(source, descriptor) if has_config else descriptor.platform,
        whole=len(here) == len(manifest.children),
        layer_codecs=codecs,
        manifest_type=descriptor.media_type,
        config_type=manifest.config.media_type,
        layer_types=tuple(layer.media_type for layer in manifest.layers),
        config=_read_facts(source, manifest.config) if has_config else None,
        algorithms=frozenset(
            part.digest.algorithm for part in (descriptor, manifest.config, *manifest.layers)
        ),
        listed_platform=descriptor.platform,
    )


def _platform(source: ImageSource, descriptor: Descriptor) -> Platform | None:
    """What an image is for, as it states it; None where it names no system or no processor.

    docker takes such an image for linux, containerd for the machine's own platform.
    """
    try:
        found = platform_of(source, descriptor)
    except (InvalidDocument, IntegrityError):
        # Why the config cannot be read is a fault of its own.
        return descriptor.platform
    return found if found is not None and found.os and found.architecture else None


def _layer_codec(source: ImageSource, layer: Descriptor) -> str:
    with source.open_blob(layer) as content:
        return _codec(content)


def _codec(content: BinaryIO) -> str:
    """How a layer is compressed, by its first bytes: its media type may lie."""
    head = content.read(BLOCK)
    name = codec_name(head)
    return name if name != "none" or is_header(head) else NO_TAR


def _is_here(source: ImageSource, descriptor: Descriptor) -> bool:
    try:
        source.open_blob(descriptor).close()
    except BlobNotFound:
        return False
    return True


def _read_facts(source: ImageSource, descriptor: Descriptor) -> ConfigFacts | None:
    try:
        raw = read_config_bytes(source, descriptor)
    except (InvalidDocument, IntegrityError):
        # What is damaged is for validate to say.
        return None
    return _config_facts(raw, str(descriptor.digest))


def _config_facts(raw: bytes, title: str) -> ConfigFacts:
    problems = {struct: config_problem(raw, struct) for struct in STRUCTS}
    try:
        config = ImageConfig.parse(raw, f"config {title}")
    except InvalidDocument:
        return ConfigFacts(len(raw), problems, None, frozenset(), 0)
    has_rootfs = isinstance(config.fields.get("rootfs"), dict)
    return ConfigFacts(
        size=len(raw),
        problems=problems,
        diff_ids=len(config.diff_ids) if has_rootfs else None,
        algorithms=frozenset(diff_id.algorithm for diff_id in config.diff_ids),
        steps=sum(not step.empty_layer for step in config.history),
    )
