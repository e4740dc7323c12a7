import errno
import os
import stat
from pathlib import Path

import pytest

from ocilayout.scratch import scratch_file


def test_it_has_no_name(tmp_path: Path) -> None:
    with scratch_file(tmp_path) as file:
        file.write(b"content")
        assert os.pread(file.fileno(), 9, 0) == b"content"
        assert os.listdir(tmp_path) == []


def test_a_link_can_give_it_one_with_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    with scratch_file(tmp_path) as file:
        file.write(b"content")
        folder = os.open(tmp_path, os.O_RDONLY)
        os.link(f"/proc/self/fd/{file.fileno()}", "named", dst_dir_fd=folder)
        os.close(folder)
    assert (tmp_path / "named").read_bytes() == b"content"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_system_that_cannot_make_such_files_makes_one_and_removes_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refusing(path: Path, flags: int, *arguments: int) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "as an old NFS says")
        return opened(path, flags, *arguments)

    monkeypatch.setattr(os, "open", refusing)
    with scratch_file(tmp_path) as file:
        file.write(b"content")
        assert os.pread(file.fileno(), 9, 0) == b"content"
        assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        scratch_file(tmp_path / "absent")
