from pathlib import Path

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.registries.small_files import home, read_small


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_small(tmp_path / "file", 5) == b"12345"


def test_a_larger_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"123456")
    with pytest.raises(InvalidDocument, match="more than the 5 bytes"):
        read_small(tmp_path / "file", 5)


def test_an_endless_file_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="/dev/zero has more than"):
        read_small(Path("/dev/zero"))


def test_home_is_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert home() == Path("/home/me")


def test_a_home_that_is_nowhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "here")
    assert home() is None
