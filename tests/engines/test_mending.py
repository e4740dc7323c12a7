"""The command that a person is told."""

from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.mending import Mending, mending
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_place
from tests.engines.files import AMD64, HYBRID, NAME, OLD, relisted
from tests.image_files import write_oci_archive
from tests.images import make_image, make_index, make_source


def mended(place: Path | str, engine: str, machine: Platform | None = None) -> Mending | None:
    with open_place(str(place)) as opened:
        cargo = cargo_of(opened)
        return mending(cargo, opened.source, predict(cargo, ENGINES[engine], machine), machine)


def test_what_loads_needs_no_mending() -> None:
    assert mended(HYBRID, "podman") is None


def test_a_lost_name_is_mended_by_a_full_one() -> None:
    found = mended(OLD, "podman")
    assert found is not None
    assert found.command == (f"ocilayout convert {OLD} docker-20.10-amd64.podman.tar --for podman")


def test_a_missing_name_is_left_to_the_person(tmp_path: Path) -> None:
    archive = relisted(tmp_path, lambda entries: entries[0].pop("annotations"))
    found = mended(archive, "containerd-1.6")
    assert found is not None
    assert found.command == (
        f"ocilayout convert {archive} image.containerd-1.6.tar --for containerd-1.6 "
        "--tag REPOSITORY:TAG"
    )


@pytest.mark.parametrize("engine", ["k3s", "rke2", "kind"])
def test_a_tag_alone_is_left_to_the_person(engine: str, tmp_path: Path) -> None:
    file = write_oci_archive(tmp_path / "image.tar", make_source(make_image().named("v1")))
    found = mended(file, engine)
    assert found is not None
    assert found.command == (
        f"ocilayout convert {file} image.{engine}.tar --for {engine} --tag REPOSITORY:TAG"
    )


def test_the_fix_takes_what_runs_on_the_machine(tmp_path: Path) -> None:
    index = make_index(make_image("linux/386"), make_image("linux/arm64")).named(NAME)
    archive = write_oci_archive(tmp_path / "image.tar", make_source(index))
    found = mended(archive, "docker-20.10", AMD64)
    assert found is not None
    assert (found.command or "").endswith("--for docker-20.10 --platform linux/386")
    assert mended(archive, "docker-20.10", Platform("linux", "s390x")) == Mending(
        None, "no image in it is for linux/s390x"
    )
