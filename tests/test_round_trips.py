"""Any image through every format and back, and the same bytes wherever it is done."""

import os
import random
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocilayout.copy_engine import transfer
from ocilayout.graph import manifests_below, read_config, read_manifest
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import compress_all, compress_made
from ocilayout.spec.digest import Digest
from ocilayout.stores import open_destination, open_source
from tests.image_files import write_docker_archive, write_layout
from tests.images import MemorySource, make_config, make_image, make_source
from tests.program import SAMPLES, program
from tests.snapshots import contents_of, names_in, snapshot
from tests.strategies import layers as made_layers
from tests.strategies import sources

# Where fsync costs nothing.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
FORMATS = ("oci", "docker-archive", "oci-archive")
quickly = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])


def sent(here: str, there: str) -> None:
    with open_source(here) as source, open_destination(there) as destination:
        transfer(source, destination)


def diff_ids(source: ImageSource) -> dict[str, tuple[Digest, ...]]:
    """The diff ids behind each image id."""
    found = {}
    for descriptor in manifests_below(source, source.index.children):
        manifest = read_manifest(source, descriptor)
        config = read_config(source, manifest)
        assert config is not None
        assert manifest.config is not None
        assert len(config.diff_ids) == len(manifest.layers)
        found[str(manifest.config.digest)] = config.diff_ids
    return found


@quickly
@given(sources(), st.permutations(FORMATS))
def test_nothing_changes_on_the_way_through_all_formats(
    source: MemorySource, order: Sequence[str]
) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        place = f"oci:{write_layout(Path(folder, 'first'), source)}"
        for step, transport in enumerate([*order, "oci"]):
            following = f"{transport}:{folder}/step{step}"
            sent(place, following)
            place = following
        with open_source(place) as read:
            assert contents_of(read) == source.contents
            assert names_in(read) == names_in(source)
            assert {entry.digest for entry in read.index.children} == {
                entry.digest for entry in source.index.children
            }


@quickly
@given(sources(), st.sampled_from(["docker-archive", "oci-archive", "oci"]))
def test_a_second_way_gives_the_same_bytes(source: MemorySource, transport: str) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        layout = write_layout(Path(folder, "first"), source)
        for number in (1, 2):
            Path(folder, str(number)).mkdir()
            sent(f"oci:{layout}", f"{transport}:{folder}/{number}/out")
        assert snapshot(Path(folder, "1")) == snapshot(Path(folder, "2"))


@quickly
@given(sources(), st.sampled_from(["gzip", "zstd", "none"]), st.sampled_from(["gzip", "none"]))
def test_image_ids_and_diff_ids_outlive_every_compression(
    source: MemorySource, first: str, second: str
) -> None:
    with TemporaryDirectory(dir=MEMORY) as folder:
        place = f"oci:{write_layout(Path(folder, 'first'), source)}"
        for step, codec in enumerate((first, second)):
            following = f"oci-archive:{folder}/step{step}.tar"
            with open_source(place) as read, open_destination(following) as destination:
                transfer(read, destination, recode=compress_all(codec), scratch=Path(folder))
            place = following
        with open_source(place) as read:
            contents_of(read)
            assert diff_ids(read) == diff_ids(source)
            assert names_in(read).keys() == names_in(source).keys()


@quickly
@given(st.lists(made_layers, max_size=4, unique=True), st.sampled_from(["none", "gzip", "zstd"]))
def test_an_old_docker_archive_keeps_its_image_id(layers: list[bytes], plain: str) -> None:
    config = make_config("linux/amd64", layers)
    with TemporaryDirectory(dir=MEMORY) as folder:
        archive = write_docker_archive(Path(folder, "old.tar"), "app:v1", layers=layers)
        with (
            open_source(str(archive)) as source,
            open_destination(f"oci:{folder}/layout") as destination,
        ):
            recode = compress_made([source], plain=plain)
            transfer(source, destination, recode=recode, scratch=Path(folder))
        sent(f"oci:{folder}/layout", f"docker-archive:{folder}/new.tar")
        with open_source(f"{folder}/new.tar") as read:
            assert contents_of(read)[Digest.of(config)] == config
            expected = {str(Digest.of(config)): tuple(map(Digest.of, layers))}
            assert diff_ids(read) == expected
            assert list(names_in(read)) == ["docker.io/library/app:v1"]


SURROUNDINGS = [
    (
        {"TZ": "UTC", "LANG": "C", "LC_ALL": "C", "PYTHONHASHSEED": "1", "USER": "one"},
        0o022,
        "1",
    ),
    (
        {
            "TZ": "Asia/Kathmandu",
            "LANG": "tr_TR.UTF-8",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONHASHSEED": "2",
            "USER": "two",
            "HOME": "/absent",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
        0o077,
        "4",
    ),
]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Layers that span several blocks of every codec, and half of which can be compressed."""
    layers = [
        b"".join(random.Random(seed).randbytes(512) + bytes(512) for _ in range(size * 1024))
        for seed, size in ((1, 5), (2, 3))
    ]
    source = make_source(make_image(layers=layers, codec="none").named("app:v1"))
    return write_layout(tmp_path_factory.mktemp("large") / "layout", source)


def outputs(folder: Path, *arguments: str | Path) -> list[dict[str, tuple[bytes | None, bool]]]:
    """What two runs write, each in a folder and in surroundings of its own."""
    found = []
    for environment, umask, jobs in SURROUNDINGS:
        here = folder / f"run-{jobs}" / "deep" / "folder"
        here.mkdir(parents=True)
        done = program(*arguments, "--jobs", jobs, cwd=here, umask=umask, environment=environment)
        assert done.returncode == 0, done.stderr
        found.append(
            {
                name: (content, os.access(here / name, os.X_OK))
                for name, content in snapshot(here).items()
            }
        )
    return found


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", SAMPLES / "docker-20.10-two-images.tar", "out"],
        ["convert", SAMPLES / "buildx-multi-attested.tar", "out.tar.gz", "--media-types", "docker"],
        ["convert", SAMPLES / "docker-25-riscv64.tar", "out.tar", "--compression", "zstd"],
        ["convert", SAMPLES / "crane-386.tar", "dir:out"],
        [
            "merge",
            SAMPLES / "podman-arm-v7.tar",
            SAMPLES / "buildx-arm64.tar",
            SAMPLES / "docker-20.10-amd64.tar",
            "-o",
            "oci-archive:out.tar.zst",
            "-t",
            "app:v1",
        ],
    ],
    ids=lambda arguments: " ".join(str(part).rpartition("/")[2] for part in arguments),
)
def test_bytes_do_not_depend_on_where_and_by_whom(
    tmp_path: Path, arguments: list[str | Path]
) -> None:
    first, second = outputs(tmp_path, *arguments)
    assert first == second


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("level", [[], ["--level", "7"]])
def test_compressed_bytes_do_not_depend_on_jobs(
    tmp_path: Path, large: Path, codec: str, level: list[str]
) -> None:
    options = ("--compression", codec, *level)
    first, second = outputs(tmp_path, "convert", large, "out.tar", *options)
    assert first == second


@pytest.mark.parametrize("output", ["out.tar.gz", "out.tar.zst"])
def test_compressed_archives_do_not_depend_on_jobs(
    tmp_path: Path, large: Path, output: str
) -> None:
    first, second = outputs(tmp_path, "convert", large, output)
    assert first == second
