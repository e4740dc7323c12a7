import json
from collections.abc import Callable

import pytest

from ocilayout.comparison.fields import FieldChange
from ocilayout.comparison.images import Comparison, PlatformDifference, compare
from ocilayout.errors import AmbiguousName, ImageNotFound
from ocilayout.spec import media_types
from ocilayout.spec.platform import Platform
from tests.attestations import (
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


def compared(before: Made, after: Made, *, files: bool = False) -> Comparison:
    return compare(make_source(before), make_source(after), files=files)


def only(found: Comparison) -> PlatformDifference:
    (difference,) = found.platforms
    return difference


def configured(platform: str = "linux/amd64", **fields: object) -> Made:
    config = make_blob(media_types.OCI_CONFIG, make_config(platform, LAYERS, **fields))
    return make_manifest(config, [make_blob(media_types.OCI_LAYER, layer) for layer in LAYERS])


def statuses(found: Comparison) -> dict[str, str]:
    return {str(each.platform): each.status for each in found.platforms}


def test_images_of_one_digest_are_identical_and_not_read() -> None:
    sources = [make_source(make_image().named(name)) for name in ("a:1", "b:2")]
    found = compare(sources[0], sources[1], files=True)
    assert found.is_identical
    assert not found.differs
    manifest = make_image().descriptor.digest
    for source in sources:
        assert set(source.opened) <= {manifest}


def test_names_make_no_difference() -> None:
    index = make_index(make_image())
    assert not compared(index.named("a:1"), make_index(make_image()).named("b:2")).differs


def test_an_index_around_a_single_image_makes_no_difference() -> None:
    found = compared(make_image(), make_index(make_image()))
    assert not found.differs
    assert not found.is_identical
    assert only(found).status == "same"


def test_platforms_are_added_and_removed() -> None:
    amd64, arm64, s390x = map(make_image, ("linux/amd64", "linux/arm64", "linux/s390x"))
    found = compared(make_index(amd64, arm64), make_index(s390x, amd64))
    assert statuses(found) == {
        "linux/amd64": "same",
        "linux/arm64": "removed",
        "linux/s390x": "added",
    }
    assert found.differs


def test_platforms_are_compared_normalized() -> None:
    found = compared(
        make_index(make_image("linux/arm64")), make_index(make_image("linux/arm64/v8"))
    )
    assert statuses(found) == {"linux/arm64": "changed"}


def test_a_newer_windows_is_the_same_platform() -> None:
    before = make_index(
        make_image("windows/amd64:10.0.17763.1"), make_image("windows/amd64:10.0.20348.1")
    )
    after = make_index(
        make_image("windows/amd64:10.0.20348.1"), make_image("windows/amd64:10.0.17763.2")
    )
    assert statuses(compared(before, after)) == {
        "windows/amd64:10.0.17763.1": "changed",
        "windows/amd64:10.0.20348.1": "same",
    }


def test_two_members_of_one_platform_are_both_compared() -> None:
    one, other = make_image(layers=LAYERS[:1]), make_image(layers=LAYERS)
    found = compared(make_index(one, other), make_index(one))
    assert [each.status for each in found.platforms] == ["same", "removed"]


def test_some_platforms_are_picked() -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    sources = make_source(make_index(*images)), make_source(images[0])
    wanted = Platform("linux", "arm64")
    assert statuses(compare(*sources, platforms=[wanted])) == {"linux/arm64": "removed"}
    with pytest.raises(ImageNotFound, match="linux/386"):
        compare(*sources, platforms=[Platform("linux", "386")])


def test_fields_of_the_config_are_told_apart() -> None:
    before = configured(config={"User": "0"}, author="a", created="2024")
    after = configured(config={"User": "1"}, author="b", created="2025")
    found = only(compared(before, after))
    assert found.status == "changed"
    assert {change.path: (change.before, change.after) for change in found.config} == {
        ("config", "User"): ("0", "1"),
        ("author",): ("a", "b"),
        ("created",): ("2024", "2025"),
    }
    assert (found.manifest, found.files) == ((), None)


def test_fields_of_the_manifest_are_told_apart() -> None:
    before, after = make_image(annotations={"a": "1"}), make_image(family="docker")
    found = only(compared(before, after))
    assert {change.path for change in found.manifest} == {
        ("mediaType",),
        ("config", "mediaType"),
        ("annotations", "a"),
    }


def test_fields_of_indexes_and_their_entries_are_told_apart() -> None:
    image = make_image()
    before = make_index(image, annotations={"a": "1"})
    after = make_index(image.annotated({"b": "2"}))
    found = compared(before, after)
    assert found.index == (FieldChange(("annotations", "a"), "1", None),)
    assert only(found).manifest == (FieldChange(("entry", "annotations", "b"), None, "2"),)


def test_of_some_platforms_alone_the_index_makes_no_difference() -> None:
    sources = (
        make_source(make_index(make_image(), annotations={"a": "1"})),
        make_source(make_index(make_image())),
    )
    assert compare(*sources).differs
    assert not compare(*sources, platforms=[Platform("linux", "amd64")]).differs


def test_a_document_in_other_bytes_is_a_difference() -> None:
    image = make_image()
    raw = json.dumps(json.loads(image.contents[image.descriptor.digest]), indent=3).encode()
    other = make_blob(media_types.OCI_MANIFEST, raw)
    found = compared(image, Made(other.descriptor, {**image.contents, **other.contents}))
    assert found.differs
    assert (only(found).manifest, only(found).config) == ((), ())


def test_steps_of_the_build_stand_side_by_side() -> None:
    before = [{"created_by": "FROM", "created": "1"}, {"created_by": "RUN a"}]
    after = [{"created_by": "FROM", "created": "2"}, {"created_by": "RUN b"}]
    found = only(compared(configured(history=before), configured(history=after)))
    assert [row.status for row in found.history] == ["other time", "removed", "added"]


def test_layers_stand_side_by_side() -> None:
    other = make_layer("other")
    found = only(compared(make_image(layers=LAYERS), make_image(layers=[LAYERS[0], other])))
    assert [row.status for row in found.layers] == ["same", "removed", "added"]


def test_a_layer_that_is_compressed_otherwise_has_the_same_content() -> None:
    found = only(compared(make_image(codec="gzip"), make_image(codec="zstd")))
    assert [row.status for row in found.layers] == ["other bytes", "other bytes"]
    assert found.status == "changed"


def test_a_layer_of_another_media_type_is_described_otherwise() -> None:
    found = only(compared(make_image(), make_image(family="docker")))
    assert {row.status for row in found.layers} == {"other descriptor"}


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation, make_referrer])
def test_the_presence_of_attestations_is_compared(make: Callable[[Made], Made]) -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    found = compared(make_index(*images), make_index(*images, make(images[1])))
    assert statuses(found) == {"linux/amd64": "same", "linux/arm64": "changed"}
    assert not found.platforms[1].is_attested_alike


