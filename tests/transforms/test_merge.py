import itertools
from collections.abc import Callable

import pytest

from ocilayout.errors import CannotHold, PlatformConflict, UsageError
from ocilayout.graph import read_document
from ocilayout.protocols import ImageSource
from ocilayout.referrers import REFERENCE_TYPE, is_listed_referrer
from ocilayout.spec import media_types
from ocilayout.spec.documents import Index
from ocilayout.spec.marks import REFERENCE_DIGEST
from ocilayout.spec.media_types import Family
from ocilayout.spec.platform import Platform
from ocilayout.transforms.merge import merge
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_new_attestation,
    make_referrer,
)
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import contents_of, names_in, platforms_in

NAME = "registry.example/app:v1"
PLATFORMS = ("linux/386", "linux/amd64", "linux/arm/v6", "linux/arm/v7", "linux/arm64")


def source_of(platform: str, *names: str, layer: str = "app") -> MemorySource:
    return make_source(make_image(platform, layers=[make_layer(layer)]).named(*names))


def inner(merged: ImageSource) -> Index:
    """The index that the one entry leads to."""
    (entry,) = {child.digest: child for child in merged.index.children}.values()
    found = read_document(merged, entry)
    assert isinstance(found, Index)
    return found


def test_one_entry_leads_to_an_index_of_all() -> None:
    """Engines load a flat list as its last platform, or not at all."""
    sources = [source_of(platform) for platform in PLATFORMS]
    merged = merge(sources, [NAME])
    assert platforms_in(merged) == list(PLATFORMS)
    assert len(merged.index.children) == 1
    assert list(names_in(merged)) == [NAME]


def test_images_keep_their_bytes() -> None:
    sources = [source_of(platform) for platform in PLATFORMS]
    merged = merge(sources)
    everything = {d: raw for source in sources for d, raw in source.contents.items()}
    assert contents_of(merged) == everything | {inner(merged).descriptor.digest: inner(merged).raw}


def test_the_order_of_the_sources_does_not_matter() -> None:
    sources = [source_of(platform) for platform in PLATFORMS[:4]]
    results = {merge(order, [NAME]).index.raw for order in itertools.permutations(sources)}
    assert len(results) == 1


def test_several_names_are_entries_of_one_digest() -> None:
    merged = merge([source_of("linux/amd64")], [NAME, "registry.example/app:latest"])
    assert list(names_in(merged)) == [NAME, "registry.example/app:latest"]
    assert len({entry.digest for entry in merged.index.children}) == 1


def test_names_that_all_sources_share_are_kept() -> None:
    merged = merge(
        [
            source_of("linux/amd64", "registry.example/app:amd64", NAME),
            source_of("linux/arm64", NAME, "registry.example/app:arm64"),
        ]
    )
    assert list(names_in(merged)) == [NAME]


def test_names_that_differ_are_not_guessed_from() -> None:
    merged = merge([source_of("linux/amd64", "app:amd64"), source_of("linux/arm64", "app:arm64")])
    assert names_in(merged) == {}


def test_indexes_contribute_all_their_members() -> None:
    index = make_index(make_image("linux/arm64"), make_image("linux/arm/v7"))
    merged = merge([make_source(index), source_of("linux/amd64")])
    assert platforms_in(merged) == ["linux/amd64", "linux/arm/v7", "linux/arm64"]


def test_members_bear_neither_names_nor_times() -> None:
    image = make_image().annotated({"org.opencontainers.image.created": "now"})
    merged = merge([make_source(image.named(NAME))])
    (member,) = inner(merged).children
    assert member.annotations == {}
    assert member.platform == Platform("linux", "amd64")


def test_the_platform_is_that_of_the_descriptor_as_it_is_written() -> None:
    image = make_image("linux/arm64")
    stated = {"architecture": "arm64", "os": "linux", "variant": "v8"}
    labelled = Made(image.descriptor.edited(platform=stated), image.contents)
    (member,) = inner(merge([make_source(labelled)])).children
    assert member.fields["platform"] == stated


def test_a_platform_that_the_descriptor_lacks_is_that_of_the_config() -> None:
    image = make_image("linux/arm/v6")
    bare = Made(image.descriptor.edited(platform=None), image.contents)
    assert platforms_in(merge([make_source(bare)])) == ["linux/arm/v6"]


def test_a_platform_can_be_set() -> None:
    merged = merge(
        [source_of("linux/arm"), source_of("linux/amd64")],
        platforms=[Platform.parse("linux/arm/v6"), None],
    )
    assert platforms_in(merged) == ["linux/amd64", "linux/arm/v6"]


def test_a_platform_is_set_for_one_image_only() -> None:
    index = make_index(make_image("linux/arm64"), make_image("linux/amd64"))
    with pytest.raises(UsageError, match="app has 2"):
        merge([make_source(index)], labels=["app"], platforms=[Platform.parse("linux/arm64")])


@pytest.mark.parametrize("other", ["linux/amd64", "linux/x86_64", "linux/amd64/v1"])
def test_two_images_for_one_platform_are_refused(other: str) -> None:
    sources = [source_of("linux/amd64", layer="one"), source_of(other, layer="other")]
    with pytest.raises(PlatformConflict, match=r"first\.tar and second\.tar.*--replace"):
        merge(sources, labels=["first.tar", "second.tar"])


def test_one_image_that_comes_twice_is_no_conflict() -> None:
    merged = merge([source_of("linux/amd64"), source_of("linux/amd64")])
    assert platforms_in(merged) == ["linux/amd64"]


def test_the_last_one_wins_where_asked_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    last = source_of("linux/amd64", layer="last")
    merged = merge(
        [source_of("linux/amd64", layer="first"), last], labels=["old", "new"], replace=True
    )
    (member,) = inner(merged).children
    assert member.digest == last.index.children[0].digest
    assert "new replaces old" in caplog.text


