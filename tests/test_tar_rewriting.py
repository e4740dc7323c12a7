"""Archives written anew with a few members changed."""

import errno
import io
import os
import tarfile
from pathlib import Path

import pytest

from ocilayout.errors import InvalidArchive
from ocilayout.partial import partial_file
from ocilayout.tar_rewriting import TarChanges, rewrite_tar
from tests.hostile.tars import END, member
from tests.images import make_tar
from tests.snapshots import tar_files

FILES = {"first": b"1" * 700, "index.json": b"old", "big": b"2" * 100_000, "last": b"3"}
DIALECTS = [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]


def rewritten(folder: Path, content: bytes, changes: TarChanges) -> Path:
    (folder / "old.tar").write_bytes(content)
    with (
        (folder / "old.tar").open("rb") as file,
        partial_file(folder / "new.tar", replace=False) as (out, publish),
    ):
        rewrite_tar(file.fileno(), "old.tar", out, changes)
        publish()
    return folder / "new.tar"


def test_without_changes_it_is_the_same(tmp_path: Path) -> None:
    content = make_tar(FILES)
    assert rewritten(tmp_path, content, TarChanges()).read_bytes() == content


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("new", [b"", b"new", b"4" * 511, b"4" * 512, b"4" * 5000])
def test_a_member_is_replaced_where_it_stands(tmp_path: Path, dialect: int, new: bytes) -> None:
    long_name = "n" * 150
    path = rewritten(
        tmp_path,
        make_tar({long_name: b"kept", **FILES}, dialect)
        if dialect != tarfile.USTAR_FORMAT
        else make_tar(FILES, dialect),
        TarChanges({"index.json": new}),
    )
    files = tar_files(path)
    files.pop(long_name, None)
    assert list(files.items()) == list({**FILES, "index.json": new}.items())


def test_a_member_with_a_long_name_is_replaced(tmp_path: Path) -> None:
    name = "n" * 150
    path = rewritten(tmp_path, make_tar({"a": b"1", name: b"2"}), TarChanges({name: b"3"}))
    assert tar_files(path) == {"a": b"1", name: b"3"}


def test_mode_owner_and_time_of_a_member_stay(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        member = tarfile.TarInfo("./index.json")
        member.mode, member.uid, member.gid, member.mtime = 0o640, 7, 8, 1_700_000_000
        tar.addfile(member)
    path = rewritten(tmp_path, out.getvalue(), TarChanges({"index.json": b"new"}))
    with tarfile.open(path) as tar:
        (found,) = tar.getmembers()
    assert found.name == "./index.json"
    assert (found.mode, found.uid, found.gid, found.mtime) == (0o640, 7, 8, 1_700_000_000)


def test_members_are_dropped_and_added_behind_all_others(tmp_path: Path) -> None:
    path = rewritten(
        tmp_path, make_tar(FILES), TarChanges({"new": b"4"}, frozenset({"first", "big"}))
    )
    assert list(tar_files(path)) == ["index.json", "last", "new"]


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_kernel_does_not_copy_we_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    path = rewritten(tmp_path, make_tar(FILES), TarChanges({"index.json": b"new"}))
    assert tar_files(path) == {**FILES, "index.json": b"new"}


def test_the_kernel_may_copy_less_than_it_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = os.copy_file_range

    def copy_little(source: int, out: int, count: int, offset_src: int) -> int:
        return copy(source, out, min(count, 999), offset_src)

    monkeypatch.setattr(os, "copy_file_range", copy_little)
    path = rewritten(tmp_path, make_tar(FILES), TarChanges({"index.json": b"new"}))
    assert tar_files(path) == {**FILES, "index.json": b"new"}


def test_a_full_disk_is_no_reason_to_try_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "copy_file_range", refuse)
    with pytest.raises(OSError, match="No space left") as caught:
        rewritten(tmp_path, make_tar(FILES), TarChanges({"index.json": b"new"}))
    assert caught.value.filename == str(tmp_path / "new.tar")
    assert not (tmp_path / "new.tar").exists()


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(make_tar(FILES))
    content[1024 + 512 + 3] ^= 1
    with pytest.raises(InvalidArchive):
        rewritten(tmp_path, bytes(content), TarChanges({"index.json": b"new"}))
    assert not (tmp_path / "new.tar").exists()


@pytest.mark.parametrize("changed", ["a", "last", "new"])
@pytest.mark.parametrize("cut", [0, 500])
def test_a_last_member_without_padding_gets_it_and_an_end(
    tmp_path: Path, changed: str, cut: int
) -> None:
    content = member("a", b"1") + member("last", b"content")
    path = rewritten(tmp_path, content[: len(content) - cut], TarChanges({changed: b"2"}))
    assert tar_files(path) == {"a": b"1", "last": b"content", changed: b"2"}
    assert path.read_bytes().endswith(END)
