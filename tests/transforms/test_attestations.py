from collections.abc import Callable

import pytest

from ocilayout.transforms.attestations import without_attestations
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_cosign_signature,
    make_new_attestation,
    make_referrer,
    make_saved_signature,
)
from tests.images import Made, make_blob, make_image, make_index, make_manifest, make_source
from tests.snapshots import contents_of, names_in, platforms_in

KINDS = [make_attestation, make_new_attestation, make_referrer, make_containerd_referrer]
kinds = pytest.mark.parametrize("make", KINDS)
NAME = "registry.example/app:v1"


@kinds
def test_they_go_from_an_index(make: Callable[[Made], Made]) -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    source = make_source(make_index(*images, *map(make, images)).named(NAME))
    bare = without_attestations(source)
    assert platforms_in(bare) == ["linux/amd64", "linux/arm64"]
    assert list(names_in(bare)) == [NAME]
    left = contents_of(bare)
    assert images[0].contents.items() <= left.items()
    assert make(images[0]).descriptor.digest not in left


@kinds
def test_they_go_from_the_top(make: Callable[[Made], Made]) -> None:
    image = make_image().named(NAME)
    bare = without_attestations(make_source(image, make(image)))
    assert contents_of(bare) == image.contents


@pytest.mark.parametrize("make", [make_cosign_signature, make_saved_signature])
def test_signatures_of_cosign_go(make: Callable[[Made], Made]) -> None:
    image = make_image().named(NAME)
    bare = without_attestations(make_source(image, make(image)))
    assert contents_of(bare) == image.contents


def test_an_index_that_is_left_with_one_image_becomes_it() -> None:
    image = make_image()
    source = make_source(make_index(image, make_attestation(image)).named(NAME))
    bare = without_attestations(source)
    assert names_in(bare) == {NAME: image.descriptor.digest}


def test_without_any_everything_keeps_its_bytes() -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    source = make_source(make_index(make_image(), artifact), make_image("linux/arm64"))
    bare = without_attestations(source)
    assert bare.index.raw == source.index.raw
    assert contents_of(bare) == source.contents


def test_what_is_absent_is_kept() -> None:
    gone = make_image("linux/arm64")
    source = make_source(make_index(make_image(), gone), absent=[gone.descriptor.digest])
    del source.contents[gone.descriptor.digest]
    assert platforms_in(without_attestations(source)) == ["linux/amd64", "linux/arm64"]
