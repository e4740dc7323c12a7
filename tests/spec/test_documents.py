import json
from typing import Any

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index, Manifest, parse_document
from tests.images import Made, encode, make_blob, make_image, make_index, make_manifest

INDEX_FIELDS = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []}
CONFIG = make_blob(media_types.OCI_CONFIG, b"{}")
LAYER = make_blob(media_types.OCI_LAYER, b"layer")


def index_of(made: Made) -> Index:
    document = document_of(made)
    assert isinstance(document, Index)
    return document


def manifest_of(made: Made) -> Manifest:
    document = document_of(made)
    assert isinstance(document, Manifest)
    return document


def document_of(made: Made) -> Index | Manifest:
    return parse_document(made.descriptor, made.contents[made.descriptor.digest])


def parse_index(**changes: Any) -> Index:
    return Index.parse(media_types.OCI_INDEX, encode({**INDEX_FIELDS, **changes}), "index")


def parse_manifest(media_type: str = media_types.OCI_MANIFEST, **changes: Any) -> Manifest:
    fields = {"schemaVersion": 2, "config": CONFIG.descriptor.fields, "layers": [], **changes}
    return Manifest.parse(media_type, encode(fields), "manifest")


def as_is(child: Descriptor) -> Descriptor:
    return child


def test_an_index_leads_to_its_manifests_in_order() -> None:
    members = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    index = index_of(make_index(*members))
    assert list(index.children) == [member.descriptor for member in members]


def test_a_manifest_leads_to_its_config_and_its_layers() -> None:
    manifest = manifest_of(make_manifest(CONFIG, [LAYER, LAYER]))
    assert manifest.config == CONFIG.descriptor
    assert manifest.layers == (LAYER.descriptor, LAYER.descriptor)
    assert manifest.children == (CONFIG.descriptor, *manifest.layers)


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_a_document_is_identified_by_its_bytes(family: Any) -> None:
    made = make_image(family=family)
    document = document_of(made)
    assert document.raw == made.contents[made.descriptor.digest]
    assert document.descriptor.digest == made.descriptor.digest


@pytest.mark.parametrize("made", [make_index(make_image()), make_image()])
def test_an_edit_that_changes_nothing_gives_back_the_document(made: Made) -> None:
    document = document_of(made)
    assert document.with_children(as_is) is document
    assert document.with_fields(schemaVersion=2) is document


def test_an_edit_encodes_anew_and_keeps_fields_that_nobody_specified() -> None:
    index = index_of(make_index(make_image(), vendor={"x": [1]}))
    edited = index.with_children(lambda child: child.with_annotations({"a": "b"}))
    assert edited.descriptor.digest != index.descriptor.digest
    assert edited.fields["vendor"] == {"x": [1]}
    assert edited.children[0].annotations == {"a": "b"}
    assert json.loads(edited.raw) == edited.fields


def test_an_edit_of_a_field_without_a_view_is_an_edit() -> None:
    """Fields such as `urls` are no part of what makes two descriptors equal."""
    fields = {**LAYER.descriptor.fields, "urls": ["https://host.example/layer"]}
    manifest = parse_manifest(layers=[fields])
    edited = manifest.with_children(lambda child: child.edited(urls=None))
    assert "urls" not in edited.layers[0].fields


def test_a_child_that_an_edit_drops_is_gone() -> None:
    first, second = make_image("linux/amd64"), make_image("linux/arm64")
    index = index_of(make_index(first, second))
    left = index.with_children(lambda child: None if child == first.descriptor else child)
    assert left.children == (second.descriptor,)


def test_an_edit_of_layers_leaves_the_config() -> None:
    other = make_blob(media_types.OCI_LAYER, b"other")
    manifest = manifest_of(make_manifest(CONFIG, [LAYER]))
    edited = manifest.with_children(
        lambda child: child.pointing_to(other.descriptor) if child == LAYER.descriptor else child
    )
    assert (edited.config, edited.layers) == (CONFIG.descriptor, (other.descriptor,))


def test_a_field_that_becomes_none_is_left_out() -> None:
    index = parse_index(subject=LAYER.descriptor.fields)
    assert "subject" not in index.with_fields(subject=None).fields


def test_an_edit_may_change_the_media_type() -> None:
    assert parse_index().with_fields(mediaType=media_types.DOCKER_INDEX).media_type == (
        media_types.DOCKER_INDEX
    )


@pytest.mark.parametrize("key", ["config", "layers"])
@pytest.mark.parametrize("value", [None, [], {}])
def test_an_index_that_is_a_manifest_too_is_refused(key: str, value: object) -> None:
    with pytest.raises(InvalidDocument, match="CVE-2021-41190"):
        parse_index(**{key: value})
    with pytest.raises(InvalidDocument, match="CVE-2021-41190"):
        parse_manifest(manifests=value)