def test_an_image_without_a_platform_is_refused_and_says_how_to_set_it() -> None:
    image = make_image("unknown/unknown")
    with pytest.raises(CannotHold, match=r"--set-platform app\.tar=OS/ARCH"):
        merge([make_source(image)], labels=["app.tar"])


def test_arm_without_a_variant_is_said(caplog: pytest.LogCaptureFixture) -> None:
    merge([source_of("linux/arm")], labels=["app.tar"])
    assert "--set-platform app.tar=linux/arm/v6" in caplog.text


def test_arm_without_a_variant_is_taken_for_v7() -> None:
    with pytest.raises(PlatformConflict):
        merge([source_of("linux/arm", layer="one"), source_of("linux/arm/v7", layer="other")])


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation])
def test_attestations_stay_with_their_images(make: Callable[[Made], Made]) -> None:
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    attestations = [make(image) for image in images]
    first = make_source(make_index(images[0], attestations[0]))
    second = make_source(make_index(attestations[1], images[1]))
    merged = merge([second, first])
    members = inner(merged).children
    expected = [made.descriptor.digest for made in images + attestations]
    assert [member.digest for member in members] == expected
    for member in members[2:]:
        assert is_listed_referrer(member)
        assert member.annotations[REFERENCE_TYPE] == "attestation-manifest"
        assert str(member.platform) == "unknown/unknown"
    contents_of(merged)


def test_attestations_of_images_that_are_replaced_go() -> None:
    images = [make_image(layers=[make_layer(text)]) for text in ("old", "new")]
    sources = [make_source(make_index(image, make_attestation(image))) for image in images]
    members = inner(merge(sources, replace=True)).children
    assert [child.digest for child in members[:1]] == [images[1].descriptor.digest]
    (attestation,) = members[1:]
    assert attestation.annotations[REFERENCE_DIGEST] == str(images[1].descriptor.digest)


def test_what_is_no_image_is_left_out_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    merged = merge([make_source(make_image(), artifact)])
    assert platforms_in(merged) == ["linux/amd64"]
    assert f"{artifact.descriptor.digest} (" in caplog.text
    assert "is no image: left out" in caplog.text


@pytest.mark.parametrize("make", [make_referrer, make_containerd_referrer])
@pytest.mark.parametrize("nested", [True, False])
def test_other_referrers_stand_beside_the_index(
    make: Callable[[Made], Made], nested: bool, caplog: pytest.LogCaptureFixture
) -> None:
    image = make_image("linux/arm64").named("app:v1")
    referrer = make(image)
    second = make_referrer(referrer)
    tops = [second, make_index(image, referrer)] if nested else [second, referrer, image]
    merged = merge([source_of("linux/amd64"), make_source(*tops)], [NAME])
    assert platforms_in(merged)[:2] == ["linux/amd64", "linux/arm64"]
    first, *beside = merged.index.children
    assert [entry.digest for entry in beside] == [
        made.descriptor.digest for made in (referrer, second)
    ]
    assert beside[0].annotations == referrer.descriptor.annotations
    assert len(read_document(merged, first).children) == 2
    assert contents_of(merged).items() >= second.contents.items()
    assert caplog.text == ""


def test_a_referrers_tag_comes_along() -> None:
    image = make_image("linux/arm64")
    tag = f"sha256-{image.descriptor.digest.encoded}"
    listed = make_index(make_referrer(image)).named(tag)
    merged = merge([source_of("linux/amd64"), make_source(image, listed)], [NAME])
    assert names_in(merged).keys() == {NAME, tag}
    assert names_in(merged)[tag] == listed.descriptor.digest


def test_a_referrers_tag_is_no_name_of_the_result() -> None:
    image = make_image()
    listed = make_index(make_referrer(image)).named(f"sha256-{image.descriptor.digest.encoded}")
    source = make_source(image, listed)
    merged = merge([source, source])
    assert not merged.index.children[0].annotations
    assert len(merged.index.children) == 2


def test_referrers_of_what_is_not_in_the_result_are_said(caplog: pytest.LogCaptureFixture) -> None:
    index = make_index(make_image("linux/arm64"))
    referrer = make_referrer(index)
    merged = merge([make_source(index, referrer), source_of("linux/amd64")])
    assert len(merged.index.children) == 1
    assert f"{referrer.descriptor.digest} refers to {index.descriptor.digest}" in caplog.text
    assert "is no image" not in caplog.text


@pytest.mark.parametrize(
    ("families", "expected"),
    [
        (("docker", "docker"), media_types.DOCKER_INDEX),
        (("oci", "docker"), media_types.OCI_INDEX),
        (("oci", "oci"), media_types.OCI_INDEX),
    ],
)
def test_only_images_of_docker_make_a_list_of_docker(
    families: tuple[Family, Family], expected: str
) -> None:
    sources = [
        make_source(make_image(platform, family=family))
        for platform, family in zip(("linux/amd64", "linux/arm64"), families, strict=True)
    ]
    assert inner(merge(sources)).media_type == expected


def test_nothing_cannot_be_merged() -> None:
    with pytest.raises(CannotHold, match="nothing to merge"):
        merge([make_source()])


def test_what_is_absent_stays_absent() -> None:
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    sparse = make_source(make_index(amd64, arm64), absent=[arm64.descriptor.digest])
    del sparse.contents[arm64.descriptor.digest]
    merged = merge([sparse, source_of("linux/386")])
    assert arm64.descriptor.digest in merged.absent
    assert platforms_in(merged) == ["linux/386", "linux/amd64", "linux/arm64"]
