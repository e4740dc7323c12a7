import json

import pytest

from ocilayout.description import image_ids, images_in, surveyed
from ocilayout.spec import media_types
from ocilayout.spec.platform import Platform
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_cosign_signature,
    make_referrer,
    make_saved_signature,
)
from tests.images import (
    Made,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")


def test_an_image_is_described_once_with_all_its_names() -> None:
    made = make_image().named("registry.example/app:v1", "registry.example/app:latest")
    (image,) = images_in(make_source(made))
    assert image.names == ("registry.example/app:v1", "registry.example/app:latest")
    assert image.kind == "image"
    assert image.platforms == (AMD64,)
    assert image.absent == ()


def test_images_come_in_the_order_of_the_index() -> None:
    images = [make_image(layers=[make_layer(text)]) for text in "cab"]
    found = images_in(make_source(*images))
    assert [image.descriptor.digest for image in found] == [i.descriptor.digest for i in images]


def test_an_index_has_the_platforms_of_its_images_without_attestations() -> None:
    images = [make_image("linux/arm64"), make_image("linux/amd64")]
    index = make_index(*images, *map(make_attestation, images))
    (image,) = images_in(make_source(index))
    assert image.kind == "index"
    assert image.platforms == (ARM64, AMD64)


def test_the_size_counts_each_blob_once() -> None:
    shared = make_layer("shared", size=100)
    index = make_index(
        make_image("linux/amd64", layers=[shared, shared]), make_image("linux/386", layers=[shared])
    )
    (image,) = images_in(make_source(index))
    assert image.size == sum(map(len, index.contents.values()))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (make_attestation, "attestation"),
        (make_containerd_referrer, "referrer"),
        (make_referrer, "referrer"),
        (make_cosign_signature, "referrer"),
        (make_saved_signature, "referrer"),
    ],
)
def test_what_speaks_of_an_image_is_told_from_it(make: object, expected: str) -> None:
    assert callable(make)
    image = make_image()
    assert [found.kind for found in images_in(make_source(image, make(image)))] == [
        "image",
        expected,
    ]


def test_artifacts_are_told_from_images() -> None:
    manifest = make_manifest(make_blob("application/vnd.example", b"{}"))
    leaf = make_blob("text/plain", b"leaf")
    found = images_in(make_source(manifest, leaf))
    assert [image.kind for image in found] == ["artifact", "artifact"]
    assert [image.platforms for image in found] == [(), ()]


def test_what_borrows_the_config_of_images_is_an_artifact() -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("wasip1/wasm", []))
    (found,) = images_in(make_source(make_manifest(config, [make_blob("application/wasm", b"x")])))
    assert found.kind == "artifact"


def test_a_platform_that_the_descriptor_lacks_is_that_of_the_config() -> None:
    made = make_image("linux/arm64")
    bare = Made(made.descriptor.edited(platform=None), made.contents)
    (image,) = images_in(make_source(bare))
    assert image.platforms == (ARM64,)


def test_platforms_that_are_not_here_are_told() -> None:
    here, gone = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(here, gone))
    del source.contents[gone.descriptor.digest]
    (image,) = images_in(surveyed(source))
    assert image.platforms == (AMD64,)
    assert image.absent == (ARM64,)


def test_a_layer_that_may_not_be_distributed_may_be_missing() -> None:
    base, top = make_layer("base"), make_layer("top")
    foreign = make_blob(media_types.OCI_NONDISTRIBUTABLE, base)
    config = make_blob(media_types.OCI_CONFIG, make_config("windows/amd64", [base, top]))
    source = make_source(make_manifest(config, [foreign, make_blob(media_types.OCI_LAYER, top)]))
    del source.contents[foreign.descriptor.digest]
    (image,) = images_in(surveyed(source))
    assert image.platforms == (Platform("windows", "amd64"),)
    assert image.absent == ()


def test_an_image_of_which_nothing_is_here_is_still_one() -> None:
    gone = make_image().named("registry.example/app:v1")
    source = make_source(gone)
    source.contents.clear()
    (image,) = images_in(surveyed(source))
    assert image.names == ("registry.example/app:v1",)
    assert image.absent == (AMD64,)


def test_image_ids_are_the_digests_of_configs() -> None:
    images = [make_image("linux/amd64"), make_image("linux/arm64")]
    source = make_source(make_index(*images, make_attestation(images[0])))
    expected = {
        str(image.descriptor.digest): json.loads(image.contents[image.descriptor.digest])["config"][
            "digest"
        ]
        for image in images
    }
    assert image_ids(source) == expected


def test_nothing_is_described_of_nothing() -> None:
    assert images_in(make_source()) == []
