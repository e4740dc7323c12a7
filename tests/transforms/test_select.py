import pytest

from ocilayout.errors import AmbiguousName, ImageNotFound
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec.platform import Platform
from ocilayout.transforms.select import select
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_cosign_signature,
    make_referrer,
)
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, names_in, platforms_in

NAME = "registry.example/app:v1"
AMD64, ARM64, ARM_V7 = (
    Platform.parse(text) for text in ("linux/amd64", "linux/arm64", "linux/arm/v7")
)


def make_platforms(*platforms: Platform) -> Made:
    return make_index(*(make_image(str(platform)) for platform in platforms)).named(NAME)


def test_without_wishes_everything_stays() -> None:
    source = make_source(make_platforms(AMD64, ARM64))
    assert select(source) is source


def test_a_tag_or_a_full_name_selects_an_image() -> None:
    first = make_image(layers=[make_layer("first")]).named(NAME)
    second = make_image(layers=[make_layer("second")]).named("registry.example/app:v2")
    source = make_source(first, second)
    for name in ("v2", "registry.example/app:v2"):
        selected = select(source, names=[name])
        assert contents_of(selected) == second.contents
        assert list(names_in(selected)) == ["registry.example/app:v2"]


def test_several_names_come_in_the_order_in_which_they_are_asked_for() -> None:
    images = [make_image().named(f"registry.example/app:{tag}") for tag in "abc"]
    selected = select(make_source(*images), names=["c", "a"])
    assert list(names_in(selected)) == ["registry.example/app:c", "registry.example/app:a"]


def test_an_image_loses_the_names_that_were_not_asked_for() -> None:
    source = make_source(make_image().named(NAME, "registry.example/app:latest"))
    assert list(names_in(select(source, names=["latest"]))) == ["registry.example/app:latest"]


def test_a_name_that_nobody_has_is_not_found() -> None:
    with pytest.raises(ImageNotFound, match=NAME):
        select(make_source(make_image().named(NAME)), names=["v9"])


def test_a_tag_of_two_repositories_is_ambiguous() -> None:
    names = ["registry.example/one:v1", "registry.example/two:v1"]
    source = make_source(*(make_image().named(name) for name in names))
    with pytest.raises(AmbiguousName, match=", ".join(names)):
        select(source, names=["v1"])


def test_platforms_that_were_not_asked_for_go() -> None:
    source = make_source(make_platforms(AMD64, ARM64, ARM_V7))
    selected = select(source, platforms=[ARM_V7, AMD64])
    assert platforms_in(selected) == ["linux/amd64", "linux/arm/v7"]
    assert list(names_in(selected)) == [NAME]
    contents_of(selected)


def test_members_that_stay_keep_their_bytes() -> None:
    source = make_source(make_platforms(AMD64, ARM64, ARM_V7))
    found = contents_of(select(source, platforms=[AMD64, ARM64]))
    assert len(found.keys() - source.contents.keys()) == 1


def test_an_index_of_which_all_stays_keeps_its_bytes() -> None:
    source = make_source(make_platforms(AMD64, ARM64))
    selected = select(source, platforms=[ARM64, AMD64])
    assert selected.index.raw == source.index.raw


def test_an_index_that_is_left_with_one_image_becomes_it() -> None:
    selected = select(make_source(make_platforms(AMD64, ARM64)), platforms=[ARM64])
    (entry,) = selected.index.children
    assert entry.digest == make_image("linux/arm64").descriptor.digest
    assert entry.platform == ARM64
    assert list(names_in(selected)) == [NAME]


@pytest.mark.parametrize(
    ("stated", "asked"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64", "linux/aarch64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v7", "arm"),
        ("linux/amd64", "linux/x86_64"),
        ("windows/amd64:10.0.17763", "windows/amd64"),
    ],
)
def test_platforms_are_compared_normalized(stated: str, asked: str) -> None:
    source = make_source(make_image(stated))
    selected = select(source, platforms=[Platform.parse(asked)])
    assert selected.index.raw == source.index.raw


def test_an_os_version_that_is_asked_for_counts() -> None:
    versions = ("windows/amd64:10.0.17763", "windows/amd64:10.0.20348")
    source = make_source(make_index(*map(make_image, versions)))
    selected = select(source, platforms=[Platform.parse(versions[1])])
    assert platforms_in(selected) == [versions[1]]


