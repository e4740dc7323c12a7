"""Forms that are read here and by no engine, and those that engines read: each is tried."""

import json
from pathlib import Path

import pytest

from tests.commands.test_check_forms import (
    UNREAD,
    sparse_archive,
    without_an_end,
)
from tests.hostile.tars import END, header, member, sparse
from tests.real.command_line import ocilayout, succeed
from tests.real.engines import Docker, Podman
from tests.real.peers import skopeo
from tests.real.tools import ToolFailed
from tests.rootfs.layer_tars import write_layout
from tests.servers.debian_registry import DebianRegistry

SAMPLES = Path(__file__).parents[2] / "samples"
LAYERS = {
    "sparse 0.0": sparse("0.0", "holes", 90_000, [(10, b"first"), (80_000, b"last")]) + END,
    "sparse 0.1": sparse("0.1", "holes", 90_000, [(10, b"first"), (80_000, b"last")]) + END,
    "sparse 1.0": sparse("1.0", "holes", 90_000, [(10, b"first"), (80_000, b"last")]) + END,
    "no padding": member("a", b"1") + header("last", 7) + b"content",
    "no end": member("a", b"1") + member("last", b"content"),
}


@pytest.mark.parametrize("kind", UNREAD)
def test_docker_refuses_it_and_loads_what_check_prints(
    kind: str, docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = UNREAD[kind](tmp_path)
    with pytest.raises(ToolFailed):
        docker.load(place)
    done = ocilayout("check", place, "--for", "docker-20.10", "--json")
    command = json.loads(done.stdout)["engines"][0]["fix"]["command"]
    succeed(*command.replace("REPOSITORY:TAG", "app:1").split()[1:])
    assert docker.load(tmp_path / command.split()[3])


@pytest.mark.parametrize("kind", UNREAD)
def test_podman_refuses_it(kind: str, podman: Podman, tmp_path: Path) -> None:
    with pytest.raises(ToolFailed):
        podman.load(UNREAD[kind](tmp_path))


@pytest.mark.parametrize("write", [sparse_archive, without_an_end])
def test_docker_and_podman_read_it(
    write: object, docker: Docker, podman: Podman, tmp_path: Path
) -> None:
    assert callable(write)
    archive = write(tmp_path)
    assert docker.load(archive)
    assert podman.load(archive)


@pytest.mark.parametrize("layer", LAYERS)
def test_docker_unpacks_the_layers_that_we_export(
    layer: str, docker: Docker, tmp_path: Path
) -> None:
    layout = write_layout(tmp_path / "layout", {"linux/amd64": [LAYERS[layer]]}, codec="none")
    succeed("convert", layout, tmp_path / "app.tar", "--tag", "app:1")
    succeed("export", layout, tmp_path / "files")
    succeed("validate", layout)
    assert docker.load(tmp_path / "app.tar")


@pytest.mark.parametrize("scoped", [True, False])
def test_a_tree_that_skopeo_wrote_is_pushed_under_its_names(
    scoped: bool, plain_registry: DebianRegistry, tmp_path: Path
) -> None:
    host = plain_registry.host
    succeed("push", SAMPLES / "crane-386.tar", f"{host}/synced/app:1", "--plain-http")
    options = ["--scoped"] if scoped else []
    skopeo(
        *("sync", "--all", "--src-tls-verify=false", "--src", "docker", "--dest", "dir"),
        *options, f"{host}/synced/app", tmp_path / "tree",
    )  # fmt: skip
    project = f"{host}/mirror-{scoped}".lower()
    succeed("push", tmp_path / "tree", f"{project}/", "--plain-http")
    name = "synced/app:1" if scoped else "app:1"
    skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{project}/{name}")
