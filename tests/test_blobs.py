import fcntl
import io
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.blobs import (
    PARTIAL_PREFIX,
    PARTIAL_SUFFIX,
    FolderBlobs,
    FolderFiles,
    MemoryBlobs,
    SpreadBlobs,
    partial_file,
    partial_folder,
    remove_leftovers,
    replace_file,
)
from ocilayout.errors import (
    BlobNotFound,
    CompressionError,
    DestinationExists,
    IntegrityError,
    InvalidArchive,
)
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.image_files import blob_file, flip_a_byte

CONTENT = b"The content of a blob."
BLOB = Descriptor.of("application/x-test", CONTENT)
OTHER = Descriptor.of("application/x-test", b"other")
LEFTOVER = f"{PARTIAL_PREFIX}0123456789abcdef{PARTIAL_SUFFIX}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderFiles]:
    """A folder `layout`, with the folder `outside` beside it."""
    (tmp_path / "layout").mkdir()
    (tmp_path / "outside").mkdir()
    before = open_files()
    with FolderFiles(tmp_path / "layout") as files:
        yield files
    assert open_files() == before


def open_files() -> list[str]:
    """Where the descriptors of this process lead: none may be left open."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
        except FileNotFoundError:
            continue
    return sorted(found)


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


def test_memory_gives_what_it_was_given() -> None:
    blobs = MemoryBlobs([CONTENT])
    blobs.add(b"other")
    assert blobs.open_blob(BLOB).read() == CONTENT
    assert OTHER.digest in blobs
    with pytest.raises(BlobNotFound, match=str(Digest.of(b"x"))):
        blobs.open_blob(Descriptor.of("application/x-test", b"x"))


def test_the_first_reader_that_has_a_blob_gives_it() -> None:
    spread = SpreadBlobs([MemoryBlobs(), MemoryBlobs([CONTENT]), MemoryBlobs([b"other"])])
    assert spread.open_blob(BLOB).read() == CONTENT
    assert spread.open_blob(OTHER).read() == b"other"


@pytest.mark.parametrize("readers", [[], [MemoryBlobs(), MemoryBlobs()]])
def test_what_no_reader_has_is_not_found(readers: list[MemoryBlobs]) -> None:
    with pytest.raises(BlobNotFound, match=str(BLOB.digest)):
        SpreadBlobs(readers).open_blob(BLOB)


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


def test_a_part_of_a_file_is_not_linked(folder: FolderFiles) -> None:
    assert not FolderBlobs(folder).link(BLOB, io.BytesIO(CONTENT))


def test_a_file_at_the_top_is_whole_or_not_there(folder: FolderFiles) -> None:
    with pytest.raises(CompressionError):
        folder.write("version", Breaks())  # type: ignore[arg-type]
    assert folder.names() == []
    folder.write("version", io.BytesIO(b"1.1"))
    assert path_of(folder, "version").read_bytes() == b"1.1"
    assert folder.names() == ["version"]


def test_a_file_appears_when_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    with partial_file(path, replace=False) as (file, publish):
        file.write(CONTENT)
        assert not path.exists()
        publish()
        assert path.read_bytes() == CONTENT
    assert everything(tmp_path) == ["out.tar"]


def test_a_file_that_nobody_publishes_never_appears(tmp_path: Path) -> None:
    with partial_file(tmp_path / "out.tar", replace=False) as (file, _):
        file.write(CONTENT)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("replace", [False, True])
def test_a_file_does_not_appear_after_an_error(tmp_path: Path, replace: bool) -> None:
    with pytest.raises(KeyboardInterrupt), partial_file(tmp_path / "o", replace=replace) as (f, _):
        interrupt(f.write(CONTENT))
    assert everything(tmp_path) == []


def interrupt(_: int) -> None:
    raise KeyboardInterrupt


def test_a_file_that_exists_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    path.write_bytes(b"old")
    with (
        pytest.raises(DestinationExists, match=r"out\.tar exists"),
        partial_file(path, replace=False),
    ):
        pass
    with partial_file(path, replace=True) as (file, publish):
        file.write(CONTENT)
        assert path.read_bytes() == b"old"
        publish()
    assert path.read_bytes() == CONTENT


def test_a_link_that_exists_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"canary")
    path = tmp_path / "out.tar"
    path.symlink_to("target")
    with partial_file(path, replace=True) as (file, publish):
        file.write(CONTENT)
        publish()
    assert not path.is_symlink()
    assert (tmp_path / "target").read_bytes() == b"canary"


@pytest.mark.parametrize("target", ["target", "absent"])
def test_a_link_is_a_file_that_exists(tmp_path: Path, target: str) -> None:
    (tmp_path / "target").write_bytes(b"")
    (tmp_path / "out.tar").symlink_to(target)
    with pytest.raises(DestinationExists), partial_file(tmp_path / "out.tar", replace=False):
        pass


def test_what_another_published_in_the_meantime_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.tar"
    with partial_file(path, replace=False) as (file, publish):
        file.write(CONTENT)
        path.write_bytes(b"of another")
        with pytest.raises(DestinationExists):
            publish()
    assert path.read_bytes() == b"of another"
    assert everything(tmp_path) == ["out.tar"]


@pytest.mark.parametrize("replace", [False, True])
def test_a_folder_is_never_replaced_by_a_file(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(DestinationExists), partial_file(tmp_path / "out", replace=replace):
        pass


def killed_while_writing(code: str, folder: Path) -> None:
    """Run Python code that writes in `folder`, says so, and is killed."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ocilayout.blobs import partial_file, partial_folder\n"
        f"with {code}:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", program, folder],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    "code",
    [
        "partial_file(Path(sys.argv[1], 'x'), replace=False)",
        "partial_folder(Path(sys.argv[1], 'x'))",
    ],
)
def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path, code: str) -> None:
    killed_while_writing(code, tmp_path)
    assert len(everything(tmp_path)) == 1
    with partial_file(tmp_path / "out.tar", replace=False) as (_, publish):
        publish()
    assert everything(tmp_path) == ["out.tar"]


