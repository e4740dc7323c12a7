"""What is wrong with an image of one platform, as far as its documents and first bytes tell."""

from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

from ocilayout.engines.member import NO_TAR, ConfigFacts, Member
from ocilayout.spec import media_types
from ocilayout.spec.media_types import LayerType, layer_type

_CANONICAL = "sha256"
_DOCKER_ZSTD = LayerType("docker", "zstd")
_OCI_LAYER_PREFIX = "application/vnd.oci.image.layer."
_UNPACKED_BY_BYTES = frozenset({"none", "gzip", "zstd"})
"""What containerd recognizes by the first bytes (containerd:pkg/archive/compression)."""


class Fault(NamedTuple):
    """Something that is wrong: a key of `rules.RULES`, and its detail."""

    code: str
    detail: str = ""


def docker_faults(member: Member) -> Iterator[Fault]:
    """What dockerd's own store looks at, which reads a config and layers by their names."""
    yield from _config_faults(member, "docker")
    config = member.config
    if config is None:
        return
    if config.diff_ids is None:
        yield Fault("config-without-rootfs")
    elif config.diff_ids != member.layers:
        yield _layer_count(member.layers, config.diff_ids)
    elif config.steps > config.diff_ids:
        steps = f"{config.steps} steps that made a layer, and its rootfs {config.diff_ids} layers"
        yield Fault("history-too-long", steps)


def oci_faults(member: Member) -> Iterator[Fault]:
    """What containerd looks at, which finds everything by digest and unpacks by media type."""
    others = sorted(member.algorithms - {_CANONICAL})
    if others:
        yield Fault("blob-algorithm", ", ".join(others))
    if not member.whole:
        yield Fault("blob-absent", _absent(member))
    if member.has_manifest and member.config_type not in media_types.IMAGE_CONFIGS:
        yield Fault("config-type-unknown", member.config_type or "none")
    yield from _config_faults(member, "oci")
    yield from _layer_faults(member)
    if member.config is not None and member.config.algorithms - {_CANONICAL}:
        yield Fault("diff-id-algorithm", ", ".join(sorted(member.config.algorithms)))


def unpacks(member: Member) -> bool:
    """Whether containerd begins to unpack it: it knows the types of all layers."""
    return all(map(_is_layer, member.layer_types))


def looks_unpackable(artifact: Member) -> bool:
    """Whether containerd takes it for an image, by the types of its config and layers."""
    return (
        bool(artifact.layer_types)
        and unpacks(artifact)
        and artifact.config_type in media_types.IMAGE_CONFIGS
    )


def artifact_faults(artifact: Member) -> Iterator[Fault]:
    """Why no container can be made of an artifact, by what docker with containerd's store asks.

    It compares numbers: what has no layer that it knows and no diff id is an image to it.
    """
    known = sum(map(_is_layer, artifact.layer_types))
    diff_ids = (artifact.config.diff_ids or 0) if artifact.config else 0
    if not artifact.whole:
        yield Fault("blob-absent", "blobs")
    if known != diff_ids:
        yield _layer_count(known, diff_ids)


def _config_faults(member: Member, struct: str) -> Iterator[Fault]:
    if member.config is None:
        return
    for known, problem in member.config.problems.items():
        if known == struct and problem is not None:
            yield Fault("config-undecodable", problem)


def _layer_faults(member: Member) -> Iterator[Fault]:
    unknown = [kind for kind in member.layer_types if not _is_layer(kind)]
    if unknown:
        yield Fault("layer-type-unknown", unknown[0])
    elif _is_decoded(member.config) and (member.config.diff_ids or 0) != member.layers:
        yield _layer_count(member.layers, member.config.diff_ids or 0)
    for media_type, codec in zip(member.layer_types, member.layer_codecs, strict=False):
        known = layer_type(media_type)
        if _is_layer(media_type) and (known is None or known == _DOCKER_ZSTD):
            yield Fault("layer-without-processor", media_type)
        elif known is not None and codec == NO_TAR:
            yield Fault("layer-mislabelled", f"a layer of type {media_type} that is no tar")
        elif known is not None and codec and codec not in _UNPACKED_BY_BYTES:
            yield Fault("layer-mislabelled", f"layers that are compressed with {codec}")
        elif known is not None and _is_plain(known) and codec not in {"", "none"}:
            told = f"a layer of type {media_type} that is compressed with {codec}"
            yield Fault("layer-mislabelled", told)


def _is_decoded(config: ConfigFacts | None) -> TypeGuard[ConfigFacts]:
    return config is not None and config.problems["oci"] is None


def _is_plain(known: LayerType) -> bool:
    """Whether its bytes are taken as they are; those of Docker's types tell their codec."""
    return known.family == "oci" and known.codec == "none"


def _is_layer(media_type: str) -> bool:
    """Whether containerd takes it for a layer (core/images/mediatypes.go, IsLayerType)."""
    return media_type.startswith(_OCI_LAYER_PREFIX) or layer_type(media_type) is not None


def _layer_count(layers: int, diff_ids: int) -> Fault:
    return Fault("layer-count", f"{layers} layers and {diff_ids} diff ids")


def _absent(member: Member) -> str:
    if not member.has_manifest:
        return "its manifest"
    return "its config" if member.config is None and not member.image_id else "blobs"
