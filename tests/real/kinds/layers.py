"""Layers: how they are compressed, what they are said to be, and what stands in them."""

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator, Mapping
from itertools import product

import zstandard

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.images import Made, make_blob, make_config, make_layer, make_manifest, make_tar
from tests.real.kinds.files import (
    LAYERS,
    NAME,
    Kind,
    docker_files,
    docker_kind,
    oci_files,
    oci_kind,
)

CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
_OCI = media_types.OCI_LAYER
_DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
_TYPES = {
    "encrypted": f"{_OCI}+gzip+encrypted",
    "nydus": "application/vnd.oci.image.layer.nydus.blob.v1",
    "tar-gzip": "application/tar+gzip",
    "octet-stream": "application/octet-stream",
    "x-tar": "application/x-tar",
    "docker-tar": _DOCKER,
    "docker-gzip": f"{_DOCKER}.gzip",
    "docker-zstd": f"{_DOCKER}.zstd",
    "docker-foreign": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "nondistributable": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "wasm": "application/vnd.wasm.content.layer.v1+wasm",
    "in-toto": "application/vnd.in-toto+json",
    "none": "",
}


def kinds() -> Iterator[Kind]:
    """Codecs and labels in all pairs, types that few know, and tars that few make."""
    for codec, compress in CODECS.items():
        files = docker_files()
        packed = {n: compress(c) if n.endswith("layer.tar") else c for n, c in files.items()}
        yield Kind(f"layers-docker-{codec}", list(packed.items()))
    for label, codec in product(("none", "gzip", "zstd"), CODECS):
        media_type = _OCI if label == "none" else f"{_OCI}+{label}"
        yield oci_kind(f"layers-oci-{label}-is-{codec}", _image(media_type, codec))
    for label, media_type in _TYPES.items():
        yield oci_kind(f"layers-type-{label}", _image(media_type, "gzip"))
        yield _hybrid(f"layers-hybrid-{label}", _image(media_type, "gzip"))
    yield oci_kind("layers-encrypted-noise", _noise(f"{_OCI}+gzip+encrypted"))
    yield _hybrid("layers-hybrid-encrypted-noise", _noise(f"{_OCI}+gzip+encrypted"))
    yield from _families()
    for label, layer in _tars().items():
        yield docker_kind(f"layers-docker-{label}", layers=[LAYERS[0], layer])
        yield oci_kind(f"layers-oci-{label}", _image(_OCI, "none", [LAYERS[0], layer]))


def _families() -> Iterator[Kind]:
    """Docker's and OCI's media types, in every mixture of manifest, config and layers."""
    manifests = {"oci": media_types.OCI_MANIFEST, "docker": media_types.DOCKER_MANIFEST}
    configs = {"oci": media_types.OCI_CONFIG, "docker": media_types.DOCKER_CONFIG}
    layers = {"oci": f"{_OCI}+gzip", "docker": f"{_DOCKER}.gzip"}
    for manifest, config, layer in product(manifests, configs, layers):
        raw = make_config("linux/amd64", LAYERS)
        blobs = [make_blob(layers[layer], CODECS["gzip"](each)) for each in LAYERS]
        made = make_manifest(make_blob(configs[config], raw), blobs, manifests[manifest])
        yield oci_kind(f"layers-mixed-{manifest}-{config}-{layer}", made.named(NAME))


def _tars() -> Mapping[str, bytes]:
    plain = make_layer("app")
    return {
        "not-a-tar": b"no tar" * 200,
        "empty": b"",
        "no-padding": plain[: 512 + len("app")],
        "no-end": plain[:1024],
        "cut": plain[:513],
        "gnu-sparse": _sparse(),
        "dot-dot": make_tar({"../outside": b"x"}),
        "whiteouts": make_tar({".wh.base": b"", "d/.wh..wh..opq": b""}),
    }


def _sparse() -> bytes:
    """A member as `tar --sparse --format=gnu` writes it: all of it is data."""
    content = bytearray(make_tar({"app": b"app"}, tarfile.GNU_FORMAT))
    content[156:157] = b"S"
    content[386:410] = b"00000000000\0" + b"00000000003\0"
    content[483:495] = b"00000000003\0"
    content[148:156] = b" " * 8
    content[148:156] = f"{sum(content[:512]):06o}\0 ".encode()
    return bytes(content)


def _image(media_type: str, codec: str, layers: object = LAYERS) -> Made:
    tars: list[bytes] = list(layers)  # type: ignore[call-overload]
    blobs = [make_blob(media_type, CODECS[codec](each)) for each in tars]
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", tars))
    return make_manifest(config, blobs).named(NAME)


def _noise(media_type: str) -> Made:
    """An image whose layer is no tar for whoever lacks the key."""
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[:1]))
    noise = bytes(byte * 7 % 251 for byte in range(2000))
    return make_manifest(config, [make_blob(media_type, noise)]).named(NAME)


def _hybrid(name: str, image: Made) -> Kind:
    return Kind(name, list(hybrid_files(image).items()))


def hybrid_files(*images: Made, tops: tuple[Made, ...] | None = None) -> dict[str, bytes]:
    """A layout of `tops`, else the images, and a manifest.json of the images."""
    import json

    entries = []
    for image in images:
        manifest = json.loads(image.contents[image.descriptor.digest])
        config, *layers = (
            Digest.parse(part["digest"]).blob_path
            for part in (manifest["config"], *(manifest["layers"] or ()))
        )
        entries.append({"Config": config, "RepoTags": list(image.names), "Layers": layers})
    return oci_files(*(images if tops is None else tops)) | {
        "manifest.json": json.dumps(entries).encode()
    }