def test_what_attestations_say_makes_no_difference() -> None:
    image = make_image()
    indexes = [
        make_index(image, make_attestation(image, make_statement("x", said))) for said in "ab"
    ]
    assert not compared(*indexes).differs


def test_what_stands_beside_an_image_speaks_of_it() -> None:
    image = make_image()
    found = compare(
        make_source(image, make_containerd_referrer(image)), make_source(make_index(image))
    )
    assert statuses(found) == {"linux/amd64": "changed"}


def test_what_is_not_here_is_compared_by_its_digest() -> None:
    here, gone = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(here, gone))
    del source.contents[gone.descriptor.digest]
    same = compare(source, make_source(make_index(gone, here)))
    assert statuses(same) == {"linux/amd64": "same", "linux/arm64": "same"}
    other = compare(source, make_source(make_image("linux/arm64", codec="none")), files=True)
    assert statuses(other) == {"linux/amd64": "removed", "linux/arm64": "changed"}
    assert other.platforms[1].files is None


def test_artifacts_are_compared() -> None:
    artifacts = [
        make_manifest(make_blob("application/vnd.example", b"{}"), [make_blob("text/plain", raw)])
        for raw in (b"1", b"2")
    ]
    found = only(compared(*artifacts, files=True))
    assert found.platform is None
    assert [row.status for row in found.layers] == ["removed", "added"]


def test_one_image_is_needed() -> None:
    several = make_source(make_image(), make_image(codec="none"))
    with pytest.raises(AmbiguousName, match="2 images"):
        compare(several, make_source(make_image()))
