"""The judge judged: the reader of the round trips sees what is wrong."""

import gzip
import lzma
import shutil
from pathlib import Path

import pytest

from tests.real.readers import normal_platform, normalize, read

SAMPLES = Path(__file__).parents[2] / "samples"
LAYOUT = SAMPLES / "buildx-zstd-ppc64le"
BLOBS = sorted(path.relative_to(LAYOUT) for path in (LAYOUT / "blobs").rglob("*") if path.is_file())


@pytest.mark.parametrize("blob", BLOBS, ids=lambda blob: str(blob.name[:8]))
def test_a_changed_byte_of_any_blob_is_seen(blob: Path, tmp_path: Path) -> None:
    layout = shutil.copytree(LAYOUT, tmp_path / "layout")
    content = bytearray((layout / blob).read_bytes())
    content[-1] ^= 1
    (layout / blob).write_bytes(content)
    with pytest.raises(AssertionError, match=blob.name):
        read(layout)


@pytest.mark.parametrize("blob", BLOBS, ids=lambda blob: str(blob.name[:8]))
def test_an_absent_blob_is_seen(blob: Path, tmp_path: Path) -> None:
    layout = shutil.copytree(LAYOUT, tmp_path / "layout")
    (layout / blob).unlink()
    assert read(layout).missing
    assert read(layout).images == set()


def test_a_changed_layer_of_an_old_docker_archive_is_seen(tmp_path: Path) -> None:
    archive = tmp_path / "changed.tar"
    content = (SAMPLES / "docker-20.10-amd64.tar").read_bytes()
    archive.write_bytes(content.replace(b"Hello from", b"Hallo from", 1))
    with pytest.raises(AssertionError, match="not what the config says"):
        read(archive)


def test_compression_outside_changes_nothing(tmp_path: Path) -> None:
    plain = SAMPLES / "docker-25-riscv64.tar"
    (tmp_path / "a").write_bytes(gzip.compress(plain.read_bytes()))
    (tmp_path / "b").write_bytes(lzma.compress(plain.read_bytes()))
    for name in ("a", "b"):
        assert read(tmp_path / name).entries == read(plain).entries


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("demo", "docker.io/library/demo:latest"),
        ("demo:v1", "docker.io/library/demo:v1"),
        ("team/demo:v1", "docker.io/team/demo:v1"),
        ("docker.io/demo:v1", "docker.io/library/demo:v1"),
        ("localhost/demo", "localhost/demo:latest"),
        ("127.0.0.1:5000/demo", "127.0.0.1:5000/demo:latest"),
        ("registry.example/a/demo:v1@sha256:00", "registry.example/a/demo:v1"),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, full: str) -> None:
    assert normalize(name) == full


@pytest.mark.parametrize(
    ("platform", "normal"),
    [
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/v6", "linux/arm/v6"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/amd64", "linux/amd64"),
    ],
)
def test_platforms_are_compared_by_what_they_mean(platform: str, normal: str) -> None:
    assert normal_platform(platform) == normal
