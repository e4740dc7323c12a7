"""Corrections to what an image says of itself."""

import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from ocilayout.errors import (
    AmbiguousName,
    BlobNotFound,
    CannotHold,
    ImageNotFound,
    OciLayoutError,
    UsageError,
)
from ocilayout.graph import changes, manifests_below, read_bytes, read_document
from ocilayout.pick import target
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.annotation import parse_removal, parse_setting
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.platform import Platform
from ocilayout.transforms.annotate import annotate
from ocilayout.transforms.corrections import Corrections, PlatformEdit
from tests.attestations import (
    make_attestation,
    make_containerd_referrer,
    make_cosign_signature,
    make_new_attestation,
    make_referrer,
)
from tests.images import Made, MemorySource, make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, platforms_in

AMD64 = make_image("linux/amd64", layers=[make_layer("amd64")])
ARM = make_image("linux/arm/v7", layers=[make_layer("arm")])
MULTI = make_index(AMD64, ARM).named("registry.example/app:1")
OTHER = make_image("linux/s390x", layers=[make_layer("other")]).named("registry.example/other:1")


def corrected(
    source: MemorySource,
    *settings: str,
    platforms: Sequence[str] = (),
    removals: Sequence[str] = (),
    config: bool = False,
    drop: bool = False,
    name: str = "registry.example/app:1",
    **platform: Any,
) -> ImageSource:
    edits = [edit for text in settings for edit in parse_setting(text)]
    edits += [edit for text in removals for edit in parse_removal(text)]
    wanted = PlatformEdit(**platform) if platform else None
    return annotate(
        source,
        target(source, name, None, "it"),
        Corrections(tuple(edits), wanted, config),
        platforms=[Platform.parse(text) for text in platforms],
        drop_attestations=drop,
    )


def top(source: ImageSource) -> Index:
    document = read_document(source, source.index.children[0])
    assert isinstance(document, Index)
    return document


def members(source: ImageSource) -> list[Descriptor]:
    return list(top(source).children)


def manifest_annotations(source: ImageSource) -> list[object]:
    below = manifests_below(source, source.index.children[:1])
    return [read_document(source, member).fields.get("annotations") for member in below]


