import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout import tar_file
from ocilayout.errors import BlobNotFound, DanglingLink, InvalidArchive
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_file import TarFile
from ocilayout.tar_headers import MAX_EXTENSION
from ocilayout.tar_writer import TarWriter
from tests.byte_streams import dribble
from tests.hostile import tars
from tests.hostile.tars import END, base256, directory, header, link, long_name, member, padded, pax
from tests.images import make_tar

Opener = Callable[[bytes], TarFile]

PART = st.text("aZ_-.é日 ", min_size=1, max_size=90).filter(lambda part: part not in {".", ".."})
NAMES = st.lists(PART, min_size=1, max_size=5).map("/".join)
FILES = st.dictionaries(NAMES, st.binary(max_size=1500), max_size=5)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Opens bytes as an archive."""
    files: list[BinaryIO] = []

    def opener(raw: bytes) -> TarFile:
        path = tmp_path / "file.tar"
        path.write_bytes(raw)
        files.append(path.open("rb"))
        return TarFile(files[-1], "file.tar")

    yield opener
    for file in files:
        file.close()


def contents(archive: TarFile) -> dict[str, bytes]:
    return {name: archive.open(name).read() for name in archive.names()}


def read(raw: bytes) -> dict[str, bytes]:
    """What our reader finds, outside of fixtures."""
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        return contents(TarFile(file, "file.tar"))


def written(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    writer = TarWriter(out)
    for name, content in files.items():
        writer.add(name, len(content), dribble(content, [1, 2]))
    writer.finish()
    return out.getvalue()


@settings(deadline=None, max_examples=60)
@given(FILES)
def test_what_is_written_is_read_by_others_and_by_us(files: dict[str, bytes]) -> None:
    raw = written(files)
    assert read(raw) == files
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        found = {item.name: tar.extractfile(item) for item in tar}
        assert {name: file.read() for name, file in found.items() if file} == files


@settings(deadline=None, max_examples=60)
@given(FILES, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
def test_what_others_write_is_read(files: dict[str, bytes], dialect: int) -> None:
    assert read(make_tar(files, dialect)) == files


def test_a_ustar_name_has_a_prefix(opened: Opener) -> None:
    name = "folder/" * 30 + "file"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        tar.addfile(tarfile.TarInfo(name))
    assert list(opened(out.getvalue()).names()) == [name]


def test_nothing_but_names_and_contents_is_written() -> None:
    raw = written({"a": b"1"})
    [item] = tarfile.open(fileobj=io.BytesIO(raw)).getmembers()
    assert (item.mtime, item.uid, item.gid, item.uname, item.gname, item.mode) == (
        (0, 0, 0, "", "", 0o644)
    )
    assert written({"a": b"1"}) == raw


def test_folders_and_small_files_are_written(opened: Opener) -> None:
    out = io.BytesIO()
    writer = TarWriter(out)
    writer.add_directory("blobs")
    writer.add_bytes("blobs/file", b"content")
    writer.finish()
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as tar:
        assert [(item.name, item.isdir(), item.mode) for item in tar] == [
            ("blobs", True, 0o755),
            ("blobs/file", False, 0o644),
        ]
    assert list(opened(out.getvalue()).names()) == ["blobs", "blobs/file"]


@pytest.mark.parametrize("size", [3, 5, 600])
def test_a_file_that_is_not_of_the_announced_size_raises(size: int) -> None:
    with pytest.raises(InvalidArchive, match="'a' has 4 bytes"):
        TarWriter(io.BytesIO()).add("a", size, io.BytesIO(b"1234"))


@pytest.mark.parametrize("size", [2**33 - 1, 2**33, 2**40])
def test_a_file_above_8_gib_is_announced_in_a_form_that_all_read(size: int) -> None:
    out = io.BytesIO()
    with suppress(InvalidArchive):
        TarWriter(out).add("large", size, io.BytesIO())
    block = io.BytesIO(out.getvalue())
    with tarfile.open(fileobj=block, ignore_zeros=True) as tar:
        item = tar.next()
        assert item is not None
        assert (item.name, item.size) == ("large", size)


@pytest.mark.parametrize("size", [2**33 - 1, 2**33, 9 * 2**30])
@pytest.mark.parametrize("gnu", [False, True])
def test_a_file_above_8_gib_is_read(size: int, gnu: bool, tmp_path: Path) -> None:
    item = tarfile.TarInfo("large")
    item.size = size
    head = item.tobuf(tarfile.GNU_FORMAT if gnu else tarfile.PAX_FORMAT)
    path = tmp_path / "large.tar"
    with path.open("w+b") as file:
        file.write(head)
        file.seek(len(head) + size - 1)
        file.write(b"!")
        end = len(head) + -(-size // BLOCK) * BLOCK
        file.seek(end)
        file.write(member("small", b"content") + END)
        file.flush()
        archive = TarFile(file, "large.tar")
        assert archive.size("large") == size
        assert archive.open("small").read() == b"content"


@pytest.mark.parametrize("name", ["./a/b", "a//b", "./a/./b", "a/b"])
def test_a_name_is_read_in_its_plain_form(name: str, opened: Opener) -> None:
    assert contents(opened(tars.tar([(name, b"x")]))) == {"a/b": b"x"}


@pytest.mark.parametrize("name", ["./", "/"])
def test_the_folder_of_everything_is_no_member(name: str, opened: Opener) -> None:
    assert contents(opened(directory(name) + member("a", b"x") + END)) == {"a": b"x"}


def test_a_name_that_is_no_text_is_read(opened: Opener) -> None:
    archive = opened(member(b"\xff\xfe", b"x") + END)
    assert [os.fsencode(name) for name in archive.names()] == [b"\xff\xfe"]


def test_an_old_tar_marks_folders_by_a_slash(opened: Opener) -> None:
    archive = opened(header("folder/", magic=b"") + END)
    with pytest.raises(InvalidArchive, match="'folder' is not a regular file"):
        archive.open("folder")


@pytest.mark.parametrize("kind", [b"0", b"\0", b"7"])
def test_files_have_three_kinds(kind: bytes, opened: Opener) -> None:
    assert contents(opened(member("a", b"x", kind=kind) + END)) == {"a": b"x"}


def test_a_checksum_of_signed_bytes_is_read(opened: Opener) -> None:
    block = bytearray(header("é", magic=b""))
    block[148:156] = b" " * 8
    total = sum(byte - 256 * (byte > 127) for byte in block)
    assert list(opened(header("é", magic=b"", checksum=b"%06o\0 " % total) + END).names()) == ["é"]


def test_a_tar_that_is_cut_off_anywhere_raises(opened: Opener) -> None:
    raw = tars.tar([("a", b"content"), ("b", b""), ("c", b"x" * 600)])
    whole = {*range(512 + 7, 1025), 1536, *range(2048 + 600, 3073), 3072 + BLOCK}
    for length in {*range(0, len(raw), 64), 512 + 6, 512 + 7, 2048 + 599, 2048 + 600} - whole:
        with pytest.raises(InvalidArchive, match=r"file\.tar"):
            opened(raw[:length])


@pytest.mark.parametrize(("end", "unpadded"), [(b"", 0), (b"", 1), (b"", 505), (bytes(BLOCK), 0)])
def test_an_archive_may_lack_its_last_padding_and_its_end_which_is_said(
    end: bytes, unpadded: int, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    raw = member("a", b"1") + member("b", b"content") + end
    assert contents(opened(raw[: len(raw) - unpadded])) == {"a": b"1", "b": b"content"}
    [message] = caplog.messages
    assert "no blocks of zeros at its end" in message


def test_any_damaged_byte_of_a_header_raises(opened: Opener) -> None:
    """Changed bits that the sum does not see are looked for by digest, one floor above."""
    raw = bytearray(tars.tar([("a", b"x"), ("b", b"y")]))
    for position in (*range(156), 156, 257, 2 * BLOCK, 2 * BLOCK + 156):
        damaged = raw.copy()
        damaged[position] ^= 0x01
        with pytest.raises(InvalidArchive, match=r"file\.tar"):
            opened(bytes(damaged))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=20), st.integers(0, 2 * BLOCK + 20))
def test_nonsense_in_a_header_raises_one_kind_of_error(nonsense: bytes, position: int) -> None:
    raw = bytearray(pax({"path": "long"}) + member("a", b"x") + END)
    raw[position : position + len(nonsense)] = nonsense
    for start in (0, 2 * BLOCK):
        block = raw[start : start + BLOCK]
        block[148:156] = b" " * 8
        raw[start + 148 : start + 156] = b"%06o\0 " % sum(block)
    with suppress(InvalidArchive):
        read(bytes(raw))


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "cut off"),
        (member("a", b"xy")[: BLOCK + 1], "cut off inside 'a'"),
        (member("a", b"x") + header("b")[:511], "cut off"),
        (member("a", b"x") + bytes(BLOCK) + bytes(100), "cut off"),
        (header("a", 5000) + bytes(BLOCK), "cut off inside 'a'"),
        (b"<html>".ljust(3 * BLOCK), "no tar header stands here"),
        (member("a") + bytes(BLOCK) + member("b") + END, "byte 512: a lone block of zeros"),
        (member("a") + b"x" * BLOCK + END, "byte 512: no tar header"),
        (member("a") + header("b", checksum=b"000001\0 ") + END, "byte 512: no tar header"),
        (member("a", b"1") + member("a", b"2") + END, "has 'a' twice"),
        (member("a", b"1") + member("./a", b"1") + END, "has 'a' twice"),
        (member("a") + link("a", "b") + END, "has 'a' twice"),
        (member("a") + directory("a") + END, "has 'a' twice"),
        (header("a", size_field=base256(-1)) + END, "negative"),
        (header("a", size_field=base256(-(2**63))) + END, "negative"),
        (header("a", size_field=base256(2**63)) + END, "impossible"),
        (header("a", size_field=b"\xc0" + bytes(11)) + END, "negative"),
        (header("a", size_field=b"-0000000001\0") + END, "not an octal number"),
        (header("a", size_field=b"00000000008\0") + END, "not an octal number"),
        (header("a", size_field=b"0000 000001\0") + END, "not an octal number"),
        (header("a", size_field=b"0x000000001\0") + END, "not an octal number"),
        (header("/etc/passwd") + END, "leads out"),
        (header("../a") + END, "leads out"),
        (header("a/../b") + END, "leads out"),
        (header("a/..") + END, "leads out"),
        (header("") + END, "empty name"),
        (pax({"path": "a\0b"}) + header("x") + END, "a NUL in it"),
        (pax({"path": ""}) + header("x") + END, "empty name"),
        (pax({"path": "/a"}) + header("x") + END, "leads out"),
        (long_name("../a") + header("x") + END, "leads out"),
        (header("a", kind=b"S") + END, "sparse"),
        (pax({"GNU.sparse.map": "0,1"}, kind=b"g") + header("a") + END, "global header"),
        (pax({"path": "b"}, kind=b"g") + header("a") + END, "global header"),
        (pax({"size": "1"}, kind=b"g") + header("a") + END, "global header"),
        (pax({"size": "-1"}) + header("a") + END, "PAX size"),
        (pax({"size": "1e3"}) + header("a") + END, "PAX size"),
        (pax({"size": "１"}) + header("a") + END, "PAX size"),
        (pax({"size": ""}) + header("a") + END, "PAX size"),
        (pax({"size": str(2**63)}) + header("a") + END, "PAX size"),
        (pax({"size": "9" * 5000}) + header("a") + END, "PAX size"),
        (pax({"size": "1025"}) + header("a") + END, "cut off"),
        (member("x", b"0 path=a\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"99 path=a\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"-9 path=a\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"9 path=ab\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"7 path\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"path=a\n", kind=b"x") + header("a") + END, "PAX header is damaged"),
        (member("x", b"9 path=a\n" + bytes(3), kind=b"x") + header("a") + END, "damaged"),
        (header("x", MAX_EXTENSION + 1, kind=b"x") + END, "too large"),
        (header("x", 2**33 - 1, kind=b"L") + END, "too large"),
        (header("x", MAX_EXTENSION, kind=b"g") + END, "cut off"),
        (pax({"path": "b"}) + END, "ends after an extension header"),
        (long_name("b") + END, "ends after an extension header"),
        (member("a", b"x", kind=b"5") + END, "a directory has a size"),
        (member("a", b"x", kind=b"2") + END, "a symlink has a size"),
        (member("a", b"x", kind=b"1") + END, "a hardlink has a size"),
        (member("a/", b"x") + END, "a directory has a size"),
        (member("a", b"x", kind=b"3") + END, "a device has a size"),
        (member("a", b"x", kind=b"6") + END, "a device has a size"),
    ],
)
def test_what_tools_would_read_differently_is_refused(
    raw: bytes, said: str, opened: Opener
) -> None:
    with pytest.raises(InvalidArchive, match=f"^file.tar.*{said}"):
        opened(raw)


def test_an_extension_may_be_as_large_as_the_limit(opened: Opener) -> None:
    comment = pax({"comment": "x" * (MAX_EXTENSION - 20)})
    assert contents(opened(comment + member("a", b"x") + END)) == {"a": b"x"}


def test_a_size_of_an_extension_is_for_the_file_alone(opened: Opener) -> None:
    """CVE-2025-62518: other readers applied it to the long name that stands between them."""
    raw = pax({"size": "3"}) + long_name("long/name") + header("short", 0) + padded(b"abc") + END
    assert contents(opened(raw)) == {"long/name": b"abc"}


def test_a_size_of_an_extension_is_not_for_a_folder(opened: Opener) -> None:
    raw = pax({"size": "3"}) + directory("a") + member("b", b"x") + END
    assert list(opened(raw).names()) == ["a", "b"]


def test_an_extension_is_for_one_member(opened: Opener) -> None:
    raw = pax({"path": "b"}) + member("a", b"1") + member("c", b"2") + END
    assert contents(opened(raw)) == {"b": b"1", "c": b"2"}


def test_a_global_comment_changes_nothing(opened: Opener) -> None:
    raw = pax({"comment": "abc"}, kind=b"g") + member("a", b"1") + END
    assert contents(opened(raw)) == {"a": b"1"}


def test_many_extensions_in_a_row_need_no_stack(opened: Opener) -> None:
    assert contents(opened(pax({"path": "b"}) * 3000 + member("a", b"1") + END)) == {"b": b"1"}


def test_a_folder_may_stand_twice(opened: Opener) -> None:
    assert list(opened(directory("a") + directory("a/") + END).names()) == ["a"]


def test_more_members_than_the_limit_raise(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar_file, "MAX_MEMBERS", 3)
    names = ["a", "b", "c", "d"]
    assert len(opened(tars.tar([(name, b"") for name in names[:3]])).names()) == 3
    with pytest.raises(InvalidArchive, match="more than 3 members"):
        opened(tars.tar([(name, b"") for name in names]))


@pytest.mark.parametrize("size", [0, 1, BLOCK, 10_000, 3_000_000])
def test_zeros_behind_the_end_are_padding(
    size: int, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    assert contents(opened(tars.tar([("a", b"x")]) + bytes(size))) == {"a": b"x"}
    assert caplog.messages == []


@pytest.mark.parametrize("padding", [0, 10_000, 3_000_000])
def test_what_follows_the_end_is_not_read_and_that_is_said(
    padding: int, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    raw = tars.tar([("a", b"x")]) + bytes(padding) + b"signature"
    assert contents(opened(raw)) == {"a": b"x"}
    [message] = caplog.messages
    assert "what follows the end of the archive" in message


@pytest.mark.parametrize("padding", [0, 10_240, 3_000_320])
def test_members_behind_the_end_are_refused(padding: int, opened: Opener) -> None:
    raw = tars.tar([("a", b"x")]) + bytes(padding) + tars.tar([("b", b"y")])
    with pytest.raises(InvalidArchive, match="strung together"):
        opened(raw)


def test_files_are_found_by_name(opened: Opener) -> None:
    archive = opened(tars.tar([("b", b"12"), ("a", b"3")]))
    assert list(archive.names()) == ["b", "a"]
    assert "a" in archive
    assert "./a" not in archive
    assert archive.size("b") == 2
    with pytest.raises(BlobNotFound, match=r"file\.tar has no member 'c'"):
        archive.open("c")


@pytest.mark.parametrize("kind", [b"3", b"4", b"5", b"6", b"V"])
def test_a_device_a_pipe_or_a_folder_is_not_opened(kind: bytes, opened: Opener) -> None:
    archive = opened(header("a", kind=kind) + END)
    with pytest.raises(InvalidArchive, match="'a' is not a regular file"):
        archive.open("a")


@pytest.mark.parametrize(
    ("name", "target", "kind"),
    [
        ("id2/layer.tar", "../id/layer.tar", b"2"),
        ("layer.tar", "id/layer.tar", b"2"),
        ("id2/layer.tar", "id/layer.tar", b"1"),
        ("layer.tar", "./id/../id//layer.tar", b"2"),
    ],
)
def test_a_link_leads_to_a_file_of_the_same_archive(
    name: str, target: str, kind: bytes, opened: Opener
) -> None:
    archive = opened(member("id/layer.tar", b"layer") + link(name, target, kind=kind) + END)
    assert archive.open(name).read() == b"layer"
    assert archive.size(name) == 5


@pytest.mark.parametrize("target", ["../a", "../../etc/passwd", "/etc/passwd", "..", "x/../../a"])
@pytest.mark.parametrize("kind", [b"1", b"2"])
def test_a_link_out_of_the_archive_is_refused(target: str, kind: bytes, opened: Opener) -> None:
    archive = opened(member("a", b"x") + link("b", target, kind=kind) + END)
    with pytest.raises(InvalidArchive, match="'b' is a link out of the archive"):
        archive.open("b")


def test_a_link_to_nothing_is_not_found(opened: Opener) -> None:
    with pytest.raises(DanglingLink, match="'a' is a link to 'b', which is not in it"):
        opened(link("a", "b") + END).open("a")


def chain(links: int) -> bytes:
    links_in_a_row = b"".join(link(f"l{n}", f"l{n + 1}") for n in range(links))
    return links_in_a_row + member(f"l{links}", b"x") + END


def test_a_chain_of_links_has_an_end(opened: Opener) -> None:
    assert opened(chain(7)).open("l0").read() == b"x"
    with pytest.raises(InvalidArchive, match="without end"):
        opened(chain(8)).open("l0")


def test_a_loop_of_links_is_refused(opened: Opener) -> None:
    with pytest.raises(InvalidArchive, match="without end"):
        opened(link("a", "b") + link("b", "a") + END).open("a")


def test_members_are_read_at_the_same_time(opened: Opener) -> None:
    archive = opened(make_tar({"a": b"0123", "b": b"4567"}))
    first, second = archive.open("a"), archive.open("b")
    assert [first.read(2), second.read(2), first.read(), second.read()] == [
        b"01",
        b"45",
        b"23",
        b"67",
    ]


def test_a_member_that_stands_twice_may_be_let_pass(tmp_path: Path) -> None:
    path = tmp_path / "file.tar"
    path.write_bytes(member("a", b"1") + member("a", b"2") + END)
    with path.open("rb") as file:
        archive = TarFile(file, "file.tar", lambda label, name: None)
        assert archive.repeated == ["a"]
        assert archive.open("a").read() == b"2"
        assert list(archive.walk()) == [("a", "file")]
