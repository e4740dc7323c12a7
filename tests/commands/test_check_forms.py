"""Forms that are read here: what check says of them, for every engine."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import engines_named
from ocilayout.stores import open_place
from tests.commands.conftest import CommandLine
from tests.hostile.tars import END, member, sparse
from tests.image_files import layout_files, write_docker_archive
from tests.images import encode, make_image, make_source, make_tar
from tests.snapshots import tar_files
from tests.stores.test_dir_tree import write_tree

IMAGE = make_image().named("docker.io/library/app:1")


def below_a_directory(where: Path) -> Path:
    files = layout_files(make_source(IMAGE))
    (where / "x.tar").write_bytes(make_tar({f"app/{name}": raw for name, raw in files.items()}))
    return where / "x.tar"


def unpacked_archive(where: Path) -> Path:
    with tarfile.open(write_docker_archive(where / "x.tar", "app:1")) as tar:
        tar.extractall(where / "x", filter="tar")
    return where / "x"


def dir_in_a_tar(where: Path) -> Path:
    tree = write_tree(where / "tree", {"app:1": IMAGE})
    with tarfile.open(where / "x.tar", "w") as tar:
        for path in sorted((tree / "app:1").iterdir()):
            tar.add(path, path.name)
    return where / "x.tar"


def tree(where: Path) -> Path:
    return write_tree(where / "tree", {"app:1": IMAGE, "r.example/db:1": IMAGE})


def backslashes(where: Path) -> Path:
    path = write_docker_archive(where / "x.tar", "app:1")
    files = tar_files(path)
    [entry] = json.loads(files["manifest.json"])
    entry["Layers"] = [layer.replace("/", "\\") for layer in entry["Layers"]]
    path.write_bytes(make_tar({**files, "manifest.json": encode([entry])}))
    return path


UNREAD = {
    "in the directory app/": below_a_directory,
    "a Docker archive was unpacked": unpacked_archive,
    "a dir: in a tar": dir_in_a_tar,
    "a directory for each image": tree,
    "with backslashes": backslashes,
}


@pytest.mark.parametrize("said", UNREAD)
def test_no_engine_reads_it_and_check_says_why(said: str, tmp_path: Path) -> None:
    with open_place(str(UNREAD[said](tmp_path))) as opened:
        cargo = cargo_of(opened)
        for engine in engines_named(["all"]):
            if engine.loader == "registry":
                continue
            prediction = predict(cargo, engine)
            assert {outcome.verdict for outcome in prediction.outcomes} == {"refused"}
            assert all(said in outcome.reason for outcome in prediction.outcomes)


@pytest.mark.parametrize("said", UNREAD)
def test_the_printed_fix_makes_what_the_engine_reads(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocilayout: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    place = UNREAD[said](tmp_path)
    done = ocilayout("check", place, "--for", "docker-20.10", "--json")
    assert done.code == 3
    command = done.json["engines"][0]["fix"]["command"].replace("REPOSITORY:TAG", "app:1").split()
    ocilayout.succeed(*command[1:])
    ocilayout.succeed("check", command[3], "--for", "docker-20.10")


def sparse_archive(where: Path) -> Path:
    path = write_docker_archive(where / "x.tar", "app:1")
    raw = b"".join(
        sparse("1.0", name, len(content), [(0, content)])
        for name, content in tar_files(path).items()
    )
    path.write_bytes(raw + END)
    return path


def without_an_end(where: Path) -> Path:
    path = write_docker_archive(where / "x.tar", "app:1")
    path.write_bytes(b"".join(member(*item) for item in tar_files(path).items()))
    return path


@pytest.mark.parametrize("write", [sparse_archive, without_an_end])
def test_what_engines_read_too_loads(
    write: Callable[[Path], Path], tmp_path: Path, ocilayout: CommandLine
) -> None:
    ocilayout.succeed("check", write(tmp_path), "--for", "docker-20.10")
