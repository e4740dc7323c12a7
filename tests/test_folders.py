import errno
import fcntl
import io
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.errors import (
    BlobNotFound,
    CompressionError,
    IntegrityError,
    InvalidArchive,
)
from ocilayout.folders import FolderBlobs, FolderFiles
from ocilayout.scratch import scratch_file
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.folders import opened_folder
from tests.image_files import blob_file, flip_a_byte

CONTENT = b"The content of a blob."
BLOB = Descriptor.of("application/x-test", CONTENT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderFiles]:
    """A folder `layout`, with the folder `outside` beside it."""
    with opened_folder(tmp_path) as files:
        yield files


def path_of(files: FolderFiles, name: str) -> Path:
    path = Path(files.label) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def put(files: FolderFiles, content: bytes = CONTENT) -> Path:
    FolderBlobs(files).put(Digest.of(content), io.BytesIO(content))
    return Path(files.label) / Digest.of(content).blob_path


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


class Breaks(io.RawIOBase):
    """A stream that gives some bytes and then raises."""

    def __init__(self) -> None:
        self._pieces = iter([b"some bytes"])

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        piece = next(self._pieces, None)
        if piece is None:
            raise CompressionError("layer x: the gzip stream is cut off")
        buffer[: len(piece)] = piece
        return len(piece)


def test_files_of_a_folder_are_read_by_name(folder: FolderFiles) -> None:
    path_of(folder, "blobs/sha256/abc").write_bytes(CONTENT)
    path_of(folder, "index.json").write_bytes(b"{}")
    with folder.open("blobs/sha256/abc") as file:
        assert file.read() == CONTENT
    assert folder.size("blobs/sha256/abc") == len(CONTENT)
    assert folder.names() == ["blobs", "index.json"]
    assert "index.json" in folder
    assert "blobs/sha256/def" not in folder


@pytest.mark.parametrize("name", ["absent", "absent/file", "blobs/absent"])
def test_what_is_not_in_a_folder_is_not_found(name: str, folder: FolderFiles) -> None:
    path_of(folder, "blobs/file").write_bytes(b"")
    with pytest.raises(BlobNotFound, match=f"{folder.label} has no {name}"):
        folder.open(name)


def test_a_name_that_no_file_can_have_is_not_found(folder: FolderFiles) -> None:
    """The grammar of digests knows no length, a file system does."""
    path_of(folder, "blobs/other/file").write_bytes(b"")
    with pytest.raises(BlobNotFound):
        folder.open(Digest.parse("other:" + "a" * 300).blob_path)


@pytest.mark.parametrize("target", ["../outside/secret", "inside", "absent"])
def test_a_link_is_never_followed(target: str, folder: FolderFiles) -> None:
    path_of(folder, "../outside/secret").write_bytes(b"secret")
    path_of(folder, "inside").write_bytes(b"inside")
    path_of(folder, "link").symlink_to(target)
    for look in (folder.open, folder.size, folder.__contains__):
        with pytest.raises(InvalidArchive, match="link leads through a link"):
            look("link")


def test_a_link_in_place_of_a_folder_is_never_followed(folder: FolderFiles) -> None:
    path_of(folder, "../outside/sha256/abc").write_bytes(b"secret")
    path_of(folder, "blobs").symlink_to("../outside")
    with pytest.raises(InvalidArchive, match="blobs/sha256/abc leads through a link"):
        folder.open("blobs/sha256/abc")


def test_a_pipe_is_refused_at_once(folder: FolderFiles) -> None:
    os.mkfifo(path_of(folder, "blobs/sha256/abc"))
    with pytest.raises(InvalidArchive, match="is not a regular file"):
        folder.open("blobs/sha256/abc")


def test_a_folder_is_no_file(folder: FolderFiles) -> None:
    path_of(folder, "index.json").mkdir()
    with pytest.raises(InvalidArchive, match=r"index\.json is not a regular file"):
        folder.open("index.json")


