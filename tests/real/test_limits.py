"""What has no form somewhere: the program says so in one line, and leaves nothing behind."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.engines import Docker, Podman
from tests.real.peers import skopeo
from tests.real.readers import read
from tests.real.tools import ToolFailed

SAMPLES = Path(__file__).parents[2] / "samples"
THREE_PLATFORMS = SAMPLES / "buildx-multi-attested.tar"
TWO_IMAGES = SAMPLES / "docker-20.10-two-images.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"


def test_a_sparse_index_is_refused_by_the_platform_that_is_absent(
    sparse: Path, form: str, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    assert_refused(ocilayout("convert", sparse, f"{form}:{target}"), "linux/arm64", "--missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sparse"]


def test_pruning_leaves_what_is_there(sparse: Path, form: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    succeed("convert", "--missing", "prune", sparse, f"{form}:{target}")
    [entry] = read(target).entries
    assert {image.platform for image in entry.images} == {"linux/amd64", "linux/arm/v7"}
    assert not entry.missing
    assert entry.names == {"registry.example/hello:1"}


def test_keeping_keeps_the_index_as_it_is(sparse: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    succeed("convert", "--missing", "keep", sparse, f"oci:{target}")
    [before], [after] = read(sparse).entries, read(target).entries
    assert after.digest == before.digest
    assert after.missing == before.missing
    with pytest.raises(ToolFailed, match="no such file or directory"):
        skopeo("copy", "--all", f"oci:{target}:1", f"dir:{tmp_path / 'copy'}")


def test_a_sparse_docker_archive_loads_where_its_platform_is_there(
    sparse: Path, tmp_path: Path, podman: Podman
) -> None:
    target = tmp_path / "out.tar"
    succeed("convert", "--missing", "keep", sparse, target)
    podman.load(target)
    assert podman.images() == {"registry.example/hello:1": read(target).saved[0].config}


def test_a_platform_that_is_absent_cannot_be_chosen(sparse: Path, tmp_path: Path) -> None:
    for missing in ("refuse", "prune"):
        chosen = ["--platform", "linux/arm64", "--missing", missing]
        done = ocilayout("convert", *chosen, sparse, f"oci:{tmp_path / 'out'}")
        assert_refused(done, "linux/arm64")


def test_platforms_that_are_there_can_be_chosen_from_a_sparse_index(
    sparse: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    succeed("convert", "--platform", "linux/arm/v7", sparse, f"oci:{target}")
    [entry] = read(target).entries
    assert [image.platform for image in entry.images] == ["linux/arm/v7"]


def test_several_images_are_no_dir(tmp_path: Path) -> None:
    target = tmp_path / "out"
    assert_refused(ocilayout("convert", TWO_IMAGES, f"dir:{target}"), "holds one image")
    assert not target.exists()


def test_several_platforms_are_a_dir_as_skopeo_copies_all_of_them(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    succeed("convert", THREE_PLATFORMS, f"dir:{ours}")
    skopeo("copy", "--all", f"oci-archive:{THREE_PLATFORMS}", f"dir:{theirs}")
    assert {path.name: path.read_bytes() for path in ours.iterdir()} == {
        path.name: path.read_bytes() for path in theirs.iterdir()
    }


def test_one_of_several_platforms_is_a_dir_that_skopeo_reads(tmp_path: Path) -> None:
    target = tmp_path / "out"
    options = ["--platform", "linux/arm64", "--attestations", "drop"]
    succeed("convert", *options, THREE_PLATFORMS, f"dir:{target}")
    assert json.loads(skopeo("inspect", f"dir:{target}"))["Architecture"] == "arm64"


def test_a_name_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    done = ocilayout("convert", f"{THREE_PLATFORMS}:2", f"oci:{tmp_path / 'out'}")
    assert_refused(done, "registry.example/hello:1")


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    """A layout of one artifact, as oras pushes a file."""
    layout = tmp_path / "artifact"
    config = {**add(layout, b"{}"), "mediaType": "application/vnd.oci.empty.v1+json"}
    text = {**add(layout, b"hello\n"), "mediaType": "text/plain"}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.example",
        "config": config,
        "layers": [text],
    }
    listed = {
        **add(layout, json.dumps(manifest).encode()),
        "mediaType": manifest["mediaType"],
        "annotations": {"org.opencontainers.image.ref.name": "art"},
    }
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [listed]}))
    return layout


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def add(layout: Path, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blob(layout, digest).parent.mkdir(parents=True, exist_ok=True)
    blob(layout, digest).write_bytes(content)
    return {"digest": digest, "size": len(content)}


def test_artifacts_alone_are_no_docker_archive(artifact: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.tar"
    assert_refused(ocilayout("convert", artifact, f"docker-archive:{target}"), "art")
    assert not target.exists()


def test_an_artifact_passes_through_an_archive(
    artifact: Path, tmp_path: Path, podman: Podman
) -> None:
    archive, back = tmp_path / "out.tar", tmp_path / "back"
    succeed("convert", artifact, f"oci-archive:{archive}")
    succeed("convert", archive, f"oci:{back}")
    assert [entry.digest for entry in read(back).entries] == [
        entry.digest for entry in read(artifact).entries
    ]
    assert "artifactType" in json.loads(skopeo("inspect", "--raw", f"oci-archive:{archive}:art"))
    with pytest.raises(ToolFailed, match="does not match any of the supported image formats"):
        podman.load(archive)


def test_zstd_in_a_docker_archive_comes_with_a_warning(tmp_path: Path, docker: Docker) -> None:
    archive = tmp_path / "out.tar"
    done = ocilayout("convert", ZSTD, archive)
    assert done.returncode == 0
    assert "zstd" in done.stderr
    assert "--compression gzip" in done.stderr
    with pytest.raises(ToolFailed, match="invalid tar header"):
        docker.load(archive)


def test_zstd_becomes_loadable_where_the_warning_is_heeded(tmp_path: Path, docker: Docker) -> None:
    archive = tmp_path / "out.tar"
    done = ocilayout("convert", "--compression", "gzip", ZSTD, archive)
    assert (done.returncode, "zstd" in done.stderr) == (0, False)
    docker.load(archive)
    assert docker.platform("registry.example/hello:ppc64le") == "linux/ppc64le"
