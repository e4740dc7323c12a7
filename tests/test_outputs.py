import gzip
import os
import threading
from pathlib import Path

import pytest

from ocilayout.compression import CODECS
from ocilayout.errors import DestinationExists, UsageError
from ocilayout.outputs import is_tar_name, open_output, outer_codec
from tests.snapshots import snapshot

PLAIN, GZIP = CODECS["none"], CODECS["gzip"]


@pytest.mark.parametrize("name", ["app", "app.img", "app.v1.2", "app.oci"])
def test_other_names_are_of_plain_tars_if_of_any(name: str) -> None:
    assert outer_codec(Path(name)).name == "none"
    assert not is_tar_name(Path(name))


def test_a_refusal_says_what_to_write() -> None:
    with pytest.raises(UsageError, match=r"name it with one of \.tar, \.tar\.gz"):
        outer_codec(Path("app.gz"))


def test_what_was_finished_appears(tmp_path: Path) -> None:
    with open_output(tmp_path / "a", GZIP, replace=False) as output:
        output.content.write(b"content")
        assert not (tmp_path / "a").exists()
        output.finished = True
    assert gzip.decompress((tmp_path / "a").read_bytes()) == b"content"


def test_what_was_not_finished_leaves_nothing(tmp_path: Path) -> None:
    with open_output(tmp_path / "a", PLAIN, replace=False) as output:
        output.content.write(b"half of it")
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("replace", [False, True])
def test_what_is_there_is_replaced_only_on_purpose(tmp_path: Path, replace: bool) -> None:
    (tmp_path / "a").write_bytes(b"old")
    try:
        with open_output(tmp_path / "a", PLAIN, replace=replace) as output:
            output.content.write(b"new")
            output.finished = True
    except DestinationExists:
        assert not replace
    assert (tmp_path / "a").read_bytes() == (b"new" if replace else b"old")


@pytest.mark.parametrize("replace", [False, True])
def test_a_pipe_stays_one(tmp_path: Path, replace: bool) -> None:
    pipe = tmp_path / "pipe.tar.gz"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    with open_output(pipe, GZIP, replace=replace) as output:
        output.content.write(b"content")
    reader.join(5)
    assert gzip.decompress(got[0]) == b"content"
    assert pipe.is_fifo()


def test_what_is_open_already_is_not_replaced(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before ")
        log.flush()
        with open_output(Path(f"/dev/fd/{log.fileno()}"), PLAIN, replace=True) as output:
            output.content.write(b"content")
    assert (tmp_path / "log").read_bytes() == b"before content"


def test_standard_output_is_none(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with open_output(None, PLAIN, replace=False) as output:
        output.content.write(b"content")
    assert capfdbinary.readouterr().out == b"content"