@pytest.mark.parametrize(
    "changes",
    [
        {"schemaVersion": 1},
        {"schemaVersion": "2"},
        {"schemaVersion": 2.0},
        {"schemaVersion": True},
        {"mediaType": media_types.OCI_MANIFEST},
        {"mediaType": 1},
        {"manifests": {}},
        {"manifests": [None]},
        {"manifests": ["sha256:"]},
        {"annotations": []},
        {"annotations": {"a": {"b": "c"}}},
        {"subject": []},
        {"subject": {}},
        {"Manifests": []},
        {"SUBJECT": None},
    ],
    ids=repr,
)
def test_an_index_that_is_not_as_specified_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InvalidDocument, match=r"^index"):
        parse_index(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": None},
        {"config": []},
        {"layers": {}},
        {"layers": [None]},
        {"layers": [[]]},
        {"mediaType": media_types.OCI_INDEX},
        {"Layers": []},
    ],
    ids=repr,
)
def test_a_manifest_that_is_not_as_specified_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument, match=r"^manifest"):
        parse_manifest(**changes)


def test_a_manifest_without_a_config_is_refused() -> None:
    raw = encode({"schemaVersion": 2, "layers": []})
    with pytest.raises(InvalidDocument, match="config is missing"):
        Manifest.parse(media_types.OCI_MANIFEST, raw, "manifest")


def test_a_document_need_not_state_its_media_type() -> None:
    assert parse_manifest().media_type == media_types.OCI_MANIFEST
    assert parse_index(mediaType=None).media_type == media_types.OCI_INDEX
    assert parse_index(mediaType="").media_type == media_types.OCI_INDEX
    assert parse_manifest(mediaType="").media_type == media_types.OCI_MANIFEST


GO_BLANKS: list[dict[str, Any]] = [
    {"layers": None},
    {"annotations": None},
    {"subject": None},
    {"artifactType": ""},
    {"config": {**CONFIG.descriptor.fields, "annotations": None, "urls": None, "platform": None}},
    {"layers": [{**LAYER.descriptor.fields, "artifactType": "", "urls": None, "data": None}]},
]


@pytest.mark.parametrize("changes", GO_BLANKS, ids=repr)
def test_what_go_writes_of_nothing_is_read_and_keeps_its_bytes(changes: dict[str, Any]) -> None:
    manifest = parse_manifest(**changes)
    assert manifest.is_image
    assert manifest.artifact_type is None
    assert manifest.with_children(as_is) is manifest
    assert manifest.with_fields() is manifest


def test_a_manifest_without_layers_has_none() -> None:
    raw = encode({"schemaVersion": 2, "config": CONFIG.descriptor.fields})
    manifest = Manifest.parse(media_types.OCI_MANIFEST, raw, "manifest")
    assert (manifest.layers, manifest.has_layer_tars) == ((), True)


def test_an_index_of_null_keeps_its_bytes_where_nothing_changes() -> None:
    raw = encode({**INDEX_FIELDS, "manifests": None})
    for index in (
        Index.parse(media_types.OCI_INDEX, raw, "index"),
        Index.parse_top(raw, "index.json"),
    ):
        assert index.children == ()
        assert index.raw == raw
        assert index.with_children(as_is) is index
        assert index.with_entries([]) is index


@pytest.mark.parametrize("stated", [*sorted(media_types.DEFAULTED_CONFIGS), None], ids=repr)
def test_a_config_whose_type_says_nothing_is_an_image_config_over_layer_tars(
    stated: str | None,
) -> None:
    config = {**CONFIG.descriptor.fields, "mediaType": stated}
    image = parse_manifest(config=config, layers=[LAYER.descriptor.fields])
    assert (image.is_image, image.has_layer_tars, image.artifact_type) == (True, True, None)
    assert image.config is not None
    assert image.config.media_type == (stated or "")


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": []},
        {"layers": [make_blob("text/plain", b"notes").descriptor.fields]},
        {"artifactType": "application/vnd.example", "layers": [LAYER.descriptor.fields]},
    ],
    ids=repr,
)
@pytest.mark.parametrize("stated", sorted(media_types.DEFAULTED_CONFIGS), ids=repr)
def test_a_config_whose_type_says_nothing_makes_no_image_of_an_artifact(
    stated: str, changes: dict[str, Any]
) -> None:
    config = {**CONFIG.descriptor.fields, "mediaType": stated}
    assert not parse_manifest(config=config, **changes).is_image


