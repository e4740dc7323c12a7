"""How places are opened: what is recognized, what is written, what is spooled."""

import io
import os
import sys
import threading
import time
from pathlib import Path

import pytest
import zstandard

from ocilayout.compression import CODECS, deflated
from ocilayout.copy_engine import transfer
from ocilayout.errors import (
    AmbiguousName,
    CompressionError,
    ImageNotFound,
    InvalidArchive,
    InvalidDocument,
    OciLayoutError,
    PlaceNotFound,
    UsageError,
)
from ocilayout.stores import (
    destination_transport,
    open_destination,
    open_place,
    open_source,
)
from ocilayout.stores.places import FILE_TRANSPORTS, parse_destination
from tests.image_files import write_docker_archive, write_layout, write_oci_archive
from tests.images import make_image, make_index, make_layer, make_source, make_tar
from tests.snapshots import contents_of, names_in, snapshot

NAME = "registry.example/app:v1"


@pytest.mark.parametrize("transport", FILE_TRANSPORTS)
def test_what_is_written_is_recognized_by_what_is_in_it(tmp_path: Path, transport: str) -> None:
    made = make_image().named(NAME)
    path = tmp_path / "misleading.zip"
    place = f"{transport}:{path if transport in {'oci', 'dir'} else tmp_path / 'file.tar'}"
    with open_destination(place) as destination:
        transfer(make_source(made), destination)
    found = next(tmp_path.iterdir()).rename(tmp_path / "without-suffix")
    with open_place(str(found)) as opened:
        assert opened.dialect.split()[0] == transport
        assert contents_of(opened.source) == made.contents


def test_archives_of_other_tools_are_recognized(tmp_path: Path) -> None:
    image = make_image().named(NAME)
    places = [
        write_layout(tmp_path / "layout", make_source(image)),
        write_oci_archive(tmp_path / "oci", make_source(image)),
        write_docker_archive(tmp_path / "docker", NAME),
    ]
    dialects = []
    for path in places:
        with open_place(str(path)) as opened:
            dialects.append(opened.dialect)
            assert set(names_in(opened.source)) == {NAME}
    assert dialects == ["oci", "oci-archive", "docker-archive"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"etc/passwd": b""}, "neither index.json nor manifest.json"),
        ({"repositories": b"{}"}, "docker before 1.10"),
        ({"manifest.json": b'{"schemaVersion":2}'}, "not one that lists images"),
        ({"manifest.json": b'[{"Image":{}}]'}, "not one that lists images"),
    ],
)
def test_a_tar_that_is_no_image_is_told_from_one(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    (tmp_path / "a.tar").write_bytes(make_tar(files))
    with pytest.raises(InvalidArchive, match=said), open_source(str(tmp_path / "a.tar")):
        pass


@pytest.mark.parametrize("content", [b"", b"text", bytes(100), b"text" * 1000])
def test_a_file_that_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    with pytest.raises(InvalidArchive, match=str(path)), open_source(str(path)):
        pass


def test_an_empty_folder_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(InvalidArchive, match="is an empty directory"), open_source(str(tmp_path)):
        pass


def test_what_is_neither_file_nor_folder_is_refused() -> None:
    with (
        pytest.raises(InvalidArchive, match="neither a file nor a folder"),
        open_source("/dev/null"),
    ):
        pass


@pytest.mark.parametrize(
    ("transport", "is_folder"),
    [("oci", False), ("oci-archive", True)],
)
def test_a_transport_that_reads_the_other_kind_is_told(
    tmp_path: Path, transport: str, is_folder: bool
) -> None:
    source = make_source(make_image())
    path = tmp_path / "image"
    (write_layout if is_folder else write_oci_archive)(path, source)
    with pytest.raises(InvalidArchive, match="does not read"), open_source(f"{transport}:{path}"):
        pass


def test_a_transport_chooses_the_half_of_a_hybrid(tmp_path: Path) -> None:
    made = make_image().named(NAME)
    with open_destination(f"docker-archive:{tmp_path}/a.tar") as destination:
        transfer(make_source(made), destination)
    with open_place(f"oci-archive:{tmp_path}/a.tar") as opened:
        assert opened.dialect == "oci-archive"
        assert contents_of(opened.source) == made.contents


def test_a_transport_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    write_docker_archive(tmp_path / "b.tar", NAME)
    for place in ("docker-archive:a.tar", "oci-archive:b.tar"):
        transport, name = place.split(":")
        with (
            pytest.raises((InvalidArchive, InvalidDocument, OciLayoutError), match=name),
            open_source(f"{transport}:{tmp_path / name}"),
        ):
            pass


def test_a_name_picks_one_image(tmp_path: Path) -> None:
    first = make_image(layers=[make_layer("first")]).named(NAME)
    second = make_image(layers=[make_layer("second")]).named("registry.example/app:v2")
    path = write_layout(tmp_path / "layout", make_source(first, second))
    for text in ("v2", "registry.example/app:v2"):
        with open_source(f"{path}:{text}") as read:
            assert contents_of(read) == second.contents


def test_a_name_that_nobody_has_is_told_with_those_that_are_there(tmp_path: Path) -> None:
    path = write_layout(tmp_path / "layout", make_source(make_image().named(NAME)))
    with pytest.raises(ImageNotFound, match=f"'v9'; it has {NAME}"), open_source(f"{path}:v9"):
        pass


def test_a_tag_in_two_repositories_is_refused_with_the_full_names(tmp_path: Path) -> None:
    names = ("registry.example/one:v1", "registry.example/two:v1")
    images = [make_image(layers=[make_layer(name)]).named(name) for name in names]
    path = write_layout(tmp_path / "layout", make_source(*images))
    with pytest.raises(AmbiguousName, match=", ".join(names)), open_source(f"{path}:v1"):
        pass


def test_a_digest_picks_an_image_or_a_member_of_an_index(tmp_path: Path) -> None:
    member = make_image("linux/arm64")
    index = make_index(make_image("linux/amd64"), member)
    path = write_layout(tmp_path / "layout", make_source(index.named(NAME)))
    for made in (index, member):
        with open_source(f"{path}@{made.descriptor.digest}") as read:
            assert contents_of(read) == made.contents


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("app.tar", None, "docker-archive"),
        ("app.tgz", None, "docker-archive"),
        ("app.tar.zst:v1", None, "docker-archive"),
        ("app.tbz2", None, "docker-archive"),
        ("app", None, "oci"),
        ("app.v1", None, "oci"),
        ("-", None, "docker-archive"),
        ("-", "oci-archive", "oci-archive"),
        ("app.tar", "oci-archive", "oci-archive"),
        ("oci:app.tar", None, "oci"),
        ("oci:app", "oci", "oci"),
        ("app", "dir", "dir"),
    ],
)
def test_what_is_written_depends_on_transport_wish_and_suffix(
    text: str, wanted: str | None, expected: str
) -> None:
    assert destination_transport(parse_destination(text), wanted) == expected


