"""Layers that may not be distributed, as ordinary ones."""

import pytest

from ocilayout.errors import BlobNotFound
from ocilayout.graph import View, manifests_below, read_manifest, walk
from ocilayout.spec import media_types
from ocilayout.spec.media_types import LayerType, layer_type
from ocilayout.transforms.foreign import with_own_layers
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
from tests.snapshots import contents_of, names_in

URL = "https://layers.example/base.tar"
NAME = "registry.example/app:v1"
TYPES = [
    LayerType(family, codec, distributable=False)
    for family in ("oci", "docker")
    for codec in ("none", "gzip", "zstd")
]


def make_foreign(media_type: str, *urls: str) -> Made:
    layer = make_blob(media_type, make_layer(media_type))
    stated = Made(layer.descriptor.edited(urls=list(urls)), layer.contents)
    own = make_blob(media_types.OCI_LAYER, make_layer("own"))
    config = make_blob(media_types.OCI_CONFIG, make_config("windows/amd64", [b"", b""]))
    return make_manifest(config, [stated, own])


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.media_type)
@pytest.mark.parametrize("urls", [(), (URL,), (URL, URL)])
def test_a_foreign_layer_becomes_an_ordinary_one_of_its_kind(
    kind: LayerType, urls: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    image = make_foreign(kind.media_type, *urls)
    found = with_own_layers(make_source(image.named(NAME)))
    (entry,) = found.index.children
    assert entry.digest != image.descriptor.digest
    layer, own = read_manifest(found, entry).layers
    assert layer_type(layer.media_type) == kind._replace(distributable=True)
    assert "urls" not in layer.fields
    assert own.media_type == media_types.OCI_LAYER
    assert names_in(found) == {NAME: entry.digest}
    before = dict(image.contents)
    del before[image.descriptor.digest]
    assert before.items() <= contents_of(found).items()
    assert caplog.messages[0].startswith(
        "layers that may not be distributed are ordinary ones now (1)"
    )


def test_an_ordinary_layer_loses_the_urls_that_registries_refuse() -> None:
    found = with_own_layers(make_source(make_foreign(media_types.OCI_LAYER, URL)))
    assert all("urls" not in blob.fields for blob in walk(found))


def test_indexes_lead_to_what_changed() -> None:
    foreign = make_foreign(TYPES[1].media_type, URL)
    plain = make_image("linux/amd64")
    found = with_own_layers(make_source(make_index(foreign, plain).named(NAME)))
    (entry,) = found.index.children
    changed, same = (each for each in manifests_below(found, [entry]) if each != entry)
    assert same.digest == plain.descriptor.digest
    assert not read_manifest(found, changed).layers[0].fields.get("urls")


def test_what_has_no_foreign_layer_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    source = make_source(make_image().named(NAME))
    assert with_own_layers(source) is source
    assert caplog.messages == []


def test_a_foreign_layer_that_is_absent_cannot_become_an_ordinary_one() -> None:
    source = make_source(make_foreign(TYPES[0].media_type, URL))
    layer = next(blob for blob in walk(source) if blob.fields.get("urls"))
    absent = View(source, source.index, absent=frozenset({layer.digest}))
    with pytest.raises(BlobNotFound, match="is not here, and --foreign own needs its content"):
        with_own_layers(absent)