class TestPlatform:
    def test_only_the_index_changes(self) -> None:
        source = make_source(MULTI, OTHER)
        result = corrected(source, platforms=["linux/arm/v7"], variant="v6")
        assert platforms_in(result) == ["linux/amd64", "linux/arm/v6", "linux/s390x"]
        assert list(changes(result)) == [MULTI.descriptor.digest]
        assert [member.digest for member in members(result)] == [
            AMD64.descriptor.digest,
            ARM.descriptor.digest,
        ]
        assert result.index.children[1] == source.index.children[1]
        contents_of(result)

    def test_every_part_can_be_set(self) -> None:
        result = corrected(
            make_source(MULTI),
            platforms=["linux/amd64"],
            os="windows",
            architecture="arm64",
            variant="v9",
            os_version="10.0.1",
            os_features=("win32k",),
        )
        assert members(result)[0].fields["platform"] == {
            "architecture": "arm64",
            "os": "windows",
            "variant": "v9",
            "os.version": "10.0.1",
            "os.features": ["win32k"],
        }

    def test_features_are_added_and_an_empty_one_removes_the_others(self) -> None:
        stated = {"os": "windows", "architecture": "amd64", "os.features": ["a"]}
        assert PlatformEdit(os_features=("b", "a")).applied(stated)["os.features"] == ["a", "b"]
        assert PlatformEdit(os_features=("", "b")).applied(stated)["os.features"] == ["b"]
        assert "os.features" not in PlatformEdit(os_features=("",)).applied(stated)

    def test_an_empty_text_removes(self) -> None:
        result = corrected(make_source(MULTI), platforms=["linux/arm/v7"], variant="")
        assert members(result)[1].fields["platform"] == {"architecture": "arm", "os": "linux"}

    def test_unknown_fields_of_it_stay(self) -> None:
        platform = {"os": "linux", "architecture": "amd64", "features": ["sse4"]}
        image = Made(AMD64.descriptor.edited(platform=platform), AMD64.contents)
        source = make_source(make_index(image).named("registry.example/app:1"))
        result = corrected(source, architecture="386")
        assert members(result)[0].fields["platform"] == {**platform, "architecture": "386"}

    def test_a_member_without_one_starts_with_its_configs(self) -> None:
        bare = Made(ARM.descriptor.edited(platform=None), ARM.contents)
        source = make_source(make_index(AMD64, bare).named("registry.example/app:1"))
        result = corrected(source, platforms=["linux/arm/v7"], variant="v6")
        assert members(result)[1].platform == Platform("linux", "arm", "v6")

    def test_of_a_single_image_no_digest_changes(self) -> None:
        source = make_source(AMD64.named("registry.example/app:1"))
        result = corrected(source, architecture="386")
        assert changes(result) == {}
        assert result.index.children[0].platform == Platform("linux", "386")

    def test_one_manifest_may_be_listed_for_two(self) -> None:
        v6 = Made(ARM.descriptor.edited(platform=Platform.parse("linux/arm/v6").to_fields()), {})
        source = make_source(make_index(ARM, v6).named("registry.example/app:1"))
        result = corrected(source, platforms=["linux/arm/v7"], variant="v5")
        assert [str(member.platform) for member in members(result)] == [
            "linux/arm/v5",
            "linux/arm/v6",
        ]

    def test_it_is_for_one_member(self) -> None:
        with pytest.raises(AmbiguousName, match="linux/amd64, linux/arm/v7"):
            corrected(make_source(MULTI), architecture="386")

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"os": "linux", "architecture": "sparc"}, "linux/sparc is no platform that Go knows"),
            ({"architecture": "arm64"}, "the variant v7 stays"),
            ({"architecture": "amd64", "variant": ""}, "linux/amd64 stands twice"),
            ({"variant": "v6"}, "its config still says linux/arm/v7: --config"),
        ],
    )
    def test_what_is_odd_is_said_and_done(
        self, caplog: pytest.LogCaptureFixture, change: dict[str, Any], said: str
    ) -> None:
        with caplog.at_level(logging.INFO, "ocilayout"):
            corrected(make_source(MULTI), platforms=["linux/arm/v7"], **change)
        assert said in caplog.text

    def test_what_docker_refuses_is_taken_without_a_word(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        corrected(make_source(MULTI), platforms=["linux/amd64"], architecture="loong64")
        assert caplog.text == ""


class TestConfig:
    def test_it_moves_config_manifest_and_index(self) -> None:
        result = corrected(
            make_source(MULTI), platforms=["linux/arm/v7"], variant="v6", config=True
        )
        moved = changes(result)
        manifest = read_document(result, members(result)[1])
        assert isinstance(manifest, Manifest)
        assert manifest.config is not None
        config = json.loads(read_bytes(result, manifest.config))
        assert (config["architecture"], config["variant"]) == ("arm", "v6")
        assert "history" in config
        assert {new.digest for new in moved.values()} == {
            manifest.config.digest,
            manifest.digest,
            top(result).digest,
        }
        assert members(result)[0].digest == AMD64.descriptor.digest
        contents_of(result)

    @pytest.mark.parametrize("make", [make_attestation, make_new_attestation])
    def test_attestations_follow(self, make: Any) -> None:
        source = make_source(make_index(ARM, make(ARM)).named("registry.example/app:1"))
        result = corrected(source, platforms=["linux/arm/v7"], variant="v6", config=True)
        image, attestation = members(result)
        assert attestation.annotations["vnd.docker.reference.digest"] == str(image.digest)
        subject = read_document(result, attestation).subject
        assert subject is None or subject.digest == image.digest
        contents_of(result)

    @pytest.mark.parametrize("make", [make_attestation, make_new_attestation])
    def test_attestations_of_what_moved_can_be_dropped(self, make: Any) -> None:
        index = make_index(AMD64, ARM, make(AMD64), make(ARM)).named("registry.example/app:1")
        result = corrected(
            make_source(index), platforms=["linux/arm/v7"], variant="v6", config=True, drop=True
        )
        assert len(members(result)) == 3
        assert members(result)[2].annotations["vnd.docker.reference.digest"] == str(
            AMD64.descriptor.digest
        )

    def test_a_dropped_signature_of_cosign_is_not_said_to_follow(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        source = make_source(ARM.named("registry.example/app:1"), make_cosign_signature(ARM))
        result = corrected(source, "a=b", drop=True)
        assert len(result.index.children) == 1
        assert caplog.text == ""

    @pytest.mark.parametrize("make", [make_referrer, make_containerd_referrer])
    @pytest.mark.parametrize("drop", [False, True])
    def test_referrers_at_the_top_follow_or_go(self, make: Any, drop: bool) -> None:
        source = make_source(ARM.named("registry.example/app:1"), make(ARM), make(AMD64))
        result = corrected(source, "a=b", drop=drop)
        assert len(result.index.children) == (2 if drop else 3)
        assert result.index.children[-1] == source.index.children[-1]
        if not drop:
            subject = read_document(result, result.index.children[1]).subject
            assert subject is not None
            assert subject.digest == result.index.children[0].digest


class TestAnnotations:
    def test_a_bare_key_is_for_manifests(self) -> None:
        result = corrected(make_source(MULTI), "title=App")
        assert manifest_annotations(result) == [{"title": "App"}] * 2

    def test_each_level_has_its_place(self) -> None:
        result = corrected(
            make_source(MULTI),
            "manifest[linux/amd64]:a=1",
            "manifest-descriptor[linux/arm]:b=2",
            "index:c=3",
            "index-descriptor:d=4",
        )
        assert manifest_annotations(result) == [{"a": "1"}, None]
        assert [dict(member.annotations) for member in members(result)] == [{}, {"b": "2"}]
        assert top(result).fields["annotations"] == {"c": "3"}
        assert result.index.children[0].annotations["d"] == "4"
        contents_of(result)

    def test_several_levels_at_once(self) -> None:
        result = corrected(make_source(MULTI), "index,manifest-descriptor:a=1")
        assert top(result).fields["annotations"] == {"a": "1"}
        assert {member.annotations["a"] for member in members(result)} == {"1"}

    def test_platforms_pick_where_no_level_names_its_own(self) -> None:
        result = corrected(
            make_source(MULTI),
            "a=1",
            "manifest[linux/amd64]:b=2",
            platforms=["linux/arm/v7"],
        )
        assert manifest_annotations(result) == [{"b": "2"}, {"a": "1"}]

    def test_all_names_of_the_image_follow(self) -> None:
        source = make_source(
            make_index(AMD64, ARM).named("registry.example/app:1", "x.example/y:2")
        )
        result = corrected(source, "index:a=1", "index-descriptor:b=2")
        assert len({entry.digest for entry in result.index.children}) == 1
        assert [entry.annotations["b"] for entry in result.index.children] == ["2", "2"]

    def test_a_member_that_is_an_image_of_its_own_stays(self) -> None:
        source = make_source(MULTI, ARM.named("x.example/arm:1"))
        result = corrected(source, "a=1")
        assert result.index.children[1] == source.index.children[1]
        contents_of(result)

    def test_a_member_that_is_listed_again_without_a_name_follows(self) -> None:
        result = corrected(make_source(MULTI, ARM), "a=1")
        assert result.index.children[1].digest == members(result)[1].digest

    def test_they_are_removed(self) -> None:
        source = make_source(MULTI)
        once = corrected(source, "a=1", "index:b=2", "c=3")
        again = corrected(once, removals=["a", "index:b"])  # type: ignore[arg-type]
        assert manifest_annotations(again) == [{"c": "3"}] * 2
        assert "annotations" not in top(again).fields

    def test_what_is_there_already_changes_nothing(self) -> None:
        once = corrected(make_source(MULTI), "a=1", "index:b=2")
        again = corrected(once, "a=1", "index:b=2")  # type: ignore[arg-type]
        assert again.index.raw == once.index.raw

    def test_an_empty_value_is_a_value(self) -> None:
        assert manifest_annotations(corrected(make_source(MULTI), "a="))[0] == {"a": ""}

    def test_attestations_are_no_images(self) -> None:
        source = make_source(make_index(ARM, make_attestation(ARM)).named("registry.example/app:1"))
        assert manifest_annotations(corrected(source, "a=1"))[1] is None

    def test_docker_types_have_no_place_for_them(self, caplog: pytest.LogCaptureFixture) -> None:
        image = make_image(family="docker").named("registry.example/app:1")
        corrected(make_source(image), "a=1")
        assert "Docker's media types have no annotations" in caplog.text


@pytest.mark.parametrize(
    ("wish", "kind", "said"),
    [
        ({"platforms": ["linux/s390x"]}, ImageNotFound, "but for linux/amd64, linux/arm/v7"),
        ({"setting": "manifest[linux/s390x]:a=1"}, ImageNotFound, "linux/s390x"),
        ({"setting": "index-descriptor:io.containerd.image.name=x"}, UsageError, "tag and untag"),
        ({"platforms": ["linux/amd64"], "os": ""}, UsageError, "--os"),
        ({"name": "registry.example/other:1", "setting": "index:a=1"}, CannotHold, "no index"),
    ],
)
def test_what_cannot_be_is_refused(
    wish: dict[str, Any], kind: type[OciLayoutError], said: str
) -> None:
    setting = wish.pop("setting", "a=1")
    with pytest.raises(kind, match=said):
        corrected(make_source(MULTI, OTHER), setting, **wish)


def test_a_leaf_has_no_annotations() -> None:
    leaf = Descriptor.of(media_types.OCI_CONFIG, b"{}")
    source = make_source(Made(leaf, {leaf.digest: b"{}"}, ("registry.example/app:1",)))
    with pytest.raises(CannotHold, match="no manifest"):
        corrected(source, "a=1")


class TestGaps:
    gone = ARM.descriptor.digest

    def source(self) -> MemorySource:
        source = make_source(MULTI, absent=[self.gone])
        del source.contents[self.gone]
        return source

    def test_what_is_said_of_an_absent_member_can_be_corrected(self) -> None:
        result = corrected(self.source(), platforms=["linux/arm/v7"], variant="v6")
        assert members(result)[1].platform == Platform("linux", "arm", "v6")

    def test_an_absent_member_cannot_itself(self) -> None:
        with pytest.raises(BlobNotFound, match=str(self.gone)):
            corrected(self.source(), "a=1")
