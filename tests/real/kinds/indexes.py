"""Indexes: several platforms, those of other machines, what is absent, artifacts, referrers."""

import json
from collections.abc import Iterator

from ocilayout.spec import media_types
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_cosign_signature,
    make_new_attestation,
    make_referrer,
    make_saved_signature,
)
from tests.images import (
    Made,
    encode,
    in_sha512,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
)
from tests.real.kinds.files import NAME, Kind, edited, oci_files, oci_kind, without
from tests.real.kinds.layers import hybrid_files

_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")
_FOREIGN = (
    "linux/arm64",
    "linux/arm/v7",
    "linux/386",
    "linux/s390x",
    "windows/amd64",
    "freebsd/amd64",
)


def kinds() -> Iterator[Kind]:
    """Layouts, and hybrids where their manifest.json can have it too."""
    for label, tops in _tops().items():
        yield oci_kind(f"indexes-{label}", *tops)
    image, foreign = make_image().named(NAME), make_image("linux/arm64").named(NAME)
    for label, tops in _tops().items():
        if not label.startswith(("schema", "sha512", "absent")):
            yield Kind(
                f"indexes-hybrid-{label}",
                list(hybrid_files(image, tops=_with(tops, image)).items()),
            )
    yield from _descriptors(image)
    yield Kind(
        "indexes-hybrid-disagree",
        list(hybrid_files(image, tops=(foreign,)).items()) + list(foreign_blobs(image)),
    )


def _descriptors(image: Made) -> Iterator[Kind]:
    """One image, of which index.json says something else than its bytes do."""
    files = oci_files(image)
    edits: dict[str, dict[str, object]] = {
        "size-wrong": {"size": 1},
        "size-absent": {"size": None},
        "media-type-absent": {"mediaType": None},
        "media-type-empty": {"mediaType": ""},
        "media-type-index": {"mediaType": media_types.OCI_INDEX},
        "media-type-docker": {"mediaType": media_types.DOCKER_MANIFEST},
        "artifact-type": {"artifactType": media_types.OCI_CONFIG},
        "digest-absent": {"digest": None},
        "digest-empty": {"digest": ""},
        "digest-word": {"digest": "sha256:abc"},
        "annotations-null": {"annotations": None},
        "platform-other": {"platform": {"os": "linux", "architecture": "arm64"}},
    }
    for label, fields in edits.items():
        index = json.loads(files["index.json"])
        entry = {**index["manifests"][0], **fields}
        index["manifests"] = [{key: value for key, value in entry.items() if value is not None}]
        yield Kind(f"descriptor-{label}", edited(files, [("index.json", encode(index))]))


def foreign_blobs(image: Made) -> Iterator[tuple[str, bytes]]:
    """The blobs of an image, as members of a layout."""
    for digest, raw in image.contents.items():
        yield digest.blob_path, raw


def _with(tops: tuple[Made, ...], image: Made) -> tuple[Made, ...]:
    first = Made(tops[0].descriptor, {**image.contents, **tops[0].contents}, tops[0].names)
    return (first, *tops[1:])


def _tops() -> dict[str, tuple[Made, ...]]:
    own, *others = (make_image(platform) for platform in _PLATFORMS)
    found: dict[str, tuple[Made, ...]] = {
        "several": (make_index(own, *others).named(NAME),),
        "several-foreign": (make_index(*others).named(NAME),),
        "docker-list": (make_index(own, *others, media_type=media_types.DOCKER_INDEX).named(NAME),),
        "flat": tuple(each.named(NAME) for each in (own, *others)),
        "flat-nameless": (own, *others),
        "flat-two-names": (own.named(NAME), others[0].named("docker.io/lab/b:1")),
        "in-index": (make_index(make_index(own, *others)).named(NAME),),
        "no-platforms": (make_index(*map(_without_platform, (own, *others))).named(NAME),),
        "of-nothing": (make_index().named(NAME),),
        "old-in-list": (own.named(NAME), others[0]),
    }
    for platform in _FOREIGN:
        label, image = platform.replace("/", "-"), make_image(platform)
        found[f"one-{label}"] = (image.named(NAME),)
        found[f"listed-{label}"] = (make_index(image).named(NAME),)
        found[f"attested-{label}"] = (make_index(image, make_attestation(image)).named(NAME),)
        found[f"newly-attested-{label}"] = (
            make_index(image, make_new_attestation(image)).named(NAME),
        )
        found[f"one-plain-{label}"] = (_without_platform(image).named(NAME),)
    return found | _referrers(own) | _artifacts(own) | _absent(own, others[0]) | _odd()


