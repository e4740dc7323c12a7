"""Media types: which documents and layers they stand for, in both families.

OCI and Docker have the same documents under two names. Layers are pairs of a family's type and a
codec. Docker's uncompressed and zstd types exist in containerd and containers/image, but
registries refuse them (containers/image#1270), so an image of Docker's types has gzip layers.
"""

from typing import Literal, NamedTuple

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_DESCRIPTOR = "application/vnd.oci.descriptor.v1+json"
OCI_LAYOUT = "application/vnd.oci.layout.header.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar"

DOCKER_ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
BUILDKIT_CACHE = "application/vnd.buildkit.cacheconfig.v0"
"""The config of a build cache, in a manifest or at the end of an index (moby/buildkit,
cache/remotecache/v1/spec.go)."""

Family = Literal["oci", "docker"]

SCHEMA_1_MANIFESTS = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST, OCI_ARTIFACT_MANIFEST})
DOCUMENTS = INDEXES | MANIFESTS
IMAGE_CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
DEFAULTED_CONFIGS = frozenset({"", "application/octet-stream", "application/json", "text/html"})
"""What old registries and builders say of configs. docker pulls an image with such a config (moby,
distribution/registry.go, defaultImageTypes; distribution/distribution#1621), containerd and podman
never look at the type."""

_PAIRS = {
    OCI_INDEX: DOCKER_INDEX,
    OCI_MANIFEST: DOCKER_MANIFEST,
    OCI_CONFIG: DOCKER_CONFIG,
}
_FAMILIES: dict[Family, dict[str, str]] = {
    "docker": _PAIRS,
    "oci": {docker: oci for oci, docker in _PAIRS.items()},
}


class LayerType(NamedTuple):
    """What a layer's media type says."""

    family: Family
    codec: str
    distributable: bool = True

    @property
    def media_type(self) -> str:
        """The type that says so, e.g. `application/vnd.oci.image.layer.v1.tar+gzip`."""
        base = _LAYER_BASES[self.family, self.distributable]
        separator = "+" if self.family == "oci" else "."
        return base if self.codec == "none" else f"{base}{separator}{self.codec}"


_LAYER_BASES: dict[tuple[Family, bool], str] = {
    ("oci", True): OCI_LAYER,
    ("oci", False): OCI_NONDISTRIBUTABLE,
    ("docker", True): DOCKER_LAYER,
    ("docker", False): DOCKER_FOREIGN,
}
# xz and bzip2 have no official type: a Docker archive may hold such layers, and then they are
# recompressed on their way into anything else.
_LAYER_CODECS = ("none", "gzip", "zstd", "xz", "bzip2")
_LAYER_TYPES = {
    kind.media_type: kind
    for family, distributable in _LAYER_BASES
    for codec in _LAYER_CODECS
    for kind in (LayerType(family, codec, distributable),)
}


def layer_type(media_type: str) -> LayerType | None:
    """What `media_type` says of a layer; None where it is no layer tar, or an encrypted one."""
    return _LAYER_TYPES.get(media_type)


def is_distributable(media_type: str) -> bool:
    """Whether content may be passed on: layers of Windows may not, and may be missing."""
    layer = layer_type(media_type)
    return layer is None or layer.distributable


def in_family(media_type: str, family: Family) -> str:
    """The same kind of content in the other family's words; unknown types stay as they are."""
    layer = layer_type(media_type)
    if layer is not None:
        return LayerType(family, layer.codec, layer.distributable).media_type
    return _FAMILIES[family].get(media_type, media_type)
