"""Media types and digests of an image that are well formed, and that some engine does not take."""

from collections.abc import Iterator

from ocilayout.damage import why_unfollowed
from ocilayout.problems import Problem
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Manifest
from ocilayout.spec.followed import SCHEMA_1
from ocilayout.spec.media_types import layer_type

_NYDUS = ("containerd.io/snapshot/nydus-blob", "containerd.io/snapshot/nydus-bootstrap")
_DOCKER = "application/vnd.docker."


def type_problems(manifest: Manifest, label: str) -> Iterator[Problem]:
    """What the media types of an image that has layer tars say to an engine."""
    for position, layer in enumerate(manifest.layers):
        yield from _layer_problems(layer, f"{label}: layers[{position}]")
    parts = [part.media_type for part in manifest.children]
    is_docker = manifest.media_type == media_types.DOCKER_MANIFEST
    others = [part for part in parts if _is_known(part) and part.startswith(_DOCKER) != is_docker]
    if others:
        text = f"it is {manifest.media_type}, and leads to {others[0]}"
        yield Problem("media-types-mixed", label, text)


def digest_problems(descriptor: Descriptor, where: str) -> Iterator[Problem]:
    """A digest of an algorithm that not every engine knows."""
    if descriptor.digest.algorithm == "sha512":
        text = f"{descriptor.media_type} is named by its sha512"
        yield Problem("digest-sha512", f"{where}.digest", text)


def following_problems(source: ImageSource, entry: Descriptor, where: str) -> Iterator[Problem]:
    """Blobs that an entry of an index leads to under a media type that is no document's."""
    reason = why_unfollowed(source, entry)
    if reason is not None:
        code = "schema-1" if SCHEMA_1 in reason else "document-not-followed"
        yield Problem(code, where, f"{entry.digest}: {reason}")


def _layer_problems(layer: Descriptor, where: str) -> Iterator[Problem]:
    if any(key in layer.annotations for key in _NYDUS) or "nydus" in layer.media_type:
        text = f"{layer.digest} is {layer.media_type}, a part of a nydus file system"
        yield Problem("layer-nydus", where, text)
    elif layer.media_type.endswith("+encrypted"):
        text = f"{layer.digest} is {layer.media_type}"
        yield Problem("layer-encrypted", f"{where}.mediaType", text)
    elif layer_type(layer.media_type) is None:
        text = f"{layer.media_type!r} is no media type of a layer"
        code = "layer-type-unknown" if "tar" in layer.media_type else "layer-not-unpacked"
        yield Problem(code, f"{where}.mediaType", text)


def _is_known(media_type: str) -> bool:
    return layer_type(media_type) is not None or media_type in media_types.IMAGE_CONFIGS