def test_a_socket_is_no_file(folder: FolderFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    # The path of a socket may have 107 bytes, that of a test has more.
    monkeypatch.chdir(folder.label)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("index.json")
        with pytest.raises(InvalidArchive, match=r"index\.json is not a regular file"):
            folder.open("index.json")


def test_a_blob_is_put_under_its_name(folder: FolderFiles) -> None:
    path = put(folder)
    assert path.read_bytes() == CONTENT
    assert FolderBlobs(folder).has(BLOB)
    assert folder.names() == ["blobs"]


def test_a_blob_of_another_algorithm_has_a_folder_of_its_own(folder: FolderFiles) -> None:
    digest = Digest.parse(f"sha512:{'0' * 128}")
    FolderBlobs(folder).put(digest, io.BytesIO(b"x"))
    assert folder.size(f"blobs/sha512/{'0' * 128}") == 1


def test_a_new_blob_has_the_mode_that_the_mask_leaves(folder: FolderFiles) -> None:
    old = os.umask(0o027)
    try:
        assert stat.S_IMODE(put(folder).stat().st_mode) == 0o640
    finally:
        os.umask(old)


def test_a_blob_that_cannot_be_read_to_its_end_leaves_nothing(folder: FolderFiles) -> None:
    with pytest.raises(CompressionError):
        FolderBlobs(folder).put(BLOB.digest, Breaks())  # type: ignore[arg-type]
    assert everything(Path(folder.label)) == ["blobs", "blobs/sha256"]


@pytest.mark.parametrize("planted", [b"", bytes(len(CONTENT)), CONTENT[:-1], CONTENT + b"\n"])
def test_a_blob_is_asked_of_its_content_and_not_of_its_name(
    planted: bytes, folder: FolderFiles
) -> None:
    path_of(folder, BLOB.digest.blob_path).write_bytes(planted)
    assert not FolderBlobs(folder).has(BLOB)


def test_any_flipped_byte_of_a_blob_is_seen(folder: FolderFiles) -> None:
    path = put(folder)
    for position in range(len(CONTENT)):
        flip_a_byte(path, position)
        assert not FolderBlobs(folder).has(BLOB)
        flip_a_byte(path, position)
    assert FolderBlobs(folder).has(BLOB)


def test_a_wrong_blob_is_replaced(folder: FolderFiles) -> None:
    path_of(folder, BLOB.digest.blob_path).write_bytes(b"zeros")
    assert put(folder).read_bytes() == CONTENT


def test_a_link_in_place_of_a_blob_is_replaced_and_not_written_through(
    folder: FolderFiles,
) -> None:
    outside = path_of(folder, "../outside/file")
    outside.write_bytes(b"canary")
    path_of(folder, BLOB.digest.blob_path).symlink_to(outside)
    assert not put(folder).is_symlink()
    assert outside.read_bytes() == b"canary"


@pytest.mark.parametrize("name", ["blobs", "blobs/sha256"])
def test_nothing_is_written_through_a_link_in_place_of_a_folder(
    name: str, folder: FolderFiles
) -> None:
    outside = path_of(folder, "../outside/file").parent
    path_of(folder, name).symlink_to(outside)
    with pytest.raises(InvalidArchive, match="is a link or a file, not a folder"):
        put(folder)
    assert everything(outside) == []
    assert everything(Path(folder.label)) == (["blobs"] if name == "blobs" else ["blobs", name])


def test_a_blob_is_linked_where_it_can_be(folder: FolderFiles, tmp_path: Path) -> None:
    other = tmp_path / "outside" / "blob"
    other.write_bytes(CONTENT)
    path_of(folder, BLOB.digest.blob_path).write_bytes(b"wrong")
    with io.FileIO(other) as file:
        for _ in range(2):
            assert FolderBlobs(folder).link(BLOB, file)
    assert blob_file(Path(folder.label), BLOB).samefile(other)
    assert folder.names() == ["blobs"]


def test_a_blob_of_another_size_is_not_linked(folder: FolderFiles, tmp_path: Path) -> None:
    other = tmp_path / "outside" / "blob"
    other.write_bytes(CONTENT[:-1])
    with io.FileIO(other) as file, pytest.raises(IntegrityError, match="has 21 bytes"):
        FolderBlobs(folder).link(BLOB, file)
    assert folder.names() == []


def test_scratch_becomes_a_blob_and_is_synced_before(
    folder: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda number: calls.append("sync"))
    link = os.link

    def linked(source: str, name: str, *, dst_dir_fd: int) -> None:
        calls.append("link")
        link(source, name, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "link", linked)
    path_of(folder, BLOB.digest.blob_path)
    with scratch_file(tmp_path) as file:
        file.write(CONTENT)
        assert FolderBlobs(folder).link(BLOB, file)
    assert calls == ["sync", "link"]
    assert blob_file(Path(folder.label), BLOB).read_bytes() == CONTENT
    assert folder.names() == ["blobs"]


def test_a_file_system_without_locks_can_still_be_linked_on(
    folder: FolderFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(number: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    other = tmp_path / "outside" / "blob"
    other.write_bytes(CONTENT)
    with io.FileIO(other) as file:
        assert FolderBlobs(folder).link(BLOB, file)


def test_scratch_elsewhere_is_not_linked_nor_synced(
    folder: FolderFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Path("/dev/shm")
    if elsewhere.stat().st_dev == Path(folder.label).stat().st_dev:
        pytest.fail("the folder of temporary files is on /dev/shm, which tests nothing here")
    monkeypatch.setattr(os, "fsync", lambda number: pytest.fail("it was synced in vain"))
    with scratch_file(elsewhere) as file:
        file.write(CONTENT)
        assert not FolderBlobs(folder).link(BLOB, file)
    assert folder.names() == []


def test_a_part_of_a_file_is_not_linked(folder: FolderFiles) -> None:
    assert not FolderBlobs(folder).link(BLOB, io.BytesIO(CONTENT))


def test_a_file_at_the_top_is_whole_or_not_there(folder: FolderFiles) -> None:
    with pytest.raises(CompressionError):
        folder.write("version", Breaks())  # type: ignore[arg-type]
    assert folder.names() == []
    folder.write("version", io.BytesIO(b"1.1"))
    assert path_of(folder, "version").read_bytes() == b"1.1"
    assert folder.names() == ["version"]


def test_a_folder_is_opened_through_no_link(tmp_path: Path) -> None:
    with opened_folder(tmp_path) as files:
        (tmp_path / "layout" / "blobs" / "sha256").mkdir(parents=True)
        (tmp_path / "layout" / "blobs" / "linked").symlink_to(tmp_path / "outside")
        (tmp_path / "layout" / "blobs" / "file").write_text("")
        with files.folder("blobs/sha256") as folder:
            assert os.listdir(folder) == []
        for name in ("blobs/linked", "blobs/file"):
            with pytest.raises(InvalidArchive, match="is a link or a file"), files.folder(name):
                pass
        with pytest.raises(BlobNotFound), files.folder("blobs/absent"):
            pass


def test_a_walk_names_all_and_follows_no_link(folder: FolderFiles, tmp_path: Path) -> None:
    path_of(folder, "b/deep/file").write_bytes(b"1")
    path_of(folder, "a").write_bytes(b"2")
    (tmp_path / "outside").mkdir(exist_ok=True)
    path_of(folder, "link").symlink_to(tmp_path / "outside")
    os.mkfifo(path_of(folder, "pipe"))
    assert list(folder.walk()) == [
        ("a", "file"),
        ("b", "directory"),
        ("link", "symlink"),
        ("pipe", "other"),
        ("b/deep", "directory"),
        ("b/deep/file", "file"),
    ]


def test_a_folder_that_cannot_be_walked_is_named_in_full(folder: FolderFiles) -> None:
    inner = path_of(folder, "blobs/sha256")
    inner.mkdir()
    names = folder.walk()
    assert next(names) == ("blobs", "directory")
    inner.rmdir()
    inner.parent.rmdir()
    with pytest.raises(FileNotFoundError) as raised:
        next(names)
    assert raised.value.filename == f"{folder.label}/blobs"
