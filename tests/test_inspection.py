from collections.abc import Callable

import pytest

from ocilayout.description import surveyed
from ocilayout.errors import IntegrityError
from ocilayout.inspection import Node, inspect
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.marks import REFERENCE_DIGEST
from ocilayout.spec.platform import Platform
from ocilayout.spec.statements import Statement
from ocilayout.spec.strict_json import MAX_DOCUMENT_SIZE
from tests.attestations import (
    IN_TOTO,
    make_attestation,
    make_containerd_referrer,
    make_new_attestation,
    make_referrer,
    make_statement,
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

LAYERS = [make_layer("base"), make_layer("app")]


def inspected(made: Made, source: ImageSource | None = None) -> Node:
    (tree,) = inspect(source or make_source(made), [made.descriptor])
    return tree


def test_an_index_is_a_tree_of_its_members() -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    tree = inspected(make_index(make_index(*images)))
    assert tree.kind == "index"
    (inner,) = tree.members
    assert [node.kind for node in inner.members] == ["image", "image"]
    assert [str(node.platform) for node in inner.members] == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation, make_referrer])
def test_what_speaks_of_an_image_stands_under_it(make: Callable[[Made], Made]) -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    tree = inspected(make_index(make(images[1]), *images))
    assert [node.kind for node in tree.members] == ["image", "image"]
    first, second = tree.members
    assert first.referrers == ()
    (referrer,) = second.referrers
    assert referrer.descriptor.digest == make(images[1]).descriptor.digest
    assert referrer.refers_to == second.descriptor.digest


@pytest.mark.parametrize("make", [make_containerd_referrer, make_referrer])
def test_what_stands_beside_an_image_stands_under_it(make: Callable[[Made], Made]) -> None:
    image = make_image()
    source = make_source(make_index(image), make(image))
    (tree,) = inspect(source, source.index.children)
    assert len(tree.members[0].referrers) == 1


def test_a_tag_made_of_a_digest_leads_to_what_speaks_of_it() -> None:
    image = make_image()
    tag = f"sha256-{image.descriptor.digest.encoded}"
    signature = make_manifest(make_blob(media_types.OCI_EMPTY, b"{}"))
    source = make_source(
        image, make_index(make_referrer(image)).named(tag), signature.named(f"{tag}.sig")
    )
    (tree,) = inspect(source, source.index.children)
    listed, signed = tree.referrers
    assert (listed.kind, signed.kind) == ("index", "artifact")
    assert [node.kind for node in listed.members] == ["artifact"]


def test_a_referrer_of_a_referrer_stands_under_that() -> None:
    image = make_image()
    sbom = make_referrer(image)
    source = make_source(image, make_referrer(sbom), sbom)
    (tree,) = inspect(source, source.index.children)
    assert len(tree.referrers[0].referrers) == 1


def test_a_ring_of_referrers_leads_nowhere_and_is_still_shown() -> None:
    one, other = make_image("linux/386"), make_image("linux/arm")
    ring = [
        one.annotated({REFERENCE_DIGEST: str(other.descriptor.digest)}),
        other.annotated({REFERENCE_DIGEST: str(one.descriptor.digest)}),
    ]
    source = make_source(*ring)
    assert len(inspect(source, source.index.children)) == 2


def test_what_speaks_of_an_image_elsewhere_has_a_tree_of_its_own() -> None:
    assert inspected(make_containerd_referrer(make_image())).kind == "referrer"


def test_a_long_chain_of_referrers_is_no_deep_tree() -> None:
    chain = [make_image()]
    for _ in range(200):
        chain.append(make_referrer(chain[-1]))
    source = make_source(*chain)
    trees = inspect(source, source.index.children)
    assert 1 < len(trees) < 200


def test_statements_are_read_and_summed_up() -> None:
    image = make_image()
    said = make_statement("https://spdx.dev/Document", {"name": "app", "packages": [{}, {}]})
    tree = inspected(make_index(image, make_attestation(image, said)))
    (attestation,) = tree.members[0].referrers
    statement = attestation.statements[said.descriptor.digest]
    assert statement.summary == {"name": "app", "packages": 2}


def test_a_statement_that_was_changed_is_refused() -> None:
    image = make_image()
    said = make_statement("https://spdx.dev/Document", {"name": "app"})
    index = make_index(image, make_attestation(image, said))
    source = make_source(index)
    digest = said.descriptor.digest
    source.contents[digest] = source.contents[digest].replace(b"app", b"bad")
    with pytest.raises(IntegrityError):
        inspected(index, source)


def test_a_large_statement_is_not_read() -> None:
    image = make_image()
    large = make_blob(IN_TOTO, b" " * (MAX_DOCUMENT_SIZE + 1))
    large = large.annotated({"in-toto.io/predicate-type": "https://spdx.dev/Document"})
    source = make_source(make_index(image, make_attestation(image, large)))
    (tree,) = inspect(source, source.index.children)
    (attestation,) = tree.members[0].referrers
    assert attestation.statements[large.descriptor.digest] == Statement("https://spdx.dev/Document")
    assert large.descriptor.digest not in source.opened


def test_a_statement_that_is_not_here_is_lacking() -> None:
    image = make_image()
    said = make_statement("https://spdx.dev/Document", {})
    index = make_index(image, make_attestation(image, said))
    source = make_source(index)
    del source.contents[said.descriptor.digest]
    (attestation,) = inspected(index, surveyed(source)).members[0].referrers
    assert attestation.lacks == (said.descriptor.digest,)


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
