"""Into real engines and out of them again, through a pipe."""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.attestations import make_saved_signature
from tests.image_files import write_layout
from tests.images import make_image, make_source
from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.engines import Containerd, Docker, Podman
from tests.real.readers import Reading, read
from tests.real.tools import NATIVE_PLATFORMS, runs_here

SAMPLES = Path(__file__).parents[2] / "samples"
MULTI = SAMPLES / "buildx-multi-attested.tar"
MULTI_NAME = "registry.example/hello:1"
TWO = SAMPLES / "docker-20.10-two-images.tar"
TWO_NAMES = ("docker.io/library/greeter:latest", "registry.example/hello:amd64")
FOREIGN = SAMPLES / "buildx-zstd-ppc64le"
FOREIGN_NAME = "registry.example/hello:ppc64le"

pytestmark = pytest.mark.skipif(
    not runs_here("linux/amd64"), reason="the samples that are loaded are for linux/amd64"
)

MIB = 1024 * 1024


def into(engine: str, environment: Mapping[str, str], *arguments: str | Path) -> list[Any]:
    """What the engine has then."""
    told = succeed("load", *arguments, "--engine", engine, "--json", environment=environment)
    has: list[Any] = json.loads(told)["has"]
    return has


def saved_again(engine: str, environment: Mapping[str, str], target: Path, *names: str) -> Reading:
    succeed("save", *names, f"oci:{target}", "--engine", engine, environment=environment)
    return read(target)


def native(reading: Reading) -> tuple[str, tuple[str, ...]]:
    """Image id and diff ids of what this machine runs."""
    (found,) = {
        (image.config, image.diff_ids)
        for entry in reading.entries
        for image in entry.images
        if runs_here(image.platform)
    }
    return found


def test_docker_has_and_gives_what_was_loaded(docker: Docker, tmp_path: Path) -> None:
    has = into("docker", docker.environment, MULTI)
    expected = native(read(MULTI))
    assert [(each["name"], each["id"]) for each in has] == [(MULTI_NAME, expected[0])]
    assert docker.images() == {MULTI_NAME: expected[0]}
    assert docker.run(MULTI_NAME) == "Hello from linux/amd64\n"
    again = saved_again("docker", docker.environment, tmp_path / "again", MULTI_NAME)
    assert again.images == {expected}


def test_podman_has_and_gives_what_was_loaded(podman: Podman, tmp_path: Path) -> None:
    has = into("podman", podman.environment, MULTI)
    expected = native(read(MULTI))
    assert [(each["name"], each["id"]) for each in has] == [(MULTI_NAME, expected[0])]
    again = saved_again("podman", podman.environment, tmp_path / "again", MULTI_NAME)
    assert again.images == {expected}


def test_containerd_has_and_gives_what_was_loaded(containerd: Containerd, tmp_path: Path) -> None:
    has = into("containerd", containerd.environment, MULTI)
    (entry,) = read(MULTI).entries
    assert [(each["name"], each["id"]) for each in has] == [(MULTI_NAME, entry.digest)]
    assert containerd.images() == {MULTI_NAME: entry.digest}
    again = saved_again("containerd", containerd.environment, tmp_path / "again", MULTI_NAME)
    assert [each.digest for each in again.entries] == [entry.digest]
    assert again.images == read(MULTI).images


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_what_was_just_loaded_is_no_other_image(
    engine: str, request: pytest.FixtureRequest
) -> None:
    environment = request.getfixturevalue(engine).environment
    (has,) = into(engine, environment, MULTI)
    place = f"{'docker-daemon' if engine == 'docker' else engine}:{has['name']}"
    told = succeed("diff", MULTI, place, environment=environment)
    assert f"linux/amd64: the same image, by its config {has['id']}" in told
    report = json.loads(succeed("diff", MULTI, place, "--json", environment=environment))
    assert (report["result"], report["compared_by"]) == ("same", "config")


def test_what_containerd_was_just_given_is_identical(containerd: Containerd) -> None:
    into("containerd", containerd.environment, MULTI)
    place = f"containerd:{MULTI_NAME}"
    told = succeed("diff", MULTI, place, environment=containerd.environment)
    assert told.startswith("identical: ")


def several(engine: str, environment: Mapping[str, str], target: Path) -> None:
    into(engine, environment, TWO)
    again = saved_again(engine, environment, target, *TWO_NAMES)
    assert {name for entry in again.entries for name in entry.names} == set(TWO_NAMES)
    assert again.images == {(item.config, item.diff_ids) for item in read(TWO).saved}