def _without_platform(image: Made) -> Made:
    descriptor = image.descriptor.edited(platform=None)
    return Made(descriptor, image.contents, image.names)


def _referrers(own: Made) -> dict[str, tuple[Made, ...]]:
    named = own.named(NAME)
    return {
        "attested": (make_index(own, make_attestation(own)).named(NAME),),
        "newly-attested": (make_index(own, make_new_attestation(own)).named(NAME),),
        "referrer": (named, make_referrer(own)),
        "referrer-first": (make_referrer(own), named),
        "referrer-named": (named, make_referrer(own).named("sbom")),
        "referrer-containerd": (named, make_containerd_referrer(own)),
        "cosign": (named, make_cosign_signature(own)),
        "cosign-first": (make_cosign_signature(own), named),
        "cosign-saved": (named, make_saved_signature(own)),
        "cosign-saved-named": (named, make_saved_signature(own).named(NAME)),
    }


def _artifacts(own: Made) -> dict[str, tuple[Made, ...]]:
    empty = make_blob(media_types.OCI_EMPTY, b"{}")
    text = make_blob("text/plain", b"hello")
    artifact = make_manifest(empty, [text], artifactType="application/vnd.example.thing")
    helm = make_manifest(
        make_blob("application/vnd.cncf.helm.config.v1+json", encode({"name": "chart"})),
        [make_blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"\x1f\x8b\x08chart")],
    )
    oras = make_manifest(empty, [make_blob(media_types.OCI_LAYER, make_layer("file"))])
    return {
        "artifact": (artifact.named(NAME),),
        "artifact-nameless": (artifact,),
        "artifact-helm": (helm.named(NAME),),
        "artifact-of-tars": (oras.named(NAME),),
        "artifact-beside": (own.named(NAME), artifact.named("docker.io/lab/thing:1")),
        "artifact-before": (artifact.named("docker.io/lab/thing:1"), own.named(NAME)),
        "artifact-beside-nameless": (own.named(NAME), artifact),
        "artifact-listed": (make_index(own, artifact).named(NAME),),
    }


def _absent(own: Made, other: Made) -> dict[str, tuple[Made, ...]]:
    manifest = json.loads(own.contents[own.descriptor.digest])
    index = make_index(own, other).named(NAME)
    leaves = {digest: digest for digest in own.contents}
    by_text = {str(digest): digest for digest in leaves}
    config = by_text[manifest["config"]["digest"]]
    layer = by_text[manifest["layers"][0]["digest"]]
    theirs = set(other.contents) - set(own.contents)
    ours = set(own.contents) - set(other.contents)
    return {
        "absent-foreign": (without(index, *theirs),),
        "absent-foreign-manifest": (without(index, other.descriptor.digest),),
        "absent-own": (without(index, *ours),),
        "absent-config": (without(own.named(NAME), config),),
        "absent-layer": (without(own.named(NAME), layer),),
        "absent-manifest": (without(own.named(NAME), own.descriptor.digest),),
    }


def _odd() -> dict[str, tuple[Made, ...]]:
    signed = encode(
        {"schemaVersion": 1, "name": "lab/app", "tag": "1", "fsLayers": [], "history": []}
    )
    schema_1 = make_blob("application/vnd.docker.distribution.manifest.v1+json", signed)
    layer = in_sha512(make_blob(media_types.OCI_LAYER, make_layer("base")))
    plain = make_image(layers=[make_layer("base")])
    manifest = json.loads(plain.contents[plain.descriptor.digest])
    config = next(
        raw for key, raw in plain.contents.items() if str(key) == manifest["config"]["digest"]
    )
    in_512 = make_manifest(make_blob(media_types.OCI_CONFIG, config), [layer])
    return {
        "schema-1": (schema_1.named(NAME),),
        "sha512-layer": (in_512.named(NAME),),
        "sha512-manifest": (in_sha512(plain).named(NAME),),
    }
