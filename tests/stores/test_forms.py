"""Images in forms that no tool writes on purpose: unpacked, packed again, moved elsewhere."""

import json
import os
import shutil
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.errors import CannotHold, InvalidArchive, OciLayoutError
from ocilayout.stores import open_destination, open_place, open_source, open_suspect
from ocilayout.stores.in_place import edited_in_place
from ocilayout.verify import find_problems
from tests.image_files import layout_files, write_docker_archive, write_layout, write_oci_archive
from tests.images import (
    Made,
    encode,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_source,
    make_tar,
)
from tests.snapshots import contents_of, names_in, tar_files

SAMPLES = Path(__file__).parents[2] / "samples"
TWO = make_index(make_image("linux/amd64"), make_image("linux/arm64")).named("r.example/app:1")


def read(place: Path | str) -> tuple[str, dict[str, object], object]:
    """The dialect of a place, its names, and all its blobs."""
    with open_place(str(place)) as opened:
        return opened.dialect, dict(names_in(opened.source)), contents_of(opened.source)


def unpack(tar: Path, folder: Path) -> Path:
    with tarfile.open(tar) as archive:
        archive.extractall(folder, filter="tar")
    return folder


def write_dir(folder: Path, made: Made = TWO) -> Path:
    with open_destination(f"dir:{folder}") as destination:
        transfer(make_source(made), destination)
    return folder


def copy_sample(name: str, path: Path) -> Path:
    return Path(shutil.copy(SAMPLES / name, path))


def pack(folder: Path, tar: Path, *names: str) -> Path:
    with tarfile.open(tar, "w") as archive:
        for name in names or sorted(os.listdir(folder)):
            archive.add(folder / name, name)
    return tar


# Directories into which an archive was unpacked


@pytest.mark.parametrize(
    "sample",
    ["docker-20.10-amd64.tar", "docker-20.10-two-images.tar", "podman-arm-v7.tar", "crane-386.tar"],
)
def test_a_directory_of_an_unpacked_archive_is_read_as_the_archive(
    sample: str, tmp_path: Path
) -> None:
    """crane's members have a colon in their names, docker's layers may be links."""
    folder = unpack(SAMPLES / sample, tmp_path / "unpacked")
    dialect, names, blobs = read(folder)
    assert dialect == "docker-archive, unpacked"
    assert (names, blobs) == read(SAMPLES / sample)[1:]
    assert read(f"docker-archive:{folder}") == (dialect, names, blobs)


def test_an_unpacked_hybrid_is_a_layout(tmp_path: Path) -> None:
    folder = unpack(SAMPLES / "docker-25-riscv64.tar", tmp_path / "unpacked")
    assert read(folder)[0] == "oci"
    assert read(f"docker-archive:{folder}")[0] == "docker-archive with OCI layout, unpacked"
    assert read(folder)[1:] == read(SAMPLES / "docker-25-riscv64.tar")[1:]


@pytest.mark.parametrize("target", ["../{}/layer.tar", "../second/../{}/layer.tar"])
def test_links_of_an_unpacked_archive_lead_to_layers_of_it(target: str, tmp_path: Path) -> None:
    tar, folder = archive_with_a_layer_twice(tmp_path)
    first = next(folder.glob("*/layer.tar"))
    (folder / "second/layer.tar").symlink_to(target.format(first.parent.name))
    assert read(folder)[1:] == read(tar)[1:]


def archive_with_a_layer_twice(where: Path) -> tuple[Path, Path]:
    """An archive whose image has one layer twice, and unpacked, where the second name is free."""
    layer = make_layer("base")
    config = make_config("linux/amd64", [layer, layer])
    tar = write_docker_archive(where / "app.tar", "app:1", layers=[layer], config=config)
    files = tar_files(tar)
    [entry] = json.loads(files["manifest.json"])
    entry["Layers"] *= 2
    tar.write_bytes(make_tar({**files, "manifest.json": encode([entry])}))
    folder = unpack(tar, where / "x")
    entry["Layers"][1] = "second/layer.tar"
    (folder / "manifest.json").write_bytes(encode([entry]))
    (folder / "second").mkdir()
    return tar, folder


@pytest.mark.parametrize("absolute", [True, False])
def test_a_link_of_an_unpacked_archive_does_not_leave_it(absolute: bool, tmp_path: Path) -> None:
    tar = write_docker_archive(tmp_path / "app.tar", "app:1")
    folder = unpack(tar, tmp_path / "unpacked")
    layer = next(folder.glob("*/layer.tar"))
    layer.rename(tmp_path / "outside.tar")
    layer.symlink_to(tmp_path / "outside.tar" if absolute else "../../outside.tar")
    with pytest.raises(InvalidArchive, match="--follow-links"):
        read(folder)
    with open_source(str(folder), follow_links=True) as source:
        assert contents_of(source) == read(tar)[2]


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "web app", "icons": []}',
        b"not JSON",
        b'[{"Config": "gone.json", "RepoTags": null, "Layers": []}]',
        b'[{"Config": 1, "Layers": []}]',
        b'[{"Config": "../../etc/passwd", "Layers": []}]',
        b'[{"name": "app", "files": []}]',
        b'{"schemaVersion": 2, "layers": []}',
        b'{"schemaVersion": 2, "config": {}, "layers": []}',
    ],
)
def test_another_programs_manifest_json_makes_no_image(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "web.tar").write_bytes(
        make_tar({"manifest.json": content, "app/index.js": b"", "version": b"1.0\n"})
    )
    folder = unpack(tmp_path / "web.tar", tmp_path / "web")
    (folder / "version").unlink()
    for place in (tmp_path / "web.tar", folder):
        with pytest.raises(OciLayoutError), open_source(str(place)):
            pass


