import pytest

from ocilayout.spec import media_types
from ocilayout.spec.media_types import Family, LayerType, in_family, layer_type

LAYERS = {
    "application/vnd.oci.image.layer.v1.tar": LayerType("oci", "none"),
    "application/vnd.oci.image.layer.v1.tar+gzip": LayerType("oci", "gzip"),
    "application/vnd.oci.image.layer.v1.tar+zstd": LayerType("oci", "zstd"),
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip": LayerType(
        "oci", "gzip", distributable=False
    ),
    "application/vnd.docker.image.rootfs.diff.tar": LayerType("docker", "none"),
    "application/vnd.docker.image.rootfs.diff.tar.gzip": LayerType("docker", "gzip"),
    "application/vnd.docker.image.rootfs.diff.tar.zstd": LayerType("docker", "zstd"),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": LayerType(
        "docker", "gzip", distributable=False
    ),
}
FAMILIES: tuple[Family, Family] = ("oci", "docker")
ALL = (*media_types.INDEXES, media_types.OCI_MANIFEST, media_types.DOCKER_MANIFEST)


@pytest.mark.parametrize("media_type", LAYERS)
def test_a_layer_type_says_family_codec_and_whether_it_may_be_passed_on(media_type: str) -> None:
    assert layer_type(media_type) == LAYERS[media_type]
    assert LAYERS[media_type].media_type == media_type


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/vnd.oci.image.layer.v1.tar.gzip",
        "application/vnd.oci.image.config.v1+json",
        "application/x-tar",
        "",
    ],
)
def test_what_is_no_layer_tar_has_no_layer_type(media_type: str) -> None:
    assert layer_type(media_type) is None


@pytest.mark.parametrize("media_type", [*LAYERS, *sorted(ALL), *sorted(media_types.IMAGE_CONFIGS)])
def test_a_type_comes_back_from_the_other_family(media_type: str) -> None:
    home: Family = "docker" if "docker" in media_type else "oci"
    away: Family = "oci" if home == "docker" else "docker"
    assert in_family(media_type, away) != media_type
    assert in_family(in_family(media_type, away), home) == media_type
    assert in_family(media_type, home) == media_type


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("media_type", ["application/spdx+json", media_types.OCI_ARTIFACT_MANIFEST])
def test_a_type_that_only_one_family_has_stays(media_type: str, family: Family) -> None:
    assert in_family(media_type, family) == media_type