@pytest.mark.parametrize("is_folder", [False, True])
def test_what_a_living_run_writes_is_left_alone(tmp_path: Path, is_folder: bool) -> None:
    living = tmp_path / LEFTOVER
    living.mkdir() if is_folder else living.write_bytes(b"")
    held = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with partial_file(tmp_path / "out.tar", replace=False):
            pass
        assert everything(tmp_path) == [LEFTOVER]
    finally:
        os.close(held)


def test_two_runs_beside_each_other_both_publish(tmp_path: Path) -> None:
    with (
        partial_file(tmp_path / "first", replace=False) as (first, publish_first),
        partial_folder(tmp_path / "folder") as (_, publish_folder),
        partial_file(tmp_path / "second", replace=False) as (second, publish_second),
    ):
        first.write(b"1")
        second.write(b"2")
        for publish in (publish_first, publish_folder, publish_second):
            publish()
    assert everything(tmp_path) == ["first", "folder", "second"]


def test_nothing_but_leftovers_is_removed(folder: FolderFiles) -> None:
    names = ["a.partial", ".ocilayout-a", ".ocilayout-", "index.json", ".partial"]
    for name in names:
        path_of(folder, name).write_bytes(b"")
    canary = path_of(folder, "../outside/canary")
    canary.write_bytes(b"")
    path_of(folder, f"{PARTIAL_PREFIX}link{PARTIAL_SUFFIX}").symlink_to(canary.parent)
    tree = path_of(folder, f"{LEFTOVER}/blobs/sha256/abc")
    tree.write_bytes(b"")
    path_of(folder, f"{LEFTOVER}/link").symlink_to(canary.parent)
    remove_leftovers(folder.descriptor)
    assert canary.exists()
    assert set(names) <= set(folder.names())
    assert LEFTOVER not in folder.names()


def test_a_pipe_with_the_name_of_a_leftover_keeps_nobody_waiting(folder: FolderFiles) -> None:
    program = (
        "import os, sys\n"
        "from ocilayout.blobs import remove_leftovers\n"
        "remove_leftovers(os.open(sys.argv[1], os.O_RDONLY))\n"
    )
    os.mkfifo(path_of(folder, LEFTOVER))
    root = Path(__file__).parents[1]
    command = [sys.executable, "-c", program, folder.label]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run(command, env=environment, timeout=5, check=False).returncode == 0


def test_a_folder_appears_when_it_is_published(tmp_path: Path) -> None:
    path = tmp_path / "new" / "parents" / "layout"
    with partial_folder(path) as (partial, publish):
        (partial / "file").write_bytes(b"")
        assert not path.exists()
        assert publish()
    assert everything(path.parent) == ["layout", "layout/file"]


def test_a_folder_that_nobody_publishes_leaves_no_parent(tmp_path: Path) -> None:
    with partial_folder(tmp_path / "new" / "parents" / "layout") as (partial, _):
        (partial / "file").write_bytes(b"")
    assert everything(tmp_path) == []


def test_a_folder_does_not_appear_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), partial_folder(tmp_path / "layout"):
        interrupt(0)
    assert everything(tmp_path) == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "layout").mkdir()
    with partial_folder(tmp_path / "layout") as (partial, publish):
        (partial / "file").write_bytes(b"")
        assert publish()
    assert everything(tmp_path) == ["layout", "layout/file"]


def test_a_folder_does_not_replace_what_appeared_in_the_meantime(tmp_path: Path) -> None:
    path = tmp_path / "layout"
    with partial_folder(path) as (partial, publish):
        path.mkdir()
        (path / "of another").write_bytes(b"")
        assert not publish()
        assert partial.exists()
    assert everything(tmp_path) == ["layout", "layout/of another"]


def test_a_small_file_is_replaced_and_keeps_its_mode(folder: FolderFiles) -> None:
    path = path_of(folder, "index.json")
    path.write_bytes(b"old")
    path.chmod(0o640)
    replace_file(folder.descriptor, "index.json", CONTENT)
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert folder.names() == ["index.json"]


def test_a_small_file_need_not_have_been_there(folder: FolderFiles) -> None:
    replace_file(folder.descriptor, "oci-layout", CONTENT)
    assert path_of(folder, "oci-layout").read_bytes() == CONTENT
