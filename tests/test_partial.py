import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.errors import DestinationExists
from ocilayout.folders import FolderFiles
from ocilayout.partial import (
    PREFIX,
    SUFFIX,
    partial_file,
    partial_folder,
    remove_leftovers,
    replace_file,
)
from tests.folders import opened_folder

CONTENT = b"The content of a blob."
LEFTOVER = f"{PREFIX}0123456789abcdef{SUFFIX}"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FolderFiles]:
    """A folder `layout`, with the folder `outside` beside it."""
    with opened_folder(tmp_path) as files:
        yield files


def path_of(files: FolderFiles, name: str) -> Path:
    path = Path(files.label) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


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
        "from ocilayout.partial import partial_file, partial_folder\n"
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
    path_of(folder, f"{PREFIX}link{SUFFIX}").symlink_to(canary.parent)
    tree = path_of(folder, f"{LEFTOVER}/blobs/sha256/abc")
    tree.write_bytes(b"")
    path_of(folder, f"{LEFTOVER}/link").symlink_to(canary.parent)
    remove_leftovers(folder.fd)
    assert canary.exists()
    assert set(names) <= set(folder.names())
    assert LEFTOVER not in folder.names()


def test_a_pipe_with_the_name_of_a_leftover_keeps_nobody_waiting(folder: FolderFiles) -> None:
    program = (
        "import os, sys\n"
        "from ocilayout.partial import remove_leftovers\n"
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
    replace_file(folder.fd, "index.json", CONTENT)
    assert path.read_bytes() == CONTENT
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert folder.names() == ["index.json"]


def test_a_small_file_need_not_have_been_there(folder: FolderFiles) -> None:
    replace_file(folder.fd, "oci-layout", CONTENT)
    assert path_of(folder, "oci-layout").read_bytes() == CONTENT
