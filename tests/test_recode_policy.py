import gzip

import pytest

from ocilayout.recode_policy import compress_all, compress_made, keep, unsettled
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores.docker_entries import Entry
from ocilayout.stores.docker_images import DockerImages
from tests.images import (
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.stores.memory_files import MemoryFiles

LAYERS = [make_layer(text) for text in ("base", "app")]
LAYER, OTHER = (Descriptor.of(media_types.OCI_LAYER, layer) for layer in LAYERS)


@pytest.fixture
def made() -> DockerImages:
    """An archive without manifests, of the first layer alone."""
    config = make_config("linux/amd64", LAYERS[:1])
    entry = Entry(Digest.of(config), len(config), (), ("l",), (), "c")
    return DockerImages(MemoryFiles({"l": LAYERS[0], "c": config}), [entry])


@pytest.mark.parametrize("has", ["none", "gzip", "zstd", "xz"])
def test_all_layers_get_the_codec_that_is_asked_for(has: str) -> None:
    assert compress_all("zstd")(LAYER, has) == "zstd"
    assert keep(LAYER, has) is None


@pytest.mark.parametrize(
    ("has", "wanted"),
    [("none", "zstd"), ("xz", "gzip"), ("bzip2", "gzip"), ("gzip", "gzip"), ("zstd", "zstd")],
)
def test_layers_of_made_manifests_get_what_oci_has_a_type_for(
    made: DockerImages, has: str, wanted: str
) -> None:
    recode = compress_made([made], plain="zstd")
    assert recode(LAYER, has) == wanted
    assert recode(OTHER, has) is None


def test_layers_of_manifests_that_were_found_are_kept(made: DockerImages) -> None:
    found = make_source(make_image(codec="none", layers=LAYERS[:1]))
    assert compress_made([found], plain="gzip") is keep
    assert compress_made([made, found], plain="gzip")(LAYER, "none") is None


def test_unsettled_are_layers_that_change_and_what_leads_to_them() -> None:
    plain = make_image(codec="none", layers=LAYERS)
    packed = make_image("linux/arm64", codec="gzip", layers=LAYERS)
    index = make_index(plain, packed)
    recode = compress_all("gzip")
    expected = {Digest.of(layer) for layer in LAYERS}
    expected |= {plain.descriptor.digest, index.descriptor.digest}
    assert unsettled(make_source(index), recode) == expected
    assert unsettled(make_source(packed), recode) == set()
    assert unsettled(make_source(index), keep) == set()


def test_what_leads_to_a_layer_of_a_wrong_label_is_unsettled() -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[:1]))
    layer = make_blob(media_types.OCI_LAYER, gzip.compress(LAYERS[0]))
    image = make_manifest(config, [layer])
    assert unsettled(make_source(image), compress_all("gzip")) == {image.descriptor.digest}
