from base64 import b64encode

import pytest

from ocilayout.errors import IntegrityError, InvalidDigest, InvalidDocument
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform

CONTENT = b"content"
FIELDS: dict[str, object] = {
    "mediaType": "application/x-test",
    "digest": str(Digest.of(CONTENT)),
    "size": len(CONTENT),
}
FULL: dict[str, object] = {
    **FIELDS,
    "urls": ["https://host.example/blob"],
    "annotations": {"b": "1", "a": "2"},
    "data": b64encode(CONTENT).decode(),
    "platform": {"os": "linux", "architecture": "arm64", "vendor": "kept"},
    "artifactType": "application/x-artifact",
    "x-vendor": {"nested": [1, None, True]},
}
WHERE = "index.json: manifests[0]"


def test_a_descriptor_has_views_of_what_the_specification_names() -> None:
    descriptor = Descriptor.parse(FULL, WHERE)
    assert descriptor.media_type == "application/x-test"
    assert descriptor.digest == Digest.of(CONTENT)
    assert descriptor.size == 7
    assert descriptor.platform == Platform("linux", "arm64")
    assert descriptor.annotations == {"b": "1", "a": "2"}
    assert descriptor.artifact_type == "application/x-artifact"


def test_a_descriptor_keeps_what_nobody_specified() -> None:
    assert Descriptor.parse(FULL, WHERE).fields == FULL


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mediaType", None),
        ("mediaType", 1),
        ("digest", None),
        ("digest", ["sha256:"]),
        ("size", None),
        ("size", "7"),
        ("size", 7.0),
        ("size", True),
        ("size", -1),
        ("size", 2**63),
        ("urls", "https://host.example"),
        ("urls", [1]),
        ("annotations", {"a": 1}),
        ("annotations", [["a", "b"]]),
        ("artifactType", 1),
        ("platform", "linux/amd64"),
        ("data", 1),
        ("data", "not base64!"),
        ("data", "\u00e9"),
        ("data", b64encode(CONTENT).decode() + "\n"),
        ("Digest", "sha256:"),
        ("mediatype", "application/x-other"),
    ],
)
def test_a_field_of_another_type_is_refused_by_its_place(key: str, value: object) -> None:
    with pytest.raises(InvalidDocument, match=r"^index\.json: manifests\[0\]"):
        Descriptor.parse({**FIELDS, key: value}, WHERE)


def test_a_wrong_digest_is_named_with_its_place() -> None:
    with pytest.raises(InvalidDigest, match=r"^index\.json: manifests\[0\]\.digest: .*sha256:x"):
        Descriptor.parse({**FIELDS, "digest": "sha256:x"}, WHERE)


@pytest.mark.parametrize("data", [b"CONTENT", b"content "])
def test_embedded_content_is_verified(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"manifests\[0\]\.data"):
        Descriptor.parse({**FIELDS, "data": b64encode(data).decode()}, WHERE)


@pytest.mark.parametrize("data", [None, ""])
def test_a_descriptor_may_embed_nothing(data: str | None) -> None:
    assert Descriptor.parse({**FIELDS, "data": data}, WHERE).digest == Digest.of(CONTENT)


def test_annotations_of_null_stay_as_they_are_until_one_is_changed() -> None:
    descriptor = Descriptor.parse({**FIELDS, "annotations": {"a": None, "b": ""}}, WHERE)
    assert descriptor.annotations == {"a": "", "b": ""}
    assert descriptor.with_annotations(descriptor.annotations) is descriptor


def test_embedded_content_of_an_unknown_algorithm_is_counted() -> None:
    fields = {**FIELDS, "digest": "blake3:0f"}
    Descriptor.parse({**fields, "data": b64encode(b"1234567").decode()}, WHERE)
    with pytest.raises(IntegrityError):
        Descriptor.parse({**fields, "data": b64encode(b"123456").decode()}, WHERE)


def test_a_descriptor_of_content_leads_to_it() -> None:
    descriptor = Descriptor.of("application/x-test", CONTENT)
    assert descriptor == Descriptor.parse(descriptor.fields, WHERE)
    assert descriptor.fields == FIELDS


def test_a_new_descriptor_is_as_it_would_be_parsed() -> None:
    platform = Platform("linux", "arm", "v7")
    made = Descriptor.of("type", CONTENT, platform=platform, annotations={"a": "b"})
    assert Descriptor.parse(made.fields, WHERE) == made


def test_an_edit_changes_what_it_names_and_no_more() -> None:
    edited = Descriptor.parse(FULL, WHERE).edited(size=7, artifactType="application/x-other")
    assert edited.fields == {**FULL, "artifactType": "application/x-other"}
    assert edited.artifact_type == "application/x-other"


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_a_field_that_becomes_empty_is_left_out(nothing: object) -> None:
    edited = Descriptor.parse(FULL, WHERE).edited(urls=nothing)
    assert edited.fields == {key: value for key, value in FULL.items() if key != "urls"}


def test_a_field_that_was_empty_stays_if_nobody_edits_it() -> None:
    fields = {**FIELDS, "annotations": {}, "urls": None}
    assert Descriptor.parse(fields, WHERE).edited(size=7).fields == fields


def test_an_edit_is_checked_like_any_other_descriptor() -> None:
    with pytest.raises(InvalidDocument):
        Descriptor.parse(FIELDS, WHERE).edited(size=-1)


def test_annotations_are_replaced_as_a_whole() -> None:
    assert Descriptor.parse(FULL, WHERE).with_annotations({"c": "3"}).annotations == {"c": "3"}


def test_a_descriptor_that_points_elsewhere_drops_what_described_the_old_bytes() -> None:
    old = Descriptor.parse(FULL, WHERE).with_annotations(
        {
            "kept": "yes",
            "containerd.io/snapshot/stargz/toc.digest": "sha256:x",
            "io.github.containers.zstd-chunked.manifest-position": "1:2:3:4",
            "io.containers.zstd-chunked.manifest-position": "1:2:3:4",
            "containerd.io/distribution.source.docker.io": "library/demo",
        }
    )
    target = Descriptor.of("application/x-new", b"new content")
    new = old.pointing_to(target)
    assert (new.media_type, new.digest, new.size) == (target.media_type, target.digest, target.size)
    assert new.annotations == {"kept": "yes"}
    assert new.fields.keys() == FULL.keys() - {"urls", "data"}
    assert new.platform == old.platform
