"""Links in folders that are read: what is followed, what is not, and what never is."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.errors import BlobNotFound, InvalidArchive
from ocilayout.folders import FolderFiles
from ocilayout.linked_folders import LinkedFolderFiles

BLOB = "blobs/sha256/abc"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder with one blob, and a file beside the folder."""
    top = tmp_path / "layout"
    (top / "blobs/sha256").mkdir(parents=True)
    (top / "blobs/sha256/def").write_bytes(b"inside")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/abc").write_bytes(b"outside")
    return top


def content(top: Path, name: str = BLOB, *, follow_links: bool = False) -> bytes:
    with LinkedFolderFiles(top, follow_links=follow_links) as files, files.open(name) as file:
        found = file.read()
        assert files.size(name) == len(found)
        assert name in files
        return found


@pytest.mark.parametrize("target", ["def", "./def", "../sha256/def", "../../blobs/sha256/def"])
@pytest.mark.parametrize("follow_links", [False, True])
def test_a_link_that_stays_inside_is_read(target: str, follow_links: bool, top: Path) -> None:
    (top / BLOB).symlink_to(target)
    assert content(top, follow_links=follow_links) == b"inside"


@pytest.mark.parametrize("target", ["../../../outside/abc", "../../../layout/blobs/sha256/def", ""])
def test_a_link_that_leads_out_is_read_where_it_is_allowed(target: str, top: Path) -> None:
    (top / BLOB).symlink_to(target or top.parent / "outside/abc")
    with pytest.raises(InvalidArchive, match=f"{BLOB} leads through a link.*--follow-links"):
        content(top)
    expected = b"inside" if "layout" in target else b"outside"
    assert content(top, follow_links=True) == expected


@pytest.mark.parametrize("folder", ["blobs", "blobs/sha256"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_folder_of_blobs_that_is_a_link_needs_the_option(
    folder: str, inside: bool, top: Path
) -> None:
    moved = (top if inside else top.parent) / "moved"
    (top / folder).rename(moved)
    (top / folder).symlink_to(os.path.relpath(moved, (top / folder).parent))
    name = "blobs/sha256/def"
    with pytest.raises(InvalidArchive, match="--follow-links"):
        content(top, name)
    assert content(top, name, follow_links=True) == b"inside"


def test_a_link_through_a_folder_that_is_a_link_needs_the_option(top: Path) -> None:
    (top / "elsewhere").symlink_to("../outside")
    (top / BLOB).symlink_to("../../elsewhere/abc")
    with pytest.raises(InvalidArchive, match="--follow-links"):
        content(top)
    assert content(top, follow_links=True) == b"outside"


@pytest.mark.parametrize("name", ["index.json", "oci-layout", "manifest.json"])
@pytest.mark.parametrize("follow_links", [False, True])
@pytest.mark.parametrize("target", ["blobs/sha256/def", "../outside/abc"])
def test_what_says_what_is_there_is_never_a_link(
    name: str, follow_links: bool, target: str, top: Path
) -> None:
    (top / name).symlink_to(target)
    with pytest.raises(InvalidArchive, match=f"{name} is a link, which is never followed"):
        content(top, name, follow_links=follow_links)


@pytest.mark.parametrize("follow_links", [False, True])
def test_what_links_lead_to_must_be_a_regular_file(follow_links: bool, top: Path) -> None:
    (top / "a-folder").mkdir()
    os.mkfifo(top / "a-pipe")
    for target in ("a-folder", "a-pipe"):
        (top / BLOB).unlink(missing_ok=True)
        (top / BLOB).symlink_to(f"../../{target}")
        with pytest.raises(InvalidArchive, match="is not a regular file"):
            content(top, follow_links=follow_links)
    (top / BLOB).unlink()
    (top / BLOB).symlink_to("/dev/zero")
    with pytest.raises(InvalidArchive):
        content(top, follow_links=follow_links)


@pytest.mark.parametrize("follow_links", [False, True])
def test_a_link_to_nothing_is_not_found(follow_links: bool, top: Path) -> None:
    (top / BLOB).symlink_to("gone")
    with pytest.raises(BlobNotFound, match="is a link to a file that is not there"):
        content(top, follow_links=follow_links)


@pytest.mark.parametrize("follow_links", [False, True])
@pytest.mark.parametrize("links", [1, 2])
def test_a_loop_of_links_has_an_end(follow_links: bool, links: int, top: Path) -> None:
    (top / BLOB).symlink_to("abc" if links == 1 else "ghi")
    (top / "blobs/sha256/ghi").symlink_to("abc")
    with pytest.raises(InvalidArchive):
        content(top, follow_links=follow_links)


def test_a_chain_of_links_is_followed_to_its_file(top: Path) -> None:
    for number in range(7):
        (top / f"blobs/sha256/l{number}").symlink_to(f"l{number + 1}")
    (top / "blobs/sha256/l7").write_bytes(b"end")
    assert content(top, "blobs/sha256/l0") == b"end"


def test_who_writes_or_removes_follows_none(top: Path) -> None:
    (top / BLOB).symlink_to("def")
    with FolderFiles(top) as files, pytest.raises(InvalidArchive, match="leads through a link"):
        files.open(BLOB)


def test_a_link_that_somebody_swaps_meanwhile_never_leads_out(top: Path) -> None:
    stop = threading.Event()

    def swap() -> None:
        for target in _turns(stop):
            (top / "new").symlink_to(target)
            os.replace(top / "new", top / BLOB)

    (top / BLOB).symlink_to("def")
    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(300):
            try:
                assert content(top) == b"inside"
            except (InvalidArchive, BlobNotFound):
                continue
    finally:
        stop.set()
        swapping.join()


def _turns(stop: threading.Event) -> Iterator[str]:
    while not stop.is_set():
        yield from ("def", "../../../outside/abc")


def test_a_folder_says_which_of_its_files_are_links(top: Path) -> None:
    (top / BLOB).symlink_to("def")
    with LinkedFolderFiles(top) as files:
        assert dict(files.walk())[BLOB] == "symlink"
