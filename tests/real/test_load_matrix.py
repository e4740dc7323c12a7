"""What `check --for` predicts is what happens, and what `convert --for` makes loads.

Over `samples/`, or the folder that `--corpus` names, in engines that are emptied between loads:
they skip layers that they hold, which would hide failures.
"""

import json
import platform
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real.artefacts import reading
from tests.real.command_line import Done, ocilayout
from tests.real.engines import Containerd, Docker, Podman
from tests.real.readers import Reading, normal_platform, normalize
from tests.real.tools import NATIVE_PLATFORMS, ToolFailed, runs_here

MACHINE = NATIVE_PLATFORMS[platform.machine()][0]
NAMELESS = "sha256:"


@dataclass(frozen=True)
class Happened:
    """What an engine did with a file."""

    loaded: bool
    names: frozenset[str] = frozenset()
    platforms: frozenset[str] = frozenset()
    said: str = ""


def in_docker(docker: Docker, file: Path) -> Happened:
    docker.empty()
    return _told(lambda: docker.load(file), docker.platform, normalize)


def in_podman(podman: Podman, file: Path) -> Happened:
    podman.empty()
    return _told(lambda: podman.load(file), None, _tagged)


def _tagged(name: str) -> str:
    """podman leaves out the tag of what it named itself."""
    has_tag = "@" in name or ":" in name.rpartition("/")[2]
    return name if has_tag else f"{name}:latest"


def _told(
    load: Callable[[], list[str]],
    platform_of: Callable[[str], str] | None,
    full: Callable[[str], str],
) -> Happened:
    """What a client says that names each image that it loaded."""
    try:
        loaded = load()
    except ToolFailed as failure:
        return Happened(False, said=failure.stderr)
    names = [name for name in loaded if not name.startswith(NAMELESS)]
    platforms = frozenset(map(normal_platform, map(platform_of, loaded))) if platform_of else ()
    return Happened(bool(loaded), frozenset(map(full, names)), frozenset(platforms))


def in_containerd(containerd: Containerd, file: Path) -> Happened:
    containerd.empty()
    try:
        containerd.import_(file)
    except ToolFailed as failure:
        return Happened(False, said=failure.stderr)
    names = containerd.names()
    platforms = {each for name in names for each in containerd.platforms(name)}
    undated = frozenset(re.sub(r"import-\d{4}-\d\d-\d\d", "import-YYYY-MM-DD", n) for n in names)
    known = map(normal_platform, platforms - {"unknown/unknown"})
    return Happened(bool(names), undated, frozenset(known))


def is_loaded(image: dict[str, Any]) -> bool:
    """Whether the engine takes it: also what is for another machine, of which check ends with 3."""
    is_foreign: bool = image["reason"].startswith("nothing of it runs on ")
    return bool(image["usable"]) or (is_foreign and image["verdict"] in {"loads", "name lost"})


@dataclass(frozen=True)
class Predicted:
    done: Done

    @property
    def _engine(self) -> dict[str, Any]:
        [engine] = json.loads(self.done.stdout)["engines"]
        found: dict[str, Any] = engine
        return found

    @property
    def loading(self) -> list[dict[str, Any]]:
        return [image for image in self._engine["images"] if is_loaded(image)]

    @property
    def loads(self) -> bool:
        """Whether all of it does, on this machine or for another."""
        return all(map(is_loaded, self._engine["images"]))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for image in self.loading for name in image["names"])

    @property
    def platforms(self) -> frozenset[str]:
        return frozenset(
            normal_platform(each) for image in self.loading for each in image["platforms"]
        )

    @property
    def fix(self) -> dict[str, str] | None:
        found: dict[str, str] | None = self._engine["fix"]
        return found


def predicted(engine: str, file: Path) -> Predicted:
    done = ocilayout("check", file, "--for", engine, "--platform", MACHINE, "--json")
    assert done.returncode in (0, 3), done.stderr
    found = Predicted(done)
    assert (done.returncode == 0) == all(image["usable"] for image in found._engine["images"])
    assert all(image["usable"] or image["reason"] for image in found._engine["images"])
    assert done.returncode == 0 or found.fix is not None
    return found


