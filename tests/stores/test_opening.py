"""What a place says of itself that holds no image: as a file, in a pipe, compressed, cut off."""

import io
import os
import threading
from pathlib import Path

import pytest

from ocilayout.errors import InvalidArchive, NotAnImage, OciLayoutError
from ocilayout.stores.opening import open_place, open_source
from tests.image_files import layout_files, write_oci_archive
from tests.images import make_image, make_source, make_tar
from tests.other_files import BINARIES, COMPRESS, DAMAGED, MARKED, TEXTS

KINDS = {**BINARIES, **TEXTS, **MARKED, **DAMAGED}


def message_of(path: Path, transport: str = "") -> str:
    """What opening a file says, which must fail."""
    with pytest.raises(InvalidArchive) as caught, open_source(f"{transport}{path}"):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def from_pipe(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let standard input be a stream that hands out one byte, and then what it likes."""

    class Trickle(io.BytesIO):
        def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
            size = 1 if self.tell() < 3 else len(buffer)
            return super().readinto(memoryview(buffer)[:size])

    stream = io.TextIOWrapper(Trickle(content))
    monkeypatch.setattr("sys.stdin", stream)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_no_tar_says_what_it_is(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, said = KINDS[kind]
    path = tmp_path / "app.tar"
    path.write_bytes(content)
    assert said in message_of(path)
    assert said in message_of(path, "docker-archive:")
    from_pipe(content, monkeypatch)
    with pytest.raises(InvalidArchive) as caught, open_source("-"):
        pass
    assert said.partition(": copy")[0] in str(caught.value)
    assert str(caught.value).startswith("standard input is ")


@pytest.mark.parametrize("codec", COMPRESS)
@pytest.mark.parametrize("kind", ["zip", "ext4", "html", "index", "zeros", "elf", "powershell"])
def test_what_is_compressed_outside_and_no_tar_says_what_it_is(
    kind: str, codec: str, tmp_path: Path
) -> None:
    content, said = KINDS[kind]
    path = tmp_path / "app.img"
    path.write_bytes(COMPRESS[codec](content))
    text = message_of(path)
    assert said.partition(":")[0] in text
    assert f"compressed with {codec}" in text


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_stream_that_was_cut_off_is_told(codec: str, tmp_path: Path) -> None:
    tar = make_tar({"index.json": os.urandom(200_000)})
    whole = COMPRESS[codec](tar)
    path = tmp_path / "app.tar"
    for size in (len(whole) // 2, 40, 12):
        path.write_bytes(whole[:size])
        with (
            pytest.raises(OciLayoutError, match=f"app.tar: the {codec} stream"),
            open_source(str(path)),
        ):
            pass


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_stream_that_is_damaged_is_told_with_what_to_do(codec: str, tmp_path: Path) -> None:
    whole = COMPRESS[codec](make_tar({"index.json": os.urandom(200_000)}))
    path = tmp_path / "app.tar"
    for content in (whole[:200] + b"\xff\0\xff" + whole[203:], whole + b"more"):
        path.write_bytes(content)
        with (
            pytest.raises(OciLayoutError, match=r"app\.tar.*: copy it again"),
            open_source(str(path)),
        ):
            pass


@pytest.mark.parametrize("name", ["index.json", "manifest.json", "oci-layout"])
@pytest.mark.parametrize("in_tar", [False, True])
def test_a_byte_order_mark_in_a_document_is_named(name: str, in_tar: bool, tmp_path: Path) -> None:
    files = layout_files(make_source(make_image()))
    files["manifest.json"] = b"[]" if in_tar else files["index.json"]
    if name == "manifest.json" and not in_tar:
        files = {"manifest.json": files["index.json"], "version": b"1"}
    files[name] = b"\xef\xbb\xbf" + files[name]
    path = tmp_path / "app"
    if in_tar:
        path.write_bytes(make_tar(files))
    else:
        for each, content in files.items():
            (path / each).parent.mkdir(parents=True, exist_ok=True)
            (path / each).write_bytes(content)
    said = f"{name} begins with a byte order mark, as Notepad"
    with pytest.raises(OciLayoutError, match=said), open_source(str(path)):
        pass


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_pipe_that_begins_with_one_byte_is_read(
    codec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    from_pipe(COMPRESS[codec](archive.read_bytes()), monkeypatch)
    with open_place("-") as opened:
        assert opened.dialect == "oci-archive"
        assert opened.outer.codec == codec


def test_no_more_than_a_head_of_what_is_no_tar_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe that never ends is refused all the same."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        with open(pipe, "wb", buffering=0) as out:
            try:
                out.write(b"PK\x03\x04")
                while True:
                    out.write(bytes(65536))
            except BrokenPipeError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(NotAnImage, match="a zip archive"), open_source(str(pipe)):
        pass
    writer.join(10)
    assert not writer.is_alive()


@pytest.mark.parametrize("size", [1, 99, 156, 257, 300, 511])
def test_a_tar_that_was_cut_off_in_its_first_header_is_told(size: int, tmp_path: Path) -> None:
    archive = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    cut = tmp_path / "cut.tar"
    cut.write_bytes(archive.read_bytes()[:size])
    assert "copy it again" in message_of(cut) or size < 100


def test_a_tar_without_the_magic_of_posix_is_read(tmp_path: Path) -> None:
    """Version 7 of Unix had none."""
    archive = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    content = bytearray(archive.read_bytes())
    content[257:265] = bytes(8)
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    archive.write_bytes(content)
    with open_place(str(archive)) as opened:
        assert opened.dialect == "oci-archive"


def test_a_damaged_header_is_not_taken_for_something_else(tmp_path: Path) -> None:
    archive = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    content = bytearray(archive.read_bytes())
    content[0:4] = b"PK\x03\x04"
    archive.write_bytes(content)
    assert "no tar header stands here" in message_of(archive)