def test_a_descriptor_without_a_platform_is_what_its_config_says() -> None:
    image = make_image("linux/arm64")
    bare = Made(image.descriptor.edited(platform=None), image.contents)
    assert len(select(make_source(bare), platforms=[ARM64]).index.children) == 1


def test_a_platform_that_is_nowhere_is_told_with_those_that_are_there() -> None:
    source = make_source(make_platforms(AMD64, ARM64))
    with pytest.raises(ImageNotFound, match=r"linux/arm/v7 here, but for linux/amd64, linux/arm64"):
        select(source, platforms=[AMD64, ARM_V7])


def test_an_image_without_the_platform_goes_and_that_is_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = make_source(
        make_image("linux/arm64").named("registry.example/arm:v1"),
        make_image("linux/amd64").named(NAME),
    )
    assert list(names_in(select(source, platforms=[AMD64]))) == [NAME]
    assert "registry.example/arm:v1" in caplog.text


@pytest.mark.parametrize("attestation_first", [False, True])
def test_attestations_follow_their_image(attestation_first: bool) -> None:
    images = [make_image("linux/amd64"), make_image("linux/arm64")]
    attestations = [make_attestation(image) for image in images]
    members = attestations + images if attestation_first else images + attestations
    selected = select(make_source(make_index(*members).named(NAME)), platforms=[ARM64])
    found = contents_of(selected)
    assert attestations[1].contents.items() <= found.items()
    assert attestations[0].descriptor.digest not in found
    assert images[0].descriptor.digest not in found


def test_attestations_alone_are_no_platform() -> None:
    image = make_image("linux/amd64")
    source = make_source(make_index(image, make_attestation(image)))
    with pytest.raises(ImageNotFound):
        select(source, platforms=[Platform("unknown", "unknown")])


def test_referrers_at_the_top_follow_their_image() -> None:
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    referrers = [make_referrer(amd64), make_containerd_referrer(arm64)]
    selected = select(make_source(amd64, arm64, *referrers), platforms=[ARM64])
    digests = {entry.digest for entry in selected.index.children}
    assert digests == {arm64.descriptor.digest, referrers[1].descriptor.digest}


def test_signatures_of_cosign_follow_their_image(caplog: pytest.LogCaptureFixture) -> None:
    amd64, arm64 = make_image("linux/amd64").named("amd64"), make_image("linux/arm64").named(NAME)
    signatures = [make_cosign_signature(amd64), make_cosign_signature(arm64)]
    selected = select(make_source(amd64, arm64, *signatures), platforms=[ARM64])
    assert list(names_in(selected)) == [NAME, *signatures[1].names]
    assert f"what it refers to is left out: {signatures[0].names[0]}" in caplog.text


def test_a_platform_that_is_absent_can_be_kept() -> None:
    amd64, arm64 = make_image("linux/amd64"), make_image("linux/arm64")
    source = make_source(make_index(amd64, arm64), absent=[arm64.descriptor.digest])
    del source.contents[arm64.descriptor.digest]
    assert platforms_in(select(source, platforms=[ARM64])) == ["linux/arm64"]


def test_no_layer_is_read() -> None:
    image = make_image("linux/arm64")
    source = make_source(make_index(image, make_image("linux/amd64")))
    select(source, platforms=[ARM64])
    layers = {digest for digest, raw in source.contents.items() if raw[:2] == b"\x1f\x8b"}
    assert layers
    assert not layers & set(source.opened)


def test_a_nested_index_loses_members_too() -> None:
    inner = make_platforms(AMD64, ARM64)
    source = make_source(make_index(Made(inner.descriptor, inner.contents)).named(NAME))
    selected = select(source, platforms=[AMD64])
    assert platforms_in(selected) == ["linux/amd64"]
    assert not any(map(is_listed_referrer, selected.index.children))


def test_an_index_that_becomes_an_image_is_not_listed_beside_it() -> None:
    """oras lists the members of an index at the top too, without a name."""
    index = make_platforms(AMD64, ARM64)
    source = make_source(index, make_image("linux/amd64"), make_image("linux/arm64"))
    selected = select(source, platforms=[AMD64])
    assert len(selected.index.children) == 1
    assert list(names_in(selected)) == [NAME]
