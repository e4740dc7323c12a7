"""What an engine takes of the images there are."""

from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.fitting import check_target, fitted
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.errors import CannotHold, UsageError
from ocilayout.spec.names import REF_NAME
from ocilayout.stores import open_place
from tests.engines.files import deep
from tests.image_files import write_oci_archive
from tests.images import make_image, make_index, make_source
from tests.real.command_line import succeed


@pytest.mark.parametrize("engine", ["k3s", "rke2", "kind", "docker-29-containerd"])
def test_a_tag_alone_has_no_form_where_nothing_asks_for_it(engine: str, tmp_path: Path) -> None:
    file = write_oci_archive(tmp_path / "image.tar", make_source(make_image().named("v1")))
    with (
        open_place(str(file)) as opened,
        pytest.raises(CannotHold, match=r"v1: .*no name with a repository.*--tag REPOSITORY:TAG"),
    ):
        fitted(opened.source, ENGINES[engine])


@pytest.mark.parametrize("engine", ["podman", "containerd-1.6", "containerd-2"])
def test_a_tag_alone_is_taken_where_it_is_filled_in(engine: str) -> None:
    source = make_source(make_image().named("v1"))
    assert fitted(source, ENGINES[engine]) is source


@pytest.mark.parametrize("engine", ["docker-29-containerd", "containerd-2", "k3s"])
@pytest.mark.parametrize("name", ["made:1", "docker.io/made:1", "index.docker.io/library/made:1"])
def test_what_is_made_has_full_names(name: str, engine: str, tmp_path: Path) -> None:
    entry = make_image().annotated({REF_NAME: name})
    file = write_oci_archive(tmp_path / "image.tar", make_source(entry))
    target = tmp_path / "made.tar"
    succeed("convert", file, target, "--for", engine)
    with open_place(str(target)) as opened:
        (outcome,) = predict(cargo_of(opened), ENGINES[engine]).outcomes
    assert (outcome.verdict, outcome.names) == ("loads", ("docker.io/library/made:1",))


def test_nothing_mends_too_many_layers() -> None:
    source = make_source(deep("linux/amd64", 126).named("lab/app:1"))
    with pytest.raises(CannotHold, match="linux/amd64: it has 126 layers, 125 are the most"):
        fitted(source, ENGINES["docker-25"])
    assert fitted(source, ENGINES["containerd-1.6"]) is source


def test_the_layers_of_a_platform_that_docker_does_not_get_are_not_counted() -> None:
    index = make_index(deep("linux/arm64", 126), make_image()).named("lab/app:1")
    source = make_source(index)
    assert fitted(source, ENGINES["docker-25"]) is source


def test_only_a_registry_is_written_to_as_one() -> None:
    check_target(None, "docker", ENGINES["registry"])
    with pytest.raises(UsageError, match="podman does not load docker"):
        check_target(None, "docker", ENGINES["podman"])
