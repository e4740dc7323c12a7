import pytest

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.marks import KIND, is_marked_image, mark_of
from ocilayout.spec.names import IMAGE_NAME, REF_NAME, names_at, names_of

MANIFEST = Descriptor.of("application/vnd.oci.image.manifest.v1+json", b"{}")
HEX = "0123456789abcdef" * 4


def of_kind(kind: str) -> Descriptor:
    return MANIFEST.with_annotations({KIND: kind, REF_NAME: "1", IMAGE_NAME: "quay.io/a/app:1"})


@pytest.mark.parametrize("tool", ["dev.cosignproject.cosign", "dev.hauler"])
@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("sigs", "sig"),
        ("atts", "att"),
        ("sboms", "sbom"),
        (f"sigs/{HEX}", "sig"),
        (f"referrers/{HEX}", None),
    ],
)
def test_a_signature_or_the_like_is_marked_and_bears_no_name(
    tool: str, kind: str, suffix: str | None
) -> None:
    entry = of_kind(f"{tool}/{kind}")
    mark = mark_of(entry)
    assert mark is not None
    assert mark.tag_suffix == suffix
    assert names_of(entry) == ()
    assert names_at(entry) == ("quay.io/a/app:1",)
    assert not is_marked_image(entry)


@pytest.mark.parametrize(
    "kind",
    [
        "dev.cosignproject.cosign/image",
        "dev.hauler/imageIndex",
        "dev.hauler/",
        "dev.hauler",
        "dev.example/sigs",
        "sigs",
        "dev.hauler/sigsX",
        " dev.hauler/sigs",
        "",
    ],
)
def test_all_else_bears_its_name(kind: str) -> None:
    assert mark_of(of_kind(kind)) is None
    assert names_of(of_kind(kind)) == ("quay.io/a/app:1",)


def test_an_image_is_marked_as_one() -> None:
    assert is_marked_image(of_kind("dev.hauler/imageIndex"))
    assert is_marked_image(of_kind("dev.cosignproject.cosign/image"))
    assert not is_marked_image(MANIFEST)