def agrees(found: Predicted, happened: Happened) -> None:
    """No wrong prediction, in either direction."""
    assert bool(found.loading) == happened.loaded, (found.done.stdout, happened)
    assert found.names == happened.names, found.done.stdout
    if happened.platforms:
        assert found.platforms == happened.platforms


def test_docker_does_as_predicted(image_file: Path, docker: Docker) -> None:
    agrees(predicted("docker-20.10", image_file), in_docker(docker, image_file))


def test_containerd_does_as_predicted(image_file: Path, containerd: Containerd) -> None:
    agrees(predicted("containerd-1.6", image_file), in_containerd(containerd, image_file))


def test_podman_does_as_predicted(image_file: Path, podman: Podman) -> None:
    agrees(predicted("podman", image_file), in_podman(podman, image_file))


def test_what_is_no_image_is_refused_by_all(
    rootfs_file: Path, docker: Docker, containerd: Containerd, podman: Podman
) -> None:
    done = ocilayout("check", rootfs_file, "--for", "all")
    assert (done.returncode, "not an image" in done.stderr) == (1, True)
    assert not in_docker(docker, rootfs_file).loaded
    assert not in_containerd(containerd, rootfs_file).loaded
    assert not in_podman(podman, rootfs_file).loaded


def mended(engine: str, file: Path, target: Path) -> Path | None:
    """The file that `convert --for` makes; None where nothing of it has a form there."""
    done = ocilayout("convert", file, target, "--for", engine)
    if done.returncode == 0:
        left_out = [line for line in done.stderr.splitlines() if "left out: " in line]
        expected = full_names(reading(file))
        for name in expected - full_names(reading(target)):
            assert any(name in line for line in left_out), done.stderr
        assert predicted(engine, target).loads
        return target
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()
    assert why_there_is_no_form(engine, reading(file)) in done.stderr
    return None


def full_names(origin: Reading) -> set[str]:
    names = {name for entry in origin.entries for name in entry.names if entry.images}
    return {name for name in names if "/" in name} | {
        tag for item in origin.saved for tag in item.repo_tags
    }


def why_there_is_no_form(engine: str, origin: Reading) -> str:
    images = [entry for entry in origin.entries if entry.images]
    if not images and not origin.saved:
        return "artifact"
    assert engine == "containerd-1.6"
    assert not any(entry.names for entry in images)
    assert not any(item.repo_tags for item in origin.saved)
    return "no name"


def test_docker_loads_what_is_made_for_it(image_file: Path, docker: Docker, tmp_path: Path) -> None:
    file = mended("docker-20.10", image_file, tmp_path / "made.tar")
    if file is None:
        return
    happened = in_docker(docker, file)
    agrees(predicted("docker-20.10", file), happened)
    assert happened.names == full_names(reading(file))
    for name in happened.names:
        if name.startswith("docker.io/library/hello") and runs_here(docker.platform(name)):
            assert docker.run(name) == f"Hello from {docker.platform(name)}\n"


def test_containerd_loads_what_is_made_for_it(
    image_file: Path, containerd: Containerd, tmp_path: Path
) -> None:
    file = mended("containerd-1.6", image_file, tmp_path / "made.tar")
    if file is None:
        return
    happened = in_containerd(containerd, file)
    agrees(predicted("containerd-1.6", file), happened)
    assert full_names(reading(file)) <= happened.names


def test_podman_loads_what_is_made_for_it(image_file: Path, podman: Podman, tmp_path: Path) -> None:
    file = mended("podman", image_file, tmp_path / "made.tar")
    if file is None:
        return
    happened = in_podman(podman, file)
    agrees(predicted("podman", file), happened)
    assert full_names(reading(file)) <= happened.names


@pytest.mark.parametrize("engine", ["docker-23", "docker-29", "docker-29-containerd", "k3s"])
def test_what_is_made_for_others_is_what_they_are_said_to_take(
    engine: str, image_file: Path, tmp_path: Path
) -> None:
    target = tmp_path / "made.tar"
    done = ocilayout("convert", image_file, target, "--for", engine)
    if done.returncode == 0:
        assert predicted(engine, target).loads
