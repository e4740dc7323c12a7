import os
import tarfile
from pathlib import Path

import pytest

from ocilayout.compression import codec_of
from ocilayout.copy_engine import transfer
from ocilayout.errors import PlaceNotFound, UsageError
from ocilayout.spec.digest import Digest
from ocilayout.stores import open_destination, open_source
from ocilayout.suffixes import SUFFIXES
from tests.image_files import layout_files
from tests.images import MemorySource, make_image, make_layer, make_source
from tests.snapshots import contents_of, snapshot, tar_files

REFUSED = ("a.zip", "a.gz", "a.zst", "a.xz", "a.bz2", "a.lz4", "a.7z", "a.tar.lz4", "a.img.gz")


def write(path: Path, source: MemorySource) -> Path:
    with open_destination(f"oci-archive:{path}") as destination:
        transfer(source, destination)
    return path


@pytest.mark.parametrize(("suffix", "codec"), SUFFIXES.items())
def test_the_suffix_says_how_a_tar_is_compressed_outside(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    made = make_image(layers=[make_layer("app", size=3000)])
    path = write(tmp_path / f"app{suffix}", make_source(made))
    assert codec_of(path.read_bytes()[:8]).name == codec
    with open_source(str(path)) as read:
        assert contents_of(read) == made.contents


@pytest.mark.parametrize("name", REFUSED)
def test_suffixes_of_other_archives_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no kind of tar"):
        write(tmp_path / name, make_source(make_image()))
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2"])
def test_equal_input_is_equal_output(tmp_path: Path, suffix: str) -> None:
    source = make_source(make_image(layers=[make_layer("app", size=5000)]))
    first = write(tmp_path / f"first{suffix}", source)
    second = write(tmp_path / f"second{suffix}", source)
    assert first.read_bytes() == second.read_bytes()


def test_headers_have_no_time_owner_or_mask_in_them(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        path = write(tmp_path / "app.tar", make_source(make_image()))
    finally:
        os.umask(before)
    with tarfile.open(path) as tar:
        for member in tar:
            assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (
                0, 0, 0, "", "",
            )  # fmt: skip
            assert member.mode == (0o755 if member.isdir() else 0o644)


def test_the_file_has_the_mode_that_the_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = write(tmp_path / "app.tar", make_source(make_image()))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_what_another_tool_reads_is_the_layout(tmp_path: Path) -> None:
    source = make_source(make_image().named("registry.example/app:v1"))
    found = tar_files(write(tmp_path / "app.tar", source))
    assert {name for name in found if name.startswith("blobs/")} == {
        name for name in layout_files(source) if name.startswith("blobs/")
    }
    for name, content in found.items():
        if name.startswith("blobs/sha256/"):
            assert Digest.of(content).blob_path == name


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.zst", ".tar.xz", ".tar.bz2"])
def test_an_error_leaves_nothing_whatever_the_suffix(tmp_path: Path, suffix: str) -> None:
    def fail() -> None:
        with open_destination(f"oci-archive:{tmp_path}/app{suffix}") as destination:
            transfer(make_source(make_image()), destination)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert snapshot(tmp_path) == {}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlaceNotFound, match="create it first"):
        write(tmp_path / "absent" / "app.tar", make_source(make_image()))
    assert snapshot(tmp_path) == {}


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".ocilayout-0123456789abcdef.partial").write_text("half a tar")
    write(tmp_path / "app.tar", make_source(make_image()))
    assert list(snapshot(tmp_path)) == ["app.tar"]


@pytest.mark.parametrize("transport", ["oci-archive", "docker-archive"])
def test_standard_output_gets_the_same_bytes_as_a_file(
    tmp_path: Path, transport: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = make_source(make_image().named("registry.example/app:v1"))
    for place in (f"{transport}:{tmp_path}/app.tar", f"{transport}:-"):
        with open_destination(place) as destination:
            transfer(source, destination)
    assert capfdbinary.readouterr().out == (tmp_path / "app.tar").read_bytes()
