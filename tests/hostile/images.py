"""Good images, as the files of a layout or of a Docker archive, and ways to bend one document.

A document is given to an encoder before it is hashed, so that everything above a bent document
is consistent again: what is refused is refused for the one thing that is wrong.
"""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.hostile import tars, zstd_frames

Files = dict[str, bytes]
Fields = dict[str, Any]
Encoder = Callable[[Any], bytes]

OCI = "application/vnd.oci.image."
INDEX_TYPE = OCI + "index.v1+json"
MANIFEST_TYPE = OCI + "manifest.v1+json"
CONFIG_TYPE = OCI + "config.v1+json"
LAYER_TYPE = OCI + "layer.v1.tar"
NAME = "registry.example/app:v1"
REF_NAME = "org.opencontainers.image.ref.name"
REMOVED = object()


@dataclass(frozen=True)
class Layer:
    blob: bytes
    diff_id: str
    media_type: str = LAYER_TYPE


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def plain_layer(content: bytes) -> Layer:
    return Layer(content, digest_of(content))


def gzip_layer(content: bytes) -> Layer:
    return Layer(gzip.compress(content, mtime=0), digest_of(content), LAYER_TYPE + "+gzip")


def zstd_layer(content: bytes) -> Layer:
    return Layer(zstd_frames.raw_frame(content), digest_of(content), LAYER_TYPE + "+zstd")


# Noise that gzip cannot shrink, so that a layer can be cut or changed in its middle.
NOISE = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(128))
FIRST_TAR = tars.tar([("etc/hello", b"hello\n"), ("var/noise", NOISE)])
SECOND_TAR = tars.tar([("usr/greeting", b"good day\n")])
GOOD = (gzip_layer(FIRST_TAR), gzip_layer(SECOND_TAR))


def encode(fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


def changed(path: str, value: Any) -> Encoder:
    """Encode with the value at a dotted path replaced, added, or removed with REMOVED."""

    def encoder(fields: Any) -> bytes:
        bent = copy.deepcopy(fields)
        *parents, last = (int(key) if key.isdecimal() else key for key in path.split("."))
        target = bent
        for key in parents:
            target = target[key]
        if value is REMOVED:
            del target[last]
        else:
            target[last] = value
        return encode(bent)

    return encoder


def replaced(content: bytes) -> Encoder:
    return lambda _: content


def spliced(old: bytes, new: bytes) -> Encoder:
    """Encode, then replace bytes: for JSON that no encoder would write."""

    def encoder(fields: Any) -> bytes:
        raw = encode(fields)
        assert old in raw, old
        return raw.replace(old, new, 1)

    return encoder


def put(files: Files, media_type: str, content: bytes, algorithm: str = "sha256") -> Fields:
    """Add a blob; its descriptor."""
    digest = digest_of(content, algorithm)
    files[blob_path(digest)] = content
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def config_fields(layers: Sequence[Layer], architecture: str = "amd64") -> Fields:
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {"Cmd": ["/bin/true"], "Labels": {"kind": "test"}},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created_by": f"step {number}"} for number, _ in enumerate(layers)],
    }


def put_image(
    files: Files,
    layers: Sequence[Layer] = GOOD,
    *,
    config: Encoder = encode,
    manifest: Encoder = encode,
    architecture: str = "amd64",
    algorithm: str = "sha256",
) -> Fields:
    """Add an image; the descriptor of its manifest."""
    fields = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": put(files, CONFIG_TYPE, config(config_fields(layers, architecture)), algorithm),
        "layers": [put(files, layer.media_type, layer.blob, algorithm) for layer in layers],
    }
    return put(files, MANIFEST_TYPE, manifest(fields), algorithm)


def index_of(*descriptors: Fields) -> Fields:
    return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": list(descriptors)}


def named(descriptor: Fields, name: str = NAME) -> Fields:
    names = {"io.containerd.image.name": name, REF_NAME: name.rpartition(":")[2]}
    return {**descriptor, "annotations": names}


def layout(
    layers: Sequence[Layer] = GOOD,
    *,
    config: Encoder = encode,
    manifest: Encoder = encode,
    index: Encoder = encode,
    algorithm: str = "sha256",
) -> Files:
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    image = put_image(files, layers, config=config, manifest=manifest, algorithm=algorithm)
    files["index.json"] = index(index_of(named(image)))
    return files


def docker_archive(
    layers: Sequence[Layer] = GOOD, *, config: Encoder = encode, manifest: Encoder = encode
) -> Files:
    """As docker 20.10 saves it; layers may be compressed all the same."""
    raw_config = config(config_fields(layers))
    files: Files = {hashlib.sha256(raw_config).hexdigest() + ".json": raw_config}
    names = [f"{digest_of(layer.blob)[7:]}/layer.tar" for layer in layers]
    files |= {name: layer.blob for name, layer in zip(names, layers, strict=True)}
    entry = {"Config": next(iter(files)), "RepoTags": [NAME], "Layers": names}
    files["manifest.json"] = manifest([entry])
    return files


def hybrid(layers: Sequence[Layer] = GOOD, *, docker_manifest: Encoder = encode) -> Files:
    """A layout and a Docker archive in one, as docker 25 and later saves it."""
    files = layout(layers)
    config = blob_path(digest_of(encode(config_fields(layers))))
    paths = [blob_path(digest_of(layer.blob)) for layer in layers]
    files["manifest.json"] = docker_manifest(
        [{"Config": config, "RepoTags": [NAME], "Layers": paths}]
    )
    return files
