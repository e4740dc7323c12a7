"""What was edited in place, read by skopeo, umoci and podman, and loaded by docker."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.real.artefacts import dialect, reading
from tests.real.command_line import ocilayout, succeed
from tests.real.engines import Docker, Podman
from tests.real.peers import check_with_skopeo, check_with_umoci, podman_expects, skopeo
from tests.real.readers import Reading, normalize, read
from tests.real.tools import ToolFailed

NAME = "registry.example/edited:9"
_REFERRERS_TAG = re.compile(r"\bsha256-([0-9a-f]{64})")
ANNOTATION = "manifest,manifest-descriptor:org.opencontainers.image.description=edited"


@pytest.fixture(scope="module")
def edits() -> dict[Path, Reading | None]:
    """What was edited already, by where it came from."""
    return {}


@pytest.fixture
def edited(
    image_file: Path,
    edits: dict[Path, Reading | None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Reading:
    """A copy whose first image has one more name, and another annotation if it can."""
    if image_file not in edits:
        edits[image_file] = edit(image_file, tmp_path_factory.mktemp("edited"))
    found = edits[image_file]
    if found is None:
        pytest.skip("it is not edited in place, or holds nothing to name")
    return found


def edit(image_file: Path, folder: Path) -> Reading | None:
    before = reading(image_file)
    if dialect(image_file) == "dir" or not (before.entries or before.saved):
        return None
    path = folder / image_file.name
    if image_file.is_dir():
        shutil.copytree(image_file, path)
    else:
        shutil.copy(image_file, path)
    [place] = json.loads(succeed("ls", "--json", path))["places"]
    first = place["images"][0]
    tagged = ocilayout("tag", f"{path}@{first['digest']}", NAME)
    if "compressed" in tagged.stderr:
        return None
    assert tagged.returncode == 0, tagged.stderr
    if before.entries and not first["absent"]:
        succeed("annotate", f"{path}:{NAME}", "--annotation", ANNOTATION)
    return read(path)


def names_in(image_file: Reading) -> set[str]:
    """The names of images; tags of referrers are named after what they refer to."""
    return {name for name in image_file.names if not _REFERRERS_TAG.search(name)}


def assert_tags_of_referrers_lead_to_images(before: Reading, edited: Reading) -> None:
    """A tag that named an image by its digest names it by the digest that it has now."""
    there = {entry.digest.removeprefix("sha256:") for entry in edited.entries}
    tags = [found for name in edited.names if (found := _REFERRERS_TAG.search(name))]
    assert len(tags) == len(before.names) - len(names_in(before))
    assert {tag[1] for tag in tags} <= there


def test_nothing_is_lost(image_file: Path, edited: Reading) -> None:
    before = reading(image_file)
    assert edited.images == before.images
    assert names_in(edited) == {*names_in(before), NAME}
    assert_tags_of_referrers_lead_to_images(before, edited)
    assert [item.config for item in edited.saved] == [item.config for item in before.saved]


def test_validate_finds_no_error(edited: Reading) -> None:
    succeed("validate", edited.path)


def test_skopeo_and_umoci_read_it(edited: Reading, tmp_path: Path) -> None:
    if not edited.entries:
        # skopeo 1.9 cannot copy the links that docker 20.10 wrote, edited or not.
        skopeo("inspect", f"docker-archive:{edited.path}:{NAME}")
        return
    check_with_skopeo(edited, tmp_path)
    check_with_umoci(edited, tmp_path)


def test_podman_loads_it(edited: Reading, podman: Podman) -> None:
    expected = podman_expects(edited)
    if not expected:
        with pytest.raises(ToolFailed, match="does not match any of the supported image formats"):
            podman.load(edited.path)
        return
    podman.load(edited.path)
    if not edited.path.is_dir():
        # podman names what it loads from a folder after the folder.
        assert podman.images()[NAME] in {config for config, names in expected if NAME in names}


def test_docker_loads_it(edited: Reading, docker: Docker) -> None:
    if not edited.saved:
        return
    if any("zstd" in item.codecs for item in edited.saved):
        with pytest.raises(ToolFailed, match="invalid tar header"):
            docker.load(edited.path)
        return
    docker.load(edited.path)
    loaded = {normalize(name): image_id for name, image_id in docker.images().items()}
    assert loaded == {name: item.config for item in edited.saved for name in item.repo_tags}


def test_a_corrected_config_is_what_docker_goes_by(docker: Docker, tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "samples" / "buildx-docker-s390x.tar"
    path = Path(shutil.copy(sample, tmp_path))
    succeed("annotate", path, "--arch", "arm", "--variant", "v6", "--config")
    [name] = docker.load(path)
    assert docker.platform(name) == "linux/arm/v6"
    assert docker.images()[name] == read(path).saved[0].config
