"""`--foreign own` of verbs that write images."""

from pathlib import Path

import pytest

from ocilayout.spec import media_types
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import Made, make_blob, make_config, make_layer, make_manifest, make_source
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

NAME = "docker.io/lab/win:1"
URL = "https://layers.example/base.tar"
LAYER = make_layer("base")


def write_foreign(folder: Path, *, has_layer: bool = True) -> Path:
    layer = make_blob(media_types.OCI_NONDISTRIBUTABLE, LAYER)
    stated = Made(layer.descriptor.edited(urls=[URL]), layer.contents if has_layer else {})
    config = make_blob(media_types.OCI_CONFIG, make_config("windows/amd64", [LAYER]))
    return write_layout(folder, make_source(make_manifest(config, [stated]).named(NAME)))


@pytest.mark.parametrize("verb", ["convert", "merge", "push"])
def test_own_layers_are_written_and_warned_of(
    verb: str, ocilayout: CommandLine, tmp_path: Path
) -> None:
    image = write_foreign(tmp_path / "layout")
    with running(OciRegistry()) as registry:
        place = f"docker://{registry.host}/win:1"
        words: dict[str, list[str | Path]] = {
            "convert": ["convert", image, place],
            "merge": ["merge", image, "-o", place],
            "push": ["push", image, place],
        }
        kept = ocilayout.succeed(*words[verb])
        assert "are ordinary ones" not in kept.err
        assert (
            URL in ocilayout.succeed("inspect", "--raw", place, "--platform", "windows/amd64").out
        )
        own = ocilayout.succeed(*words[verb], "--foreign", "own")
        assert "layers that may not be distributed are ordinary ones now (1)" in own.err
        raw = ocilayout.succeed("inspect", "--raw", place, "--platform", "windows/amd64").out
        assert URL not in raw
        assert media_types.OCI_NONDISTRIBUTABLE not in raw
        ocilayout.succeed("pull", "-q", place, tmp_path / f"{verb}.tar")
    ocilayout.succeed("validate", tmp_path / f"{verb}.tar")


def test_what_is_not_here_cannot_be_written(ocilayout: CommandLine, tmp_path: Path) -> None:
    image = write_foreign(tmp_path / "layout", has_layer=False)
    ocilayout.succeed("convert", "-q", image, tmp_path / "kept")
    said = "is not here, and --foreign own needs its content"
    ocilayout.refuse(1, said, "convert", image, tmp_path / "own", "--foreign", "own")
    assert not (tmp_path / "own").exists()