def test_an_unpacked_archive_is_verified(tmp_path: Path) -> None:
    folder = unpack(SAMPLES / "docker-20.10-amd64.tar", tmp_path / "unpacked")
    with open_suspect(str(folder)) as opened:
        assert [problem.code for problem in find_problems(opened.source)] == []
    (folder / "stray").write_bytes(b"")
    next(folder.glob("*/layer.tar")).unlink()
    with open_suspect(str(folder)) as opened:
        codes = {problem.code for problem in find_problems(opened.source)}
    assert "manifest-json-invalid" in codes


def test_an_unpacked_archive_is_not_edited(tmp_path: Path) -> None:
    folder = unpack(SAMPLES / "docker-20.10-amd64.tar", tmp_path / "unpacked")
    with (
        pytest.raises(CannotHold, match=r"\(docker-archive, unpacked\) is not edited"),
        edited_in_place(str(folder), lambda source, _: source),
    ):
        pass


# Tars with a directory on top

AROUND: Mapping[str, Callable[[str, bytes], dict[str, bytes]]] = {
    "x/": lambda name, raw: {f"x/{name}": raw},
    "./x/": lambda name, raw: {f"./x/{name}": raw},
    "home/me/x/": lambda name, raw: {f"home/me/x/{name}": raw},
    "macOS": lambda name, raw: {
        f"x/{name}": raw,
        f"x/{os.path.dirname(name)}/._{os.path.basename(name)}": b"\0\5\x16\7",
        "._x": b"",
        "x/.DS_Store": b"",
    },
}
ARCHIVES: Mapping[str, Callable[[Path], Path]] = {
    "oci-archive": lambda path: write_oci_archive(path, make_source(TWO)),
    "docker-archive": lambda path: write_docker_archive(path, "r.example/app:1"),
    "docker-archive with OCI layout": lambda path: copy_sample("docker-25-riscv64.tar", path),
}


def put_below(tar: Path, way: str) -> Path:
    files: dict[str, bytes] = {}
    for name, raw in tar_files(tar).items():
        files |= AROUND[way](name, raw)
    there = tar.with_name("below.tar")
    there.write_bytes(make_tar(files))
    return there


