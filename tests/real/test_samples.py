"""The samples: written the same anywhere, and taken by the tools whose formats they have."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from scripts.samples.catalogue import SAMPLES, Sample
from scripts.samples.programs import MACHINES, hello_program
from tests.real.engines import Containerd, Docker, Podman
from tests.real.readers import read
from tests.real.tools import ToolFailed, run_program, run_tool, runs_here

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "samples"

IMAGES = [sample for sample in SAMPLES if sample.names]
TARS = [sample for sample in IMAGES if sample.path.endswith(".tar")]
DOCKER_ARCHIVES = [sample for sample in TARS if not sample.path.startswith("buildx-")]
DOCKER_ARCHIVES += [sample for sample in TARS if sample.path.startswith("buildx-docker-")]
OCI_TARS = [sample for sample in TARS if sample not in DOCKER_ARCHIVES]
SINGLE_OCI_TARS = [sample for sample in OCI_TARS if len(sample.platforms) == 1]


def each(samples: list[Sample]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", samples, ids=lambda sample: sample.path)


def make_samples(
    *arguments: str | Path, umask: int = 0o022, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "make_samples", *arguments],
        umask=umask,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def place(sample: Sample, name: str = "") -> str:
    """Where skopeo finds an image of the sample."""
    path = FOLDER / sample.path
    if path.is_dir():
        return f"oci:{path}"
    if sample in OCI_TARS:
        return f"oci-archive:{path}"
    return f"docker-archive:{path}" + (f":{name}" if len(sample.names) > 1 else "")


def platform_options(platform: str) -> list[str]:
    system, architecture, *variant = platform.split("/")
    options = ["--override-os", system, "--override-arch", architecture]
    return [*options, "--override-variant", variant[0]] if variant else options


def with_registry(name: str, registry: str) -> str:
    """The name as an engine lists it that puts short names under `registry`."""
    return name if "/" in name else f"{registry}/{name}"


@pytest.mark.parametrize(
    ("umask", "zone", "seed", "locale"),
    [(0o077, "Asia/Kathmandu", "1", "C"), (0o002, "America/Lima", "2", "tr_TR.UTF-8")],
)
def test_samples_are_written_the_same_anywhere(
    tmp_path: Path, umask: int, zone: str, seed: str, locale: str
) -> None:
    made = make_samples(tmp_path, umask=umask, TZ=zone, PYTHONHASHSEED=seed, LC_ALL=locale)
    assert made.returncode == 0, made.stderr
    assert contents(tmp_path) == contents(FOLDER)
    modes = {oct(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"0o100644", "0o40755"}


def test_check_names_what_differs(tmp_path: Path) -> None:
    make_samples(tmp_path)
    (tmp_path / "crane-386.tar").write_bytes(b"")
    (tmp_path / "README.md").unlink()
    (tmp_path / "new.tar").write_bytes(b"")
    checked = make_samples("--check", tmp_path)
    assert checked.returncode == 1
    assert checked.stderr.split("\n") == [
        "changed: crane-386.tar",
        "missing: README.md",
        "stray: new.tar",
        "",
    ]


def test_samples_are_small() -> None:
    assert sum(map(len, contents(FOLDER).values())) < 300 * 1024


def test_every_platform_has_an_image_of_its_own() -> None:
    alone = {sample.platforms for sample in IMAGES if len(sample.platforms) == 1}
    assert alone == {(platform,) for platform in MACHINES}


@pytest.mark.parametrize("platform", MACHINES)
def test_program_greets(tmp_path: Path, platform: str) -> None:
    program = tmp_path / "hello"
    program.write_bytes(hello_program(platform))
    program.chmod(0o755)
    assert run_program(program, platform) == f"Hello from {platform}\n"


@each(IMAGES)
def test_digests_and_platforms_are_right(sample: Sample) -> None:
    reading = read(FOLDER / sample.path)
    assert not reading.missing
    saved = {item.platform for item in reading.saved}
    listed = {image.platform for entry in reading.entries for image in entry.images}
    assert saved | listed == set(sample.platforms)


@pytest.mark.parametrize(
    ("sample", "name", "platform"),
    [
        pytest.param(sample, name, platform, id=f"{sample.path}-{name}-{platform}")
        for sample in IMAGES
        for name in sample.names
        for platform in sample.platforms
    ],
)
def test_skopeo_and_umoci_unpack_a_program_that_greets(
    tmp_path: Path, sample: Sample, name: str, platform: str
) -> None:
    layout, bundle = tmp_path / "layout", tmp_path / "bundle"
    copy = ["copy", "--quiet", "--insecure-policy", "--dest-compress-format", "gzip"]
    run_tool("skopeo", *platform_options(platform), *copy, place(sample, name), f"oci:{layout}:x")
    assert run_tool("umoci", "ls", "--layout", layout).split() == ["x"]
    run_tool("umoci", "unpack", "--rootless", "--image", f"{layout}:x", bundle)
    files = {path.name for path in (bundle / "rootfs" / "etc").iterdir()}
    assert files == {"os-release", "hello.conf" if "greeter" in name else "motd"}
    assert run_program(bundle / "rootfs" / "hello", platform) == f"Hello from {platform}\n"


def test_zstd_accepts_the_frames(tmp_path: Path) -> None:
    blobs = (FOLDER / "buildx-zstd-ppc64le" / "blobs" / "sha256").iterdir()
    frames = [blob for blob in blobs if blob.read_bytes().startswith(b"\x28\xb5\x2f\xfd")]
    assert len(frames) == 2
    for frame in frames:
        layer = tmp_path / f"{frame.name}.tar"
        run_tool("zstd", "-q", "-d", "-o", layer, frame)
        assert tarfile.is_tarfile(layer)


@each(DOCKER_ARCHIVES)
def test_docker_loads_and_runs(docker: Docker, sample: Sample) -> None:
    names = [name.removeprefix("docker.io/library/") for name in sample.names]
    assert docker.load(FOLDER / sample.path) == names
    assert set(docker.images()) == set(names)
    (platform,) = sample.platforms
    for name in names:
        assert docker.platform(name) == platform
        if runs_here(platform):
            assert docker.run(name) == f"Hello from {platform}\n"


def test_docker_writes_what_the_sample_imitates(docker: Docker, tmp_path: Path) -> None:
    sample = next(sample for sample in SAMPLES if sample.path == "docker-20.10-two-images.tar")
    original, again = FOLDER / sample.path, tmp_path / "again.tar"
    docker.load(original)
    docker.save(again, *sample.names)
    assert {(item.repo_tags, item.config) for item in read(again).saved} == {
        (item.repo_tags, item.config) for item in read(original).saved
    }


@each(OCI_TARS)
def test_docker_refuses_a_tar_without_manifest_json(docker: Docker, sample: Sample) -> None:
    with pytest.raises(ToolFailed, match=r"blobs/json|manifest\.json"):
        docker.load(FOLDER / sample.path)


def test_docker_imports_the_root_file_system(docker: Docker) -> None:
    docker.import_(FOLDER / "rootfs-amd64.tar", "imported:1", 'CMD ["/hello"]')
    for command in ((), ("/bin/hello",), ("/bin/hi",)):
        if runs_here("linux/amd64"):
            assert docker.run("imported:1", *command) == "Hello from linux/amd64\n"


@each(TARS)
def test_containerd_imports(containerd: Containerd, sample: Sample) -> None:
    containerd.import_(FOLDER / sample.path)
    names = sorted(with_registry(name, "docker.io/library") for name in sample.names)
    assert containerd.names() == names
    for name in names:
        platforms = set(containerd.platforms(name)) - {"unknown/unknown"}
        assert platforms == set(sample.platforms)


@each([*DOCKER_ARCHIVES, *SINGLE_OCI_TARS])
def test_podman_loads(podman: Podman, sample: Sample) -> None:
    podman.load(FOLDER / sample.path)
    names = {with_registry(name, "localhost") for name in sample.names}
    assert set(podman.images()) == names


def test_podman_pulls_the_platform_that_is_asked_for(podman: Podman) -> None:
    sample = next(sample for sample in OCI_TARS if len(sample.platforms) > 1)
    (entry,) = read(FOLDER / sample.path).entries
    pulled = {platform: podman.pull(place(sample), platform) for platform in sample.platforms}
    assert pulled == {image.platform: image.config for image in entry.images}
