"""Images of one config in two forms."""

import json

import pytest

from ocilayout.comparison.forms import form_words, has_made_manifests, platforms_held
from ocilayout.comparison.images import Comparison, compare
from ocilayout.errors import OciLayoutError
from ocilayout.graph import listing
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.attestations import make_attestation
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)

LAYERS = [make_layer("base"), make_layer("app")]
PLAIN, GZIP, ZSTD = (make_image(layers=LAYERS, codec=codec) for codec in ("none", "gzip", "zstd"))
DOCKER = make_image(layers=LAYERS, family="docker")
ARM64 = make_image("linux/arm64", layers=LAYERS)


class Saved(MemorySource):
    """What is read of a Docker archive: manifests that were made."""

    @property
    def made_layers(self) -> frozenset[Digest]:
        return frozenset()


def compared(before: Made, after: Made, *, by_config: bool = True) -> Comparison:
    return compare(make_source(before), make_source(after), by_config=by_config)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (PLAIN, "2 layers with other bytes"),
        (ZSTD, "2 layers with other bytes"),
        (DOCKER, "manifest (mediaType, config.mediaType); 2 layers described otherwise"),
        (make_index(GZIP, make_attestation(GZIP)), "attestations (0 and 1)"),
        (make_image(layers=LAYERS, annotations={"a": "b"}), "manifest (annotations.a)"),
    ],
)
def test_one_config_is_one_image_and_its_form_is_told(other: Made, words: str) -> None:
    found = compared(GZIP, other)
    assert not found.differs
    assert [each.status for each in found.platforms] == ["same"]
    assert list(form_words(found.platforms)) == [f"linux/amd64: differs in form alone: {words}"]


@pytest.mark.parametrize("other", [PLAIN, ZSTD, DOCKER])
def test_manifests_tell_where_configs_are_not_to(other: Made) -> None:
    found = compared(GZIP, other, by_config=False)
    assert found.differs
    assert list(form_words(found.platforms)) == []


def test_another_config_is_another_image() -> None:
    other = json.loads(make_config("linux/amd64", LAYERS))
    config = make_blob(media_types.OCI_CONFIG, json.dumps(other).encode())
    layers = [make_blob(media_types.OCI_LAYER, layer) for layer in LAYERS]
    found = compared(PLAIN, make_manifest(config, layers))
    assert found.differs
    assert list(form_words(found.platforms)) == []


def test_layers_are_read_where_files_are_compared_alone() -> None:
    damaged = make_source(GZIP)
    for digest, content in GZIP.contents.items():
        if content[:2] == b"\x1f\x8b":
            damaged.contents[digest] = b"damaged"
    assert not compare(make_source(PLAIN), damaged, by_config=True).differs
    with pytest.raises(OciLayoutError):
        compare(make_source(PLAIN), damaged, by_config=True, files=True)
    whole = compare(make_source(PLAIN), make_source(GZIP), by_config=True, files=True)
    assert whole.platforms[0].files == ()


def test_a_config_that_does_not_list_the_layers_tells_nothing() -> None:
    config = make_blob(media_types.OCI_CONFIG, b'{"os":"linux","architecture":"amd64"}')
    images = [make_manifest(config, [make_blob(media_types.OCI_LAYER, layer)]) for layer in LAYERS]
    assert compared(*images).differs


def test_artifacts_are_told_by_their_manifests() -> None:
    empty = make_blob(media_types.OCI_EMPTY, b"{}")
    artifacts = [
        make_manifest(empty, [make_blob("text/plain", text)], artifactType="text/x-test")
        for text in (b"one", b"two")
    ]
    assert compared(*artifacts).differs


def test_a_platform_that_is_missing_is_a_difference() -> None:
    found = compared(make_index(GZIP, ARM64), PLAIN)
    assert [each.status for each in found.platforms] == ["same", "removed"]
    assert found.differs


def test_made_manifests_are_known_below_views() -> None:
    source = make_source(GZIP)
    saved = Saved(source.index, source.contents)
    assert has_made_manifests(saved)
    assert has_made_manifests(listing(saved, saved.index.children))
    assert not has_made_manifests(listing(source, source.index.children))


def test_platforms_are_held_that_are_here() -> None:
    source = make_source(make_index(GZIP, ARM64))
    del source.contents[ARM64.descriptor.digest]
    assert list(map(str, platforms_held(source))) == ["linux/amd64"]