def test_no_layer_may_lack_its_media_type() -> None:
    with pytest.raises(InvalidDocument, match=r"layers\[0\]\.mediaType is missing"):
        parse_manifest(layers=[{**LAYER.descriptor.fields, "mediaType": ""}])


@pytest.mark.parametrize(
    ("fields", "media_type"),
    [
        ({"schemaVersion": 2, "manifests": []}, media_types.OCI_INDEX),
        (INDEX_FIELDS, media_types.OCI_INDEX),
        ({**INDEX_FIELDS, "mediaType": media_types.DOCKER_INDEX}, media_types.DOCKER_INDEX),
    ],
)
def test_the_top_of_a_layout_is_any_index(fields: object, media_type: str) -> None:
    assert Index.parse_top(encode(fields), "index.json").media_type == media_type


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"schemaVersion": 2},
        {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX},
        {**INDEX_FIELDS, "mediaType": media_types.OCI_MANIFEST},
        {"schemaVersion": 2, "config": CONFIG.descriptor.fields, "layers": []},
        {**INDEX_FIELDS, "manifests": {}},
        {**INDEX_FIELDS, "layers": []},
        [],
        None,
    ],
    ids=repr,
)
def test_the_top_of_a_layout_is_nothing_but_an_index(fields: object) -> None:
    with pytest.raises(InvalidDocument, match=r"^index\.json"):
        Index.parse_top(encode(fields), "index.json")


def test_an_empty_layout_of_umoci_has_no_manifests() -> None:
    index = Index.parse_top(b'{"schemaVersion":2,"manifests":null,"x":1}', "index.json")
    assert index.children == ()
    assert index.fields["x"] == 1


def test_a_new_index_lists_descriptors_as_they_are() -> None:
    image = make_image().descriptor.edited(vendor="kept")
    index = Index.of([image])
    assert index.children[0].fields == image.fields
    assert Index.parse(media_types.OCI_INDEX, index.raw, "index") == index


def test_a_new_manifest_is_as_it_would_be_parsed() -> None:
    manifest = Manifest.of(
        media_types.DOCKER_MANIFEST, CONFIG.descriptor, [LAYER.descriptor, LAYER.descriptor]
    )
    assert Manifest.parse(media_types.DOCKER_MANIFEST, manifest.raw, "manifest") == manifest


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_an_image_is_what_has_the_config_of_one(family: Any) -> None:
    manifest = manifest_of(make_image(family=family))
    assert manifest.is_image
    assert manifest.artifact_type is None


def test_an_artifact_is_what_its_config_says() -> None:
    manifest = manifest_of(make_manifest(make_blob("application/x-signature", b"{}")))
    assert not manifest.is_image
    assert manifest.artifact_type == "application/x-signature"


def test_an_artifact_may_say_what_it_is() -> None:
    empty = make_blob(media_types.OCI_EMPTY, b"{}")
    assert manifest_of(make_manifest(empty, artifactType="application/x-sbom")).artifact_type == (
        "application/x-sbom"
    )


def test_an_artifact_manifest_has_blobs_and_no_config() -> None:
    fields = {"mediaType": media_types.OCI_ARTIFACT_MANIFEST, "artifactType": "application/x-a"}
    raw = encode({**fields, "blobs": [LAYER.descriptor.fields]})
    manifest = Manifest.parse(media_types.OCI_ARTIFACT_MANIFEST, raw, "artifact")
    assert (manifest.config, manifest.children) == (None, (LAYER.descriptor,))
    edited = manifest.with_children(lambda child: child.with_annotations({"a": "b"}))
    assert edited.children[0].annotations == {"a": "b"}


def test_what_a_document_refers_to_is_no_child() -> None:
    image = make_image()
    manifest = manifest_of(make_manifest(CONFIG, subject=dict(image.descriptor.fields)))
    assert manifest.subject == image.descriptor
    assert manifest.children == (CONFIG.descriptor,)


@pytest.mark.parametrize(
    ("types", "is_unpacked"),
    [
        ([], True),
        ([media_types.OCI_LAYER], True),
        ([media_types.OCI_LAYER + "+encrypted"], True),
        (["application/x-thing", media_types.OCI_LAYER], True),
        (["application/vnd.dev.cosign.simplesigning.v1+json"], False),
        (["application/vnd.in-toto+json", "application/vnd.in-toto+json"], False),
        (["application/vnd.module.wasm.content.layer.v1+wasm"], False),
    ],
)
def test_an_image_has_a_layer_that_can_be_unpacked(types: list[str], is_unpacked: bool) -> None:
    layers = [{**LAYER.descriptor.fields, "mediaType": media_type} for media_type in types]
    assert parse_manifest(layers=layers).has_layer_tars is is_unpacked
