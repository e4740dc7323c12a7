from ocilayout.description import surveyed
from ocilayout.inspection import Node, inspect
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from tests.attestations import make_attestation, make_referrer
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

LAYERS = [make_layer("base"), make_layer("app")]


def inspected(made: Made, source: ImageSource | None = None) -> Node:
    return inspect(source or make_source(made), made.descriptor)


def test_an_index_is_a_tree_of_its_members() -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    tree = inspected(make_index(make_index(*images), make_attestation(images[0])))
    assert tree.kind == "index"
    inner, attestation = tree.members
    assert [node.kind for node in inner.members] == ["image", "image"]
    assert [str(node.platform) for node in inner.members] == ["linux/amd64", "linux/arm64"]
    assert attestation.kind == "attestation"
    assert attestation.refers_to == images[0].descriptor.digest


def test_a_layer_has_its_diff_id_codec_and_history() -> None:
    node = inspected(make_image(layers=LAYERS, codec="zstd"))
    assert [layer.diff_id for layer in node.layers] == list(map(Digest.of, LAYERS))
    assert [layer.codec for layer in node.layers] == ["zstd", "zstd"]
    assert [layer.history and layer.history.created_by for layer in node.layers] == [
        "step 0",
        "step 1",
    ]


def image_of(config: bytes) -> Made:
    layers = [make_blob(media_types.OCI_LAYER, layer) for layer in LAYERS]
    return make_manifest(make_blob(media_types.OCI_CONFIG, config), layers)


def test_steps_that_made_no_layer_are_passed_over() -> None:
    history = [
        {"created_by": "FROM"},
        {"created_by": "ENV", "empty_layer": True},
        {"created_by": "COPY"},
    ]
    node = inspected(image_of(make_config("linux/amd64", LAYERS, history=history)))
    assert [layer.history and layer.history.created_by for layer in node.layers] == ["FROM", "COPY"]


def test_a_history_that_does_not_fit_is_not_guessed_at() -> None:
    node = inspected(image_of(make_config("linux/amd64", LAYERS, history=[{"created_by": "x"}])))
    assert [layer.history for layer in node.layers] == [None, None]


def test_diff_ids_that_do_not_fit_are_not_guessed_at() -> None:
    node = inspected(image_of(make_config("linux/amd64", LAYERS[:1])))
    assert [layer.diff_id for layer in node.layers] == [None, None]


def test_an_artifact_has_neither_config_nor_diff_ids() -> None:
    leaf = make_blob("text/plain", b"leaf")
    node = inspected(make_manifest(make_blob("application/vnd.example", b"{}"), [leaf]))
    assert node.kind == "artifact"
    assert node.config is None
    assert node.platform is None
    (layer,) = node.layers
    assert layer.codec == "text/plain"
    assert layer.diff_id is None


def test_a_referrer_says_of_what_it_speaks() -> None:
    image = make_image()
    assert inspected(make_referrer(image)).refers_to == image.descriptor.digest


def test_a_leaf_is_a_blob() -> None:
    assert inspected(make_blob("text/plain", b"leaf")).kind == "blob"


def test_what_is_not_here_is_absent_with_its_platform() -> None:
    gone = make_image("linux/arm64")
    index = make_index(make_image(), gone)
    source = make_source(index)
    del source.contents[gone.descriptor.digest]
    absent = inspected(index, surveyed(source)).members[1]
    assert absent.kind == "absent"
    assert absent.platform == Platform("linux", "arm64")


def test_no_layer_is_read() -> None:
    made = make_image(layers=LAYERS, codec="none")
    source = make_source(made)
    inspected(made, source)
    assert not set(map(Digest.of, LAYERS)) & set(source.opened)
