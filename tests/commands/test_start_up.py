import shutil
from pathlib import Path

import pytest

from tests.program import SAMPLES, program

HEAVY = {
    "asyncio",
    "email",
    "http.client",
    "jsonschema",
    "logging",
    "ssl",
    "subprocess",
    "tempfile",
    "tqdm",
    "urllib3",
    "zstandard",
}
WRITERS = {
    "ocilayout.copy_engine",
    "ocilayout.folders",
    "ocilayout.outputs",
    "ocilayout.partial",
    "ocilayout.problems",
    "ocilayout.recoding",
    "ocilayout.registries.registry",
    "ocilayout.stores.destinations",
    "ocilayout.stores.docker_output",
    "ocilayout.stores.layout_dir",
    "ocilayout.stores.layout_tar",
    "ocilayout.stores.skopeo_dir",
    "ocilayout.tar_writer",
}
NOT_FOR_PLAIN_TARS = {
    "ipaddress",
    "ocilayout.compression",
    "ocilayout.file_kinds",
    "ocilayout.magic_numbers",
    "ocilayout.stores.docker_images",
    "ocilayout.stores.unrecognized",
    "ocilayout.text_kinds",
    "ocilayout.transforms.select",
    "pathlib",
    "urllib.parse",
}
TAR_READERS = {
    "ocilayout.compression",
    "ocilayout.spooling",
    "ocilayout.stores.opening",
    "ocilayout.tar_file",
    "ocilayout.tar_headers",
}


def imported_by(*arguments: str | Path) -> set[str]:
    """The modules that a run imports."""
    done = program(*arguments, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0
    lines = [line for line in done.stderr.decode().splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def test_the_version_is_said_without_the_library() -> None:
    ours = {name for name in imported_by("--version") if name.startswith("ocilayout")}
    assert {name.split(".")[1] for name in ours if "." in name} == {"commands", "errors"}


@pytest.mark.parametrize(
    "sample", ["buildx-arm64.tar", "docker-25-riscv64.tar", "docker-20.10-amd64.tar"]
)
def test_a_tar_is_inspected_without_what_writes(sample: str) -> None:
    found = imported_by("inspect", SAMPLES / sample)
    assert "ocilayout.tar_file" in found
    assert found & (HEAVY | WRITERS) == set()


@pytest.mark.parametrize("sample", ["buildx-arm64.tar", "docker-25-riscv64.tar"])
def test_a_plain_tar_is_inspected_with_no_more_than_it_needs(sample: str) -> None:
    found = imported_by("inspect", SAMPLES / sample) - imported_by("--version")
    assert "ocilayout.tar_file" in found
    assert found & NOT_FOR_PLAIN_TARS == set()


def test_an_image_in_a_folder_is_tagged_without_what_reads_tars(tmp_path: Path) -> None:
    layout = shutil.copytree(SAMPLES / "buildx-zstd-ppc64le", tmp_path / "layout")
    found = imported_by("tag", layout, "app:1")
    assert "ocilayout.stores.in_place" in found
    assert found & (HEAVY | TAR_READERS | {"ocilayout.copy_engine"}) == set()