def test_docker_gives_several_at_once(docker: Docker, tmp_path: Path) -> None:
    several("docker", docker.environment, tmp_path / "again")


def test_podman_gives_several_at_once(podman: Podman, tmp_path: Path) -> None:
    several("podman", podman.environment, tmp_path / "again")


def test_containerd_gives_several_at_once(containerd: Containerd, tmp_path: Path) -> None:
    several("containerd", containerd.environment, tmp_path / "again")


def foreign(engine: str, environment: Mapping[str, str]) -> None:
    """What the machine cannot run is refused, and loaded where it is asked for."""
    done = ocilayout("load", FOREIGN, "--engine", engine, environment=environment)
    assert_refused(done, "linux/ppc64le", "--platform")
    (has,) = into(engine, environment, FOREIGN, "--platform", "linux/ppc64le")
    assert has["name"] == FOREIGN_NAME
    assert has["platforms"] == ["linux/ppc64le"]


def test_docker_gets_what_it_cannot_run_if_asked_for(docker: Docker) -> None:
    foreign("docker", docker.environment)


def test_podman_gets_what_it_cannot_run_if_asked_for(podman: Podman) -> None:
    foreign("podman", podman.environment)


def test_containerd_gets_what_it_cannot_run_if_asked_for(containerd: Containerd) -> None:
    foreign("containerd", containerd.environment)


def test_what_an_engine_has_is_a_place(docker: Docker, tmp_path: Path) -> None:
    environment = docker.environment
    succeed(
        "convert",
        SAMPLES / "docker-20.10-amd64.tar",
        "docker-daemon:example.org/new:1",
        environment=environment,
    )
    assert list(docker.images()) == ["example.org/new:1"]
    target = tmp_path / "out.tar"
    succeed("convert", "docker-daemon:example.org/new:1", target, environment=environment)
    assert {item.config for item in read(target).saved} == set(docker.images().values())


