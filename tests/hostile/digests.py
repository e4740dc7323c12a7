"""Digests, sizes and embedded data that lie, at every place where a descriptor stands."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    WARN,
    Builder,
    Case,
    Verdict,
    case,
    folder_of,
)
from tests.hostile.images import (
    CONFIG_TYPE,
    FIRST_TAR,
    GOOD,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    REMOVED,
    Fields,
    Files,
    blob_path,
    changed,
    digest_of,
    encode,
    index_of,
    layout,
    named,
    plain_layer,
    put,
    put_image,
)

HEX = digest_of(GOOD[0].blob).partition(":")[2]
FULL_WIDTH = HEX.translate({ord("0") + n: 0xFF10 + n for n in range(10)})

BAD_DIGESTS = {
    "parent": "sha256:../../../../outside/secret",
    "absolute": "sha256:/etc/passwd",
    "algorithm-is-parent": f"../../../outside:{HEX}",
    "slash-in-hex": f"sha256:{HEX[:2]}/{HEX[2:]}",
    "percent-encoded": "sha256:%2e%2e%2f%2e%2e%2foutside%2fsecret",
    "backslash": "sha256:..\\..\\outside\\secret",
    "no-colon": f"sha256{HEX}",
    "empty": "",
    "only-colon": ":",
    "no-hex": "sha256:",
    "no-algorithm": f":{HEX}",
    "upper-case-hex": f"sha256:{HEX.upper()}",
    "upper-case-algorithm": f"SHA256:{HEX}",
    "short": f"sha256:{HEX[:-1]}",
    "long": f"sha256:{HEX}0",
    "sha512-with-short-hex": f"sha512:{HEX}",
    "not-hex": f"sha256:{HEX[:-1]}g",
    "newline": f"sha256:{HEX}\n",
    "full-width-digits": f"sha256:{FULL_WIDTH}",
    "leading-space": f" sha256:{HEX}",
    "nul": f"sha256:{HEX}\0",
    "two-colons": f"sha256:sha256:{HEX}",
    "number": 5,
    "null": None,
    "list": [f"sha256:{HEX}"],
    "absent": REMOVED,
}

BAD_SIZES: dict[str, tuple[Any, Verdict]] = {
    "negative": (-1, REJECT),
    "fraction": (1.5, REJECT),
    "float": (float(len(GOOD[0].blob)), REJECT),
    "string": (str(len(GOOD[0].blob)), REJECT),
    "true": (True, REJECT),
    "null": (None, REJECT),
    "absent": (REMOVED, REJECT),
    "list": ([1], REJECT),
    "one-more": (len(GOOD[0].blob) + 1, EITHER),
    "one-less": (len(GOOD[0].blob) - 1, EITHER),
    "zero": (0, EITHER),
    "2-to-62": (2**62, EITHER),
    "2-to-63": (2**63, EITHER),
    "2-to-64": (2**64, EITHER),
    "10-to-30": (10**30, EITHER),
}


def bent(place: str, key: str, value: Any) -> Builder:
    """A layout where one descriptor lies."""
    if place == "index":
        return folder_of(lambda: layout(index=changed(f"manifests.0.{key}", value)))
    return folder_of(lambda: layout(manifest=changed(f"{place}.{key}", value)))


def grammar() -> Iterator[Case]:
    for name, text in BAD_DIGESTS.items():
        for place in ("index", "config", "layers.0"):
            threat = "a digest used as a path, or outside its grammar"
            yield case(f"digest-{name}-in-{place}", threat, bent(place, "digest", text))


def sizes() -> Iterator[Case]:
    threat = "a size of the wrong type, or one that is never compared"
    for name, (size, read) in BAD_SIZES.items():
        yield case(f"size-{name}-in-layers.0", threat, bent("layers.0", "size", size), read=read)
    for name, size in {"negative": -1, "zero": 0, "2-to-62": 2**62, "absent": REMOVED}.items():
        yield case(f"size-{name}-in-index", threat, bent("index", "size", size))
        yield case(f"size-{name}-in-config", threat, bent("config", "size", size))


def algorithms() -> Iterator[Case]:
    threat = "an algorithm other than sha256"
    yield case("sha512", threat, folder_of(lambda: layout(algorithm="sha512")), ACCEPT)
    yield case("sha512-wrong", threat, folder_of(wrong_sha512), read=ACCEPT)
    unknown = "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"
    for name, digest in {"unknown": unknown, "one-letter": f"x:{HEX}"}.items():
        yield case(
            f"algorithm-{name}",
            "an unknown algorithm of legal grammar",
            folder_of(partial(under_digest, digest)),
            WARN,
            read=ACCEPT,
        )


def wrong_sha512() -> Files:
    files = layout(algorithm="sha512")
    path = blob_path(digest_of(GOOD[0].blob, "sha512"))
    files[path] = bytes(reversed(files[path]))
    return files


def under_digest(digest: str) -> Files:
    """The first layer filed and referred to under a digest that cannot be computed."""
    files = layout(manifest=changed("layers.0.digest", digest))
    files[blob_path(digest)] = files.pop(blob_path(digest_of(GOOD[0].blob)))
    return files


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


def repeated_layer() -> Files:
    return layout((plain_layer(FIRST_TAR), plain_layer(FIRST_TAR)))


def cases() -> Iterator[Case]:
    yield case("good", "a good image", folder_of(layout), ACCEPT)
    yield case("layer-twice", "a good image", folder_of(repeated_layer), ACCEPT)
    yield from grammar()
    yield from sizes()
    yield from algorithms()
    yield from data()
    yield from two_types()