def test_an_existing_folder_is_a_layout_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "app.tar").mkdir()
    assert destination_transport(parse_destination(str(tmp_path / "app.tar"))) == "oci"


def test_a_wish_that_contradicts_the_transport_is_refused() -> None:
    with pytest.raises(UsageError, match="says oci, --to says dir"):
        destination_transport(parse_destination("oci:app"), "dir")


@pytest.mark.parametrize("name", ["app.zip", "app.gz", "app.zst", "app.7z"])
def test_suffixes_of_other_archives_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no kind of tar"):
        destination_transport(parse_destination(name))


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(PlaceNotFound, match="absent"), open_source("absent"):
        pass


def write_to(descriptor: int, content: bytes) -> None:
    with open(descriptor, "wb") as file:
        file.write(content)


class TestSpooling:
    """What cannot be read in place goes to a file without a name."""

    @pytest.fixture
    def archive(self, tmp_path: Path) -> bytes:
        source = make_source(make_image().named(NAME))
        return write_oci_archive(tmp_path / "a.tar", source).read_bytes()

    @pytest.mark.parametrize("codec", CODECS)
    def test_standard_input_is_spooled_and_inflated(
        self, tmp_path: Path, archive: bytes, codec: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packed = io.BytesIO()
        with deflated(packed, CODECS[codec]) as out:
            out.write(archive)
        packed.seek(0)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(packed))
        before = snapshot(tmp_path)
        with open_source("-", scratch=tmp_path) as read:
            assert set(names_in(read)) == {NAME}
            contents_of(read)
            assert snapshot(tmp_path) == before

    @pytest.mark.parametrize("codec", [name for name in CODECS if name != "none"])
    def test_a_compressed_file_is_spooled(self, tmp_path: Path, archive: bytes, codec: str) -> None:
        path = tmp_path / "misleading.tar"
        with path.open("wb") as file, deflated(file, CODECS[codec]) as out:
            out.write(archive)
        with open_source(str(path), scratch=tmp_path) as read:
            assert set(names_in(read)) == {NAME}
            contents_of(read)

    def test_a_pipe_is_spooled(self, tmp_path: Path, archive: bytes) -> None:
        """A shell writes it as <(program)."""
        reading, writing = os.pipe()
        writer = threading.Thread(target=write_to, args=(writing, archive), daemon=True)
        writer.start()
        with open_source(f"/dev/fd/{reading}", scratch=tmp_path) as read:
            assert set(names_in(read)) == {NAME}
        os.close(reading)
        writer.join(5)

    def test_a_named_pipe_is_waited_for(self, tmp_path: Path, archive: bytes) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)

        def write_late() -> None:
            time.sleep(0.2)
            write_to(os.open(pipe, os.O_WRONLY), archive)

        threading.Thread(target=write_late, daemon=True).start()
        with open_source(str(pipe), scratch=tmp_path) as read:
            assert set(names_in(read)) == {NAME}

    def test_a_zstd_frame_that_states_a_large_size_is_read(
        self, tmp_path: Path, archive: bytes
    ) -> None:
        # Its header has nine bytes, as of what the zstd program makes of a file of some MiB.
        padded = archive + bytes(4 * 1024 * 1024)
        path = tmp_path / "app.tar.zst"
        path.write_bytes(zstandard.ZstdCompressor().compress(padded))
        with open_source(str(path), scratch=tmp_path) as read:
            assert set(names_in(read)) == {NAME}

    @pytest.mark.parametrize("codec", ["gzip", "zstd", "xz", "bzip2"])
    def test_a_compressed_file_that_is_cut_off_is_refused(
        self, tmp_path: Path, archive: bytes, codec: str
    ) -> None:
        path = tmp_path / "app.tar.gz"
        with path.open("wb") as file, deflated(file, CODECS[codec]) as out:
            out.write(archive)
        os.truncate(path, path.stat().st_size - 5)
        with (
            pytest.raises(CompressionError, match=f"{path}.*(cut off|ends)"),
            open_source(str(path), scratch=tmp_path),
        ):
            pass

    def test_scratch_that_cannot_be_written_is_said(
        self, tmp_path: Path, archive: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(archive)))
        with (
            pytest.raises(InvalidArchive, match="--scratch"),
            open_source("-", scratch=tmp_path / "absent"),
        ):
            pass

    def test_an_empty_standard_input_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(InvalidArchive, match="empty"), open_source("-", scratch=tmp_path):
            pass