def test_a_pipe_goes_into_an_engine(docker: Docker) -> None:
    with (SAMPLES / "docker-20.10-amd64.tar").open("rb") as content:
        done = subprocess.run(
            [sys.executable, "-m", "ocilayout", "load", "-", "--engine", "docker"],
            stdin=content,
            capture_output=True,
            text=True,
            env={**os.environ, **docker.environment},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert list(docker.images()) == ["hello:amd64"]


def test_a_damaged_layer_leaves_nothing_in_the_engine(docker: Docker, tmp_path: Path) -> None:
    archive = tmp_path / "damaged.tar"
    content = (SAMPLES / "docker-20.10-amd64.tar").read_bytes()
    archive.write_bytes(content.replace(b"Hello from", b"Hallo from", 1))
    done = ocilayout("load", archive, "--engine", "docker", environment=docker.environment)
    assert_refused(done)
    assert docker.images() == {}


def test_a_damaged_layer_leaves_nothing_of_podman_on_the_disk(
    podman: Podman, tmp_path: Path
) -> None:
    archive, scratch = tmp_path / "damaged.tar", tmp_path / "scratch"
    scratch.mkdir()
    content = (SAMPLES / "docker-20.10-amd64.tar").read_bytes()
    archive.write_bytes(content.replace(b"Hello from", b"Hallo from", 1))
    environment = {**podman.environment, "TMPDIR": str(scratch)}
    assert_refused(ocilayout("load", archive, "--engine", "podman", environment=environment))
    assert podman.images() == {}
    assert list(scratch.iterdir()) == []


def test_what_is_not_there_is_said_in_the_words_of_the_engine(docker: Docker) -> None:
    done = ocilayout(
        "save", "nosuch:1", "oci:out", "--engine", "docker", environment=docker.environment
    )
    assert_refused(done, "docker failed", "reference does not exist")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OCI layout of one image of 1 GiB, whose layer has holes on the disk."""
    layout = tmp_path_factory.mktemp("large") / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    plain = blobs / "layer"
    member = tarfile.TarInfo("zeros")
    member.size = 1024 * MIB
    with plain.open("wb") as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 + member.size + 1024)
    with plain.open("rb") as content:
        digest = _hashed(content)
    plain.rename(blobs / digest)
    layer = f"sha256:{digest}"
    config = {
        "os": "linux",
        "architecture": NATIVE_PLATFORMS["x86_64"][0].partition("/")[2],
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(blobs, config, "application/vnd.oci.image.config.v1+json"),
        "layers": [
            {
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": layer,
                "size": (blobs / digest).stat().st_size,
            }
        ],
    }
    entry = _blob(blobs, manifest, manifest["mediaType"])
    entry["annotations"] = {"io.containerd.image.name": "registry.example/large:1"}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    return layout


def _hashed(content: BinaryIO) -> str:
    found = hashlib.sha256()
    while chunk := content.read(MIB):
        found.update(chunk)
    return found.hexdigest()


def _blob(blobs: Path, value: object, media_type: object) -> dict[str, Any]:
    content = json.dumps(value).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def watched(
    engine: str, environment: Mapping[str, str], place: Path, scratch: Path
) -> tuple[int, set[str]]:
    """Peak memory in bytes of a load, and the files that it had open for writing.

    Neither it nor the client can write more than a MiB into any file.
    """
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "ocilayout", "load", place, "--engine", engine],
        env={**os.environ, **environment, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (MIB, MIB)),
    )
    peak, written = 0, set[str]()
    while process.poll() is None:
        peak = max(peak, _peak(process.pid))
        written |= _open_for_writing(process.pid) | {str(path) for path in scratch.iterdir()}
        time.sleep(0.02)
    assert process.stderr is not None
    assert process.returncode == 0, process.stderr.read()
    return peak, written


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in status.splitlines() if line.startswith("VmHWM")]
    return int(lines[0][1]) * 1024 if lines else 0


def _open_for_writing(pid: int) -> set[str]:
    found = set()
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            target = os.readlink(link)
            flags = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split("flags:")[1].split()
            if target.startswith("/") and int(flags[0], 8) & os.O_ACCMODE != os.O_RDONLY:
                found.add(target)
    except OSError:
        pass
    return {path for path in found if not path.startswith("/dev/")}


def test_a_gib_goes_into_docker_without_a_file_in_between(
    large: Path, docker: Docker, tmp_path: Path
) -> None:
    peak, written = watched("docker", docker.environment, large, tmp_path / "scratch")
    assert written == set()
    assert peak < 100 * MIB
    assert list(docker.images()) == ["registry.example/large:1"]


def test_a_gib_goes_into_containerd_without_a_file_in_between(
    large: Path, containerd: Containerd, tmp_path: Path
) -> None:
    peak, written = watched("containerd", containerd.environment, large, tmp_path / "scratch")
    assert written == set()
    assert peak < 100 * MIB
    assert containerd.names() == ["registry.example/large:1"]


def test_containerd_gives_the_one_platform_that_it_holds(
    containerd: Containerd, tmp_path: Path
) -> None:
    with tarfile.open(MULTI) as tar:
        tar.extractall(tmp_path / "layout", filter="data")
    (entry,) = read(MULTI).entries
    arm = next(image for image in entry.images if image.platform == "linux/arm64")
    (tmp_path / "layout" / "blobs" / arm.manifest.replace(":", "/")).unlink()
    archive = tmp_path / "sparse.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tmp_path / "layout", ".")
    containerd.import_(archive, all_platforms=False)
    target = tmp_path / "again"
    options = ["--engine", "containerd", "--missing", "prune"]
    succeed("save", MULTI_NAME, f"oci:{target}", *options, environment=containerd.environment)
    assert read(target).images == {native(read(MULTI))}


def test_a_dry_run_loads_nothing(docker: Docker) -> None:
    place = "docker-daemon:example.org/new:1"
    source = SAMPLES / "docker-20.10-amd64.tar"
    told = succeed("convert", source, place, "--dry-run", environment=docker.environment)
    assert told.startswith("would write")
    assert docker.images() == {}


def test_several_samples_are_merged_into_an_engine(containerd: Containerd) -> None:
    sources = [SAMPLES / name for name in ("docker-20.10-amd64.tar", "docker-25-riscv64.tar")]
    place = "containerd:example.org/merged:1"
    succeed("merge", *sources, "--output", place, environment=containerd.environment)
    assert containerd.platforms("example.org/merged:1") == ["linux/amd64", "linux/riscv64"]


def test_a_name_in_containerd_leads_to_the_image_and_not_to_its_signature(
    containerd: Containerd, tmp_path: Path
) -> None:
    """cosign save and hauler list both under one name."""
    image = make_image("linux/amd64")
    name = "registry.example/signed:1"
    signature = make_saved_signature(image, "dev.hauler/sigs").named(name)
    store = write_layout(tmp_path / "store", make_source(image.named(name), signature))
    succeed("convert", store, tmp_path / "out.tar")
    containerd.ctr("images", "import", "--no-unpack", tmp_path / "out.tar")
    assert containerd.images()[name] == str(image.descriptor.digest)
