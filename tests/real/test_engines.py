"""What we write, loaded by engines, and run by them."""

import json
from pathlib import Path

import pytest

from tests.real.command_line import succeed
from tests.real.conversions import Conversions, tags
from tests.real.engines import Containerd, Docker, Podman
from tests.real.peers import skopeo
from tests.real.readers import normal_platform, normalize, read
from tests.real.tools import ToolFailed, run_tool, runs_here

SAMPLES = Path(__file__).parents[2] / "samples"
NAME = "registry.example/hello:7"

SEVEN = {
    "docker-20.10-amd64.tar": "linux/amd64",
    "crane-386.tar": "linux/386",
    "buildx-arm64.tar": "linux/arm64",
    "podman-arm-v7.tar": "linux/arm/v7",
    "buildx-zstd-ppc64le": "linux/ppc64le",
    "docker-25-riscv64.tar": "linux/riscv64",
    "buildx-docker-s390x.tar": "linux/s390x",
}
"""Single platforms in four formats: old Docker archives, an OCI tar, a layout, and hybrids."""

PLATFORMS = sorted(SEVEN.values())


def test_docker_loads_it(image_file: Path, conversions: Conversions, docker: Docker) -> None:
    result = conversions.get(image_file, "docker-archive")
    if result is None:
        return
    saved = result.reading.saved
    if any("zstd" in item.codecs for item in saved):
        with pytest.raises(ToolFailed, match="invalid tar header"):
            docker.load(result.path)
        return
    docker.load(result.path)
    loaded = {normalize(name): image_id for name, image_id in docker.images().items()}
    assert loaded == tags(saved)
    ids = docker.run_client("images", "--quiet", "--no-trunc").split()
    assert set(ids) == {item.config for item in saved}


@pytest.mark.parametrize(
    "sample",
    [
        "buildx-multi-attested.tar",
        "crane-386.tar",
        "docker-20.10-amd64.tar",
        "docker-20.10-two-images.tar",
    ],
)
def test_docker_runs_it(sample: str, docker: Docker, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    succeed("convert", SAMPLES / sample, archive)
    docker.load(archive)
    for item in read(archive).saved:
        if runs_here(item.platform):
            for name in item.repo_tags:
                assert docker.run(name) == f"Hello from {item.platform}\n"


@pytest.mark.parametrize("sample", [sample for sample in SEVEN if sample != "buildx-zstd-ppc64le"])
def test_docker_loads_what_has_been_an_oci_archive(
    sample: str, docker: Docker, tmp_path: Path
) -> None:
    succeed("convert", SAMPLES / sample, f"oci-archive:{tmp_path / 'oci.tar'}")
    succeed("convert", tmp_path / "oci.tar", f"docker-archive:{tmp_path / 'docker.tar'}")
    [name] = docker.load(tmp_path / "docker.tar")
    assert docker.platform(name) == SEVEN[sample]
    if runs_here(SEVEN[sample]):
        assert docker.run(name) == f"Hello from {SEVEN[sample]}\n"


@pytest.fixture(scope="module", params=["oci", "oci-archive", "docker-archive"])
def merged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven images of one platform each, as one image of seven."""
    return merge(request.param, tmp_path_factory.mktemp("merged") / "image")


def merge(form: str, target: Path) -> Path:
    sources = [SAMPLES / sample for sample in SEVEN]
    succeed("merge", *sources, "--output", f"{form}:{target}", "--tag", NAME)
    return target


def skopeo_place(image: Path) -> str:
    return f"{'oci' if image.is_dir() else 'oci-archive'}:{image}:7"


def test_seven_samples_make_one_image(merged: Path) -> None:
    [entry] = read(merged).entries
    assert entry.names == {NAME}
    assert sorted(image.platform for image in entry.images) == PLATFORMS
    before = {image for sample in SEVEN for image in read(SAMPLES / sample).images}
    assert {(image.config, image.diff_ids) for image in entry.images} == before


def test_merging_again_makes_the_same_bytes(merged: Path, tmp_path: Path) -> None:
    if merged.is_dir():
        again = merge("oci", tmp_path / "again")
        assert contents(again) == contents(merged)
        return
    form = "docker-archive" if read(merged).saved else "oci-archive"
    assert merge(form, tmp_path / "again").read_bytes() == merged.read_bytes()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_skopeo_sees_seven_platforms(merged: Path) -> None:
    index = json.loads(skopeo("inspect", "--raw", skopeo_place(merged)))
    stated = [member["platform"] for member in index["manifests"]]
    platforms = [
        "/".join([each["os"], each["architecture"], each.get("variant", "")]).rstrip("/")
        for each in stated
    ]
    assert sorted(platforms) == PLATFORMS


def test_podman_pulls_each_platform(merged: Path, podman: Podman) -> None:
    [entry] = read(merged).entries
    pulled = {each: podman.pull(skopeo_place(merged), each) for each in PLATFORMS}
    assert pulled == {image.platform: image.config for image in entry.images}


def test_buildah_pulls_each_platform(merged: Path, tmp_path: Path) -> None:
    [entry] = read(merged).entries
    store: list[str | Path] = [
        "--root",
        tmp_path / "root",
        "--runroot",
        tmp_path / "run",
        "--storage-driver",
        "vfs",
    ]
    pulled = {
        each: run_tool(
            "buildah", *store, "pull", "--quiet", "--platform", each, skopeo_place(merged)
        )
        for each in PLATFORMS
    }
    assert {platform: image_id.strip() for platform, image_id in pulled.items()} == {
        image.platform: image.config.split(":")[1] for image in entry.images
    }


def test_containerd_imports_all_of_a_merged_image(merged: Path, containerd: Containerd) -> None:
    if merged.is_dir():
        return
    containerd.import_(merged)
    [entry] = read(merged).entries
    assert containerd.images() == {NAME: entry.digest}
    assert sorted(map(normal_platform, containerd.platforms(NAME))) == PLATFORMS
