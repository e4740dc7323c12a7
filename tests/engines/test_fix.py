"""The command that a person is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.fix import Fix, fix_for
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_place
from tests.engines.archives import Members, layout_members, write_members
from tests.engines.files import AMD64, HYBRID, NAME, OLD, deep, relisted, write_hybrid
from tests.engines.inputs import (
    GZIP,
    LAYER,
    OTHER_CONFIG,
    cut,
    gnu_sparse,
    image,
    layout,
    saved_layer,
)
from tests.image_files import write_docker_archive, write_oci_archive
from tests.images import make_config, make_image, make_index, make_layer, make_source


def fix(place: Path | str, engine: str, machine: Platform | None = None) -> Fix | None:
    with open_place(str(place)) as opened:
        cargo = cargo_of(opened)
        return fix_for(cargo, opened.source, predict(cargo, ENGINES[engine], machine), machine)


def test_what_loads_needs_no_fix() -> None:
    assert fix(HYBRID, "podman") is None


def test_a_lost_name_is_mended_by_a_full_one() -> None:
    found = fix(OLD, "podman")
    assert found is not None
    assert found.command == (f"ocilayout convert {OLD} docker-20.10-amd64.podman.tar --for podman")


def test_a_missing_name_is_left_to_the_person(tmp_path: Path) -> None:
    archive = relisted(tmp_path, lambda entries: entries[0].pop("annotations"))
    found = fix(archive, "containerd-1.6")
    assert found is not None
    assert found.command == (
        f"ocilayout convert {archive} image.containerd-1.6.tar --for containerd-1.6 "
        "--tag REPOSITORY:TAG"
    )


@pytest.mark.parametrize("engine", ["k3s", "rke2", "kind"])
def test_a_tag_alone_is_left_to_the_person(engine: str, tmp_path: Path) -> None:
    file = write_oci_archive(tmp_path / "image.tar", make_source(make_image().named("v1")))
    found = fix(file, engine)
    assert found is not None
    assert found.command == (
        f"ocilayout convert {file} image.{engine}.tar --for {engine} --tag REPOSITORY:TAG"
    )


def test_the_fix_takes_what_runs_on_the_machine(tmp_path: Path) -> None:
    index = make_index(make_image("linux/386"), make_image("linux/arm64")).named(NAME)
    archive = write_oci_archive(tmp_path / "image.tar", make_source(index))
    found = fix(archive, "docker-20.10", AMD64)
    assert found is not None
    assert (found.command or "").endswith("--for docker-20.10 --platform linux/386")
    assert fix(archive, "docker-20.10", Platform("linux", "s390x")) == Fix(
        None, "no image in it is for linux/s390x"
    )


CONFIG = {"Cmd": ["/app"], "Env": ["A=it's"], "WorkingDir": "/srv"}


@pytest.mark.parametrize(
    ("engine", "fields"),
    [
        ("docker-20.10", {"created": ""}),
        ("docker-29", {"history": [{"created_by": "step"}] * 3}),
        ("podman", {"created": " "}),
        ("podman", {"author": "x" * (5 << 20)}),
        ("containerd-1.6", {"created": 1}),
        ("docker-29-containerd", {"author": 7}),
    ],
)
def test_a_config_that_is_not_taken_is_made_anew(
    engine: str, fields: dict[str, object], tmp_path: Path
) -> None:
    raw = make_config("linux/amd64", [LAYER], config=CONFIG, **fields)
    file = write_docker_archive(tmp_path / "image.tar", "lab/app:1", layers=[LAYER], config=raw)
    found = fix(file, engine)
    assert found is not None
    assert found.command == (
        f"ocilayout export {file} - --platform linux/amd64 | "
        f"ocilayout import - image.{engine}.tar --platform linux/amd64 "
        "--tag docker.io/lab/app:1 --change 'CMD [\"/app\"]' --change 'ENV A=\"it'\"'\"'s\"' "
        "--change 'WORKDIR '\"'\"'/srv'\"'\"''"
    )


def test_too_many_layers_are_flattened(tmp_path: Path) -> None:
    image = deep("linux/amd64", 126).named("lab/app:1")
    file = write_hybrid(tmp_path / "image.tar", image, saved=[image])
    found = fix(file, "docker-29")
    assert found is not None
    assert (found.command or "").startswith(f"ocilayout export {file} - --platform linux/amd64 | ")
    assert fix(file, "podman") is None


def test_what_of_a_config_is_lost_is_told(tmp_path: Path) -> None:
    raw = make_config("linux/amd64", [LAYER], config={"Shell": ["/bin/bash"]}, created="")
    file = write_docker_archive(tmp_path / "image.tar", "lab/app:1", layers=[LAYER], config=raw)
    found = fix(file, "docker-20.10")
    assert found is not None
    assert found.reason == "it does not keep Shell"


@pytest.mark.parametrize("engine", ["docker-20.10", "podman", "containerd-1.6"])
def test_nothing_fixes_layers_that_are_no_tars(engine: str, tmp_path: Path) -> None:
    file = write_docker_archive(tmp_path / "image.tar", "lab/app:1", layers=[b"noise" * 200])
    found = fix(file, engine)
    assert found is not None
    assert found.command is None
    assert "encrypted or damaged" in found.reason


@pytest.mark.parametrize(
    ("engine", "name", "tag"),
    [
        ("podman", "[::1]:5000/app:1", "REPOSITORY:TAG"),
        ("docker-20.10", "[::1]:5000/app:1", "REPOSITORY:TAG"),
        ("podman", "Lab/App:1", "docker.io/lab/app:1"),
        ("containerd-1.6", "docker.io/Lab/App:Beta", "docker.io/lab/app:beta"),
        ("docker-20.10", "a:b:c", "REPOSITORY:TAG"),
    ],
)
def test_a_name_that_is_not_taken_is_given_anew(
    engine: str, name: str, tag: str, tmp_path: Path
) -> None:
    file = write_docker_archive(tmp_path / "image.tar", name, layers=[LAYER])
    found = fix(file, engine)
    assert found is not None
    assert (found.command or "").endswith(f" --tag {tag}")


def test_of_two_images_of_one_name_the_first_is_picked(tmp_path: Path) -> None:
    images = [make_image(layers=[make_layer(text)]).named("lab/app:1") for text in ("a", "b")]
    file = write_oci_archive(tmp_path / "image.tar", make_source(*images))
    found = fix(file, "podman")
    assert found is not None
    assert f"{file}@{images[0].descriptor.digest}" in (found.command or "")


def test_an_empty_index_has_no_fix(tmp_path: Path) -> None:
    file = write_oci_archive(tmp_path / "image.tar", make_source())
    assert fix(file, "podman") == Fix(None, "there is no image in it")


def test_what_lacks_a_blob_has_to_be_got_again(tmp_path: Path) -> None:
    image = make_image().named("lab/app:1")
    source = make_source(image)
    del source.contents[image.descriptor.digest]
    found = fix(write_oci_archive(tmp_path / "image.tar", source), "podman")
    assert found is not None
    assert (found.command, "get it again" in found.reason) == (None, True)


@pytest.mark.parametrize("engine", ["docker-29", "docker-29-containerd", "containerd-2", "k3s"])
@pytest.mark.parametrize(
    ("make", "mention"),
    [
        (saved_layer(gnu_sparse(LAYER)), "sparse member"),
        (layout(image(raw=OTHER_CONFIG)), "inside"),
        (lambda: cut(layout_members(image(GZIP))), "cannot be unpacked"),
    ],
)
def test_no_form_helps_what_is_wrong_inside_a_layer(
    make: Callable[[], Members], mention: str, engine: str, tmp_path: Path
) -> None:
    found = fix(write_members(tmp_path / "image.tar", make()), engine)
    assert found is not None
    assert found.command is None
    assert mention in found.reason