@pytest.mark.parametrize("way", AROUND)
@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_directory_on_top_of_an_archive_is_passed_and_said(
    way: str, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    tar = ARCHIVES[kind](tmp_path / "app.tar")
    below = put_below(tar, way)
    top = "home/me/x" if way.startswith("home") else "x"
    dialect, names, blobs = read(below)
    assert dialect == f"{kind}, in the directory {top}/"
    assert (names, blobs) == read(tar)[1:]
    assert f"the image stands in the directory {top}/ of the tar" in caplog.text
    transport = kind.partition(" ")[0]
    assert read(f"{transport}:{below}") == (dialect, names, blobs)
    with open_place(str(below)) as opened:
        assert opened.top == top
    with open_suspect(str(below)) as opened:
        problems = list(find_problems(opened.source))
        assert not [problem for problem in problems if problem.level == "error"]


def test_links_below_a_directory_lead_to_members_below_it(tmp_path: Path) -> None:
    tar, folder = archive_with_a_layer_twice(tmp_path)
    first = next(folder.glob("*/layer.tar"))
    (folder / "second/layer.tar").symlink_to(f"../{first.parent.name}/layer.tar")
    pack(tmp_path, tmp_path / "below.tar", "x")
    assert read(tmp_path / "below.tar")[1:] == read(tar)[1:]


@pytest.mark.parametrize(
    "others",
    [{"README": b"beside it"}, {"y/index.json": b"{}"}, {"etc/passwd": b""}],
)
def test_a_layout_among_other_things_is_not_taken(others: dict[str, bytes], tmp_path: Path) -> None:
    files = {f"x/{name}": raw for name, raw in layout_files(make_source(TWO)).items()}
    (tmp_path / "mixed.tar").write_bytes(make_tar({**files, **others}))
    with pytest.raises(InvalidArchive), open_source(str(tmp_path / "mixed.tar")):
        pass


def test_a_manifest_json_of_another_program_makes_no_image_of_its_directory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    files = {"app/manifest.json": b'{"name": "app"}', "app/index.js": b"", "app/x/y": b""}
    (tmp_path / "app.tar").write_bytes(make_tar(files))
    with pytest.raises(InvalidArchive, match="no image"), open_source(str(tmp_path / "app.tar")):
        pass
    with (
        pytest.raises(InvalidArchive, match="no image"),
        edited_in_place(str(tmp_path / "app.tar"), lambda source, _: source),
    ):
        pass
    assert "stands in the directory" not in caplog.text


def test_a_tar_with_a_directory_on_top_is_not_edited(tmp_path: Path) -> None:
    below = put_below(write_oci_archive(tmp_path / "app.tar", make_source(TWO)), "x/")
    before = below.read_bytes()
    with (
        pytest.raises(CannotHold, match=r"in the directory x/ of a tar.*convert"),
        edited_in_place(str(below), lambda source, _: source),
    ):
        pass
    assert below.read_bytes() == before


# skopeo's dir:


@pytest.mark.parametrize("made", [TWO, make_image(), make_image(layers=[])], ids=["2", "1", "0"])
@pytest.mark.parametrize("has_version", [True, False])
@pytest.mark.parametrize("way", ["folder", "tar", "below a directory"])
def test_a_dir_is_read_in_a_tar_and_without_its_version(
    made: Made, has_version: bool, way: str, tmp_path: Path
) -> None:
    folder = write_dir(tmp_path / "dir", made)
    expected = read(folder)[2]
    if not has_version:
        (folder / "version").unlink()
    place = {
        "folder": lambda: folder,
        "tar": lambda: pack(folder, tmp_path / "dir.tar"),
        "below a directory": lambda: pack(tmp_path, tmp_path / "dir.tar", "dir"),
    }[way]()
    dialect, names, blobs = read(place)
    form = "dir" if way == "folder" else "dir in a tar"
    form += "" if has_version else ", without its version file"
    assert dialect == form + (", in the directory dir/" if "below" in way else "")
    assert (names, blobs) == ({}, expected)
    assert read(f"dir:{place}") == (dialect, names, blobs)
    with open_suspect(str(place)) as opened:
        codes = {problem.code for problem in find_problems(opened.source)}
    assert codes <= {"layers-empty"}


def test_a_dir_in_a_tar_is_not_edited(tmp_path: Path) -> None:
    tar = pack(write_dir(tmp_path / "dir"), tmp_path / "dir.tar")
    with (
        pytest.raises(CannotHold, match=r"is dir in a tar, which is not edited"),
        edited_in_place(str(tar), lambda source, _: source),
    ):
        pass


# Backslashes


def backslashed(tar: Path, *, listed: bool, members: bool) -> None:
    """Write backslashes into an archive as docker for Windows did."""
    files = tar_files(tar)
    [entry] = json.loads(files["manifest.json"])
    if listed:
        entry["Layers"] = [layer.replace("/", "\\") for layer in entry["Layers"]]
    files["manifest.json"] = encode([entry])
    if members:
        files = {name.replace("/", "\\"): raw for name, raw in files.items()}
    tar.write_bytes(make_tar(files))


@pytest.mark.parametrize(
    ("listed", "members"), [(True, False), (True, True), (False, True), (False, False)]
)
@pytest.mark.parametrize("unpacked", [False, True])
def test_backslashes_and_slashes_are_one(
    listed: bool, members: bool, unpacked: bool, tmp_path: Path
) -> None:
    tar = write_docker_archive(tmp_path / "app.tar", "app:1")
    expected = read(tar)[1:]
    backslashed(tar, listed=listed, members=members)
    place = unpack(tar, tmp_path / "unpacked") if unpacked else tar
    assert read(place)[1:] == expected
    with open_suspect(str(place)) as opened:
        assert [problem.code for problem in find_problems(opened.source)] == []


@pytest.mark.parametrize("path", ["..\\..\\secret", "\\etc\\passwd", "a\\..\\..\\b", "a\\../..\\b"])
def test_backslashes_lead_nowhere_else(path: str, tmp_path: Path) -> None:
    tar = write_docker_archive(tmp_path / "app.tar", "app:1")
    files = tar_files(tar)
    [entry] = json.loads(files["manifest.json"])
    entry["Layers"][0] = path
    tar.write_bytes(make_tar({**files, "manifest.json": encode([entry])}))
    with pytest.raises(InvalidArchive, match="leads out of the archive"):
        read(tar)


@pytest.mark.parametrize("unpacked", [False, True])
def test_a_layer_that_is_a_link_to_nothing_is_called_that(unpacked: bool, tmp_path: Path) -> None:
    tar, folder = archive_with_a_layer_twice(tmp_path)
    (folder / "second/layer.tar").symlink_to("../gone/layer.tar")
    place = folder if unpacked else pack(folder, tar)
    with pytest.raises(InvalidArchive, match=r"second/layer\.tar'? is a link to"):
        read(place)


def test_a_converted_copy_of_each_form_is_an_archive_as_any(tmp_path: Path) -> None:
    folder = write_layout(tmp_path / "x", make_source(TWO))
    tar = pack(tmp_path, tmp_path / "below.tar", "x")
    shutil.rmtree(folder)
    with open_source(str(tar)) as source, open_destination(str(tmp_path / "out.tar")) as out:
        transfer(source, out)
    assert read(tmp_path / "out.tar")[0] == "docker-archive with OCI layout"
