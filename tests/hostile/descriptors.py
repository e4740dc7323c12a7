"""Descriptors at odds with what they lead to: embedded data, and one digest under two types."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial

from tests.hostile.cases import ACCEPT, EITHER, REJECT, Case, case, folder_of
from tests.hostile.digests import bent
from tests.hostile.images import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Fields,
    Files,
    blob_path,
    encode,
    index_of,
    layout,
    named,
    put,
    put_image,
)


def embedded(descriptor: Fields, content: bytes) -> Fields:
    return {**descriptor, "data": base64.b64encode(content).decode()}


def with_data(place: str, content: bytes | None) -> Files:
    """A layout that embeds a blob, or something else, in the descriptor of that blob."""
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def encode_manifest(fields: Fields) -> bytes:
        inner = {"config": fields["config"], "layer": fields["layers"][0]}.get(place)
        if inner is not None:
            own = files[blob_path(inner["digest"])]
            inner |= embedded(inner, own if content is None else content)
        return encode(fields)

    image = named(put_image(files, manifest=encode_manifest))
    if place == "index":
        own = files[blob_path(image["digest"])]
        image = embedded(image, own if content is None else content)
    files["index.json"] = encode(index_of(image))
    return files


def data() -> Iterator[Case]:
    threat = "embedded data that is not verified"
    for place, read in {"index": REJECT, "config": REJECT, "layer": EITHER}.items():
        good = folder_of(partial(with_data, place, None))
        wrong = folder_of(partial(with_data, place, b"other"))
        yield case(f"data-good-in-{place}", threat, good, ACCEPT)
        yield case(f"data-wrong-in-{place}", threat, wrong, read=read, ls=EITHER)
    for name, value in {"not-base64": "%%%", "number": 5, "full-width": "５５５５"}.items():
        yield case(f"data-{name}", threat, bent("index", "data", value))


def manifest_as_index() -> Files:
    files = layout()
    image = put_image(files)
    files["index.json"] = encode(index_of(image, {**image, "mediaType": INDEX_TYPE}))
    return files


def config_as_layer() -> Files:
    """The config's own digest once more, as a layer."""
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}

    def encode_manifest(fields: Fields) -> bytes:
        fields["layers"][0] = {**fields["config"], "mediaType": LAYER_TYPE}
        return encode(fields)

    files["index.json"] = encode(index_of(put_image(files, manifest=encode_manifest)))
    return files


def shared_by_dialects() -> Files:
    """An image in both dialects: its layers are the same blobs under two media types."""
    docker = "application/vnd.docker."
    files = layout()
    image = put_image(files)

    def as_docker(fields: Fields) -> bytes:
        fields["mediaType"] = docker + "distribution.manifest.v2+json"
        fields["config"]["mediaType"] = docker + "container.image.v1+json"
        for layer in fields["layers"]:
            layer["mediaType"] = docker + "image.rootfs.diff.tar.gzip"
        return encode(fields)

    other = put_image(files, manifest=as_docker)
    other["mediaType"] = docker + "distribution.manifest.v2+json"
    second = named(other, "registry.example/app:v2")
    files["index.json"] = encode(index_of(named(image), second))
    return files


def artifact() -> Files:
    """Config and layer both are the empty document, under two media types, as oras writes it."""
    files: Files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}
    empty = put(files, "application/vnd.oci.empty.v1+json", b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": "application/vnd.example.thing",
        "config": {**empty, "mediaType": "application/vnd.example.config"},
        "layers": [empty],
    }
    files["index.json"] = encode(index_of(put(files, MANIFEST_TYPE, encode(manifest))))
    return files


def two_types() -> Iterator[Case]:
    threat = "one digest under two media types"
    yield case("manifest-also-as-index", threat, folder_of(manifest_as_index))
    yield case("config-also-as-layer", threat, folder_of(config_as_layer), read=EITHER)
    yield case("layers-shared-by-dialects", threat, folder_of(shared_by_dialects), ACCEPT)
    yield case("artifact-of-empty-blobs", threat, folder_of(artifact), ACCEPT, docker=EITHER)
    as_index = bent("index", "mediaType", INDEX_TYPE)
    yield case("manifest-labelled-index", threat, as_index)
    # A leaf is copied without being parsed, whatever it may be.
    as_config = bent("index", "mediaType", CONFIG_TYPE)
    yield case("manifest-labelled-config", threat, as_config, EITHER)


def cases() -> Iterator[Case]:
    yield from data()
    yield from two_types()
