"""What is said of podman, of files that are made here for the purpose."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.outcomes import Prediction
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.spec import media_types
from ocilayout.stores import open_place
from tests.attestations import make_attestation, make_referrer
from tests.engines.files import AMD64, NAME, rewritten, write_hybrid
from tests.image_files import write_docker_archive, write_layout, write_oci_archive
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

LAYER = make_layer("base")
OCI_GZIP = f"{media_types.OCI_LAYER}+gzip"
DOCKER_GZIP = f"{media_types.DOCKER_LAYER}.gzip"


def prediction(place: Path | str) -> Prediction:
    with open_place(str(place)) as opened:
        return predict(cargo_of(opened), ENGINES["podman"], AMD64)


def reason(place: Path | str) -> str:
    found = prediction(place)
    assert found.verdict == "refused"
    return found.outcomes[0].reason


def archived(tmp_path: Path, *tops: Made) -> Path:
    return write_oci_archive(tmp_path / "image.tar", make_source(*tops))


def image_of(
    config: bytes,
    config_type: str = media_types.OCI_CONFIG,
    manifest_type: str = media_types.OCI_MANIFEST,
    layer_type: str = OCI_GZIP,
) -> Made:
    layers = [make_blob(layer_type, gzip.compress(LAYER, mtime=0))]
    return make_manifest(make_blob(config_type, config), layers, manifest_type).named(NAME)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"created": ""}, "created is ''"),
        ({"created": 1700000000}, "created is 1700000000"),
        ({"history": [{"created": " "}]}, "history[0].created"),
        ({"config": {"Env": [1]}}, "config.Env[0] is no string"),
        ({"config": {"Cmd": "sh"}}, "config.Cmd is no list"),
        ({"author": "x" * (4 << 20)}, "larger than 4 MiB"),
    ],
)
def test_a_config_that_it_does_not_take_is_told_in_either_form(
    fields: dict[str, object], expected: str, tmp_path: Path
) -> None:
    config = make_config("linux/amd64", [LAYER], **fields)
    assert expected in reason(archived(tmp_path, image_of(config)))
    docker = write_docker_archive(tmp_path / "docker.tar", NAME, layers=[LAYER], config=config)
    assert expected in reason(docker)


def test_a_config_of_less_than_4_mib_is_taken(tmp_path: Path) -> None:
    config = make_config("linux/amd64", [LAYER], author="x" * (3 << 20))
    assert prediction(archived(tmp_path, image_of(config))).loads


@pytest.mark.parametrize("diff_ids", [[], [f"sha256:{'a' * 64}"] * 2], ids=["too-few", "too-many"])
def test_it_counts_diff_ids_in_docker_archives(diff_ids: list[str], tmp_path: Path) -> None:
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    config = make_config("linux/amd64", [LAYER], rootfs=rootfs)
    image = image_of(config)
    hybrid = write_hybrid(tmp_path / "image.tar", image, make_image("linux/arm64"), saved=[image])
    assert "diff ids" in reason(hybrid)


MIXED = [
    ("docker", media_types.DOCKER_CONFIG, DOCKER_GZIP, True),
    ("docker", media_types.OCI_CONFIG, DOCKER_GZIP, True),
    ("docker", media_types.DOCKER_CONFIG, OCI_GZIP, False),
    ("docker", media_types.DOCKER_CONFIG, f"{media_types.DOCKER_LAYER}.zstd", False),
    ("oci", media_types.OCI_CONFIG, DOCKER_GZIP, True),
    ("oci", media_types.DOCKER_CONFIG, OCI_GZIP, False),
    ("oci", "application/octet-stream", OCI_GZIP, False),
    ("oci", "application/json", OCI_GZIP, False),
]


@pytest.mark.parametrize(("family", "config_type", "layer_type", "loads"), MIXED)
def test_it_takes_some_mixtures_of_media_types(
    family: str, config_type: str, layer_type: str, loads: bool, tmp_path: Path
) -> None:
    kinds = {"docker": media_types.DOCKER_MANIFEST, "oci": media_types.OCI_MANIFEST}
    config = make_config("linux/amd64", [LAYER])
    image = image_of(config, config_type, kinds[family], layer_type)
    assert prediction(archived(tmp_path, image)).loads is loads


@pytest.mark.parametrize("name", ["app:1", "docker.io/nginx:1", "Registry.Example/app:1"])
def test_a_name_that_it_takes_is_kept_or_filled_in(name: str, tmp_path: Path) -> None:
    assert prediction(write_docker_archive(tmp_path / "image.tar", name)).loads


def test_a_name_of_docker_io_is_not_lost(tmp_path: Path) -> None:
    (outcome,) = prediction(write_docker_archive(tmp_path / "i.tar", "docker.io/nginx:1")).outcomes
    assert (outcome.verdict, outcome.lost) == ("loads", ())


@pytest.mark.parametrize("names", [["b"], ["Lab/App:1"], [NAME, "app"], ["[::1]:5000/app:1"]])
def test_one_bad_name_in_manifest_json_ends_the_load_of_all(
    names: list[str], tmp_path: Path
) -> None:
    good = make_image(layers=[make_layer("good")]).named("docker.io/lab/good:1")
    images = [good, make_image().named(*names)]
    found = prediction(write_hybrid(tmp_path / "image.tar", *images, saved=images))
    assert [outcome.verdict for outcome in found.outcomes] == ["refused", "refused"]


def test_of_two_images_of_one_name_the_first_is_loaded(tmp_path: Path) -> None:
    images = [make_image(layers=[make_layer(text)]).named(NAME) for text in ("one", "two")]
    found = prediction(write_hybrid(tmp_path / "image.tar", *images, saved=images))
    assert [outcome.verdict for outcome in found.outcomes] == ["loads", "nothing kept"]


def test_an_image_that_is_not_taken_ends_the_load_of_those_behind_it(tmp_path: Path) -> None:
    bad = image_of(make_config("linux/amd64", [LAYER], created=""))
    images = [
        make_image(layers=[make_layer(text)]).named(f"docker.io/lab/{text}:1")
        for text in ("one", "two")
    ]
    saved = [images[0], bad, images[1]]
    found = prediction(write_hybrid(tmp_path / "image.tar", *saved, saved=saved))
    assert [outcome.verdict for outcome in found.outcomes] == ["loads", "refused", "refused"]


@pytest.mark.parametrize("platform", ["linux/arm64", "linux/386", "windows/amd64"])
@pytest.mark.parametrize(
    ("wrap", "verdict"),
    [
        (lambda image: image, "stored"),
        (lambda image: make_index(image), "refused"),
        (lambda image: make_index(image, make_attestation(image)), "refused"),
    ],
    ids=["alone", "in an index", "with an attestation"],
)
def test_the_image_of_another_machine_is_stored_where_nothing_is_to_be_chosen(
    wrap: Callable[[Made], Made], verdict: str, platform: str, tmp_path: Path
) -> None:
    top = wrap(make_image(platform)).named(NAME)
    assert (prediction(archived(tmp_path, top)).verdict == "refused") is (verdict == "refused")


def test_it_chooses_nothing_of_an_index_in_an_index(tmp_path: Path) -> None:
    nested = make_index(make_index(make_image(), make_image("linux/arm64"))).named(NAME)
    assert "index" in reason(archived(tmp_path, nested))


def test_an_image_that_no_platform_tells_is_chosen(tmp_path: Path) -> None:
    bare = make_image("linux/arm64")
    bare = Made(bare.descriptor.edited(platform=None), bare.contents)
    # Nothing of it runs there, but that does not end the load.
    assert prediction(archived(tmp_path, make_index(bare).named(NAME))).verdict == "loads"


@pytest.mark.parametrize("beside", [make_referrer, lambda image: make_image("linux/arm64")])
def test_a_second_entry_is_one_too_many(beside: Callable[[Made], Made], tmp_path: Path) -> None:
    image = make_image()
    assert "several entries" in reason(archived(tmp_path, image.named(NAME), beside(image)))


def test_an_empty_manifest_json_keeps_nothing(tmp_path: Path) -> None:
    archive = write_docker_archive(tmp_path / "image.tar", NAME)
    emptied = rewritten(
        archive,
        tmp_path / "empty.tar",
        lambda name, content: b"[]" if name == "manifest.json" else content,
    )
    assert prediction(emptied).verdict == "nothing kept"


def test_an_empty_index_is_refused(tmp_path: Path) -> None:
    assert "lists no image" in reason(archived(tmp_path))


def test_a_directory_is_called_by_its_path(tmp_path: Path) -> None:
    directory = write_layout(tmp_path / "lower", make_source(make_image().named(NAME)))
    (outcome,) = prediction(directory).outcomes
    assert outcome.names == (f"localhost{directory}:latest",)
    upper = write_layout(tmp_path / "Upper", make_source(make_image().named(NAME)))
    assert "its path" in reason(upper)


@pytest.mark.parametrize("kind", ["application/tar+gzip", "application/octet-stream"])
@pytest.mark.parametrize(
    ("content", "loads"), [(gzip.compress(LAYER, mtime=0), True), (b"no tar" * 99, False)]
)
def test_it_goes_by_the_bytes_of_layers_and_not_by_their_types(
    content: bytes, loads: bool, kind: str, tmp_path: Path
) -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [LAYER]))
    image = make_manifest(config, [make_blob(kind, content)]).named(NAME)
    assert prediction(archived(tmp_path, image)).loads is loads
    hybrid = write_hybrid(tmp_path / "both.tar", image, make_image("linux/386"), saved=[image])
    assert prediction(hybrid).loads is loads
