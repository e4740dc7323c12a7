"""Sparse members of archives and of streams, and maps that lie."""

import io
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout import tar_sparse
from ocilayout.errors import InvalidArchive, OldSparseMember
from ocilayout.partial import partial_file
from ocilayout.tar_blocks import BLOCK, StreamBlocks
from ocilayout.tar_file import TarFile
from ocilayout.tar_headers import read_headers
from ocilayout.tar_rewriting import TarChanges, rewrite_tar
from ocilayout.tar_sparse import content_chunks
from tests.hostile.tars import END, Parts, header, member, padded, pax, sparse
from tests.snapshots import tar_files

Reader = Callable[[bytes], dict[str, bytes]]

VERSIONS = ["0.0", "0.1", "1.0"]
LAYOUTS: Mapping[str, tuple[int, Parts]] = {
    "a hole in the middle": (5000, [(0, b"first"), (4990, b"last567890")]),
    "a hole in front": (2048, [(2000, b"x" * 48)]),
    "a hole behind": (100_000, [(0, b"x" * 700), (100_000, b"")]),
    "no hole": (3, [(0, b"abc")]),
    "parts that touch": (6, [(0, b"abc"), (3, b"def")]),
    "nothing but a hole": (300_000, [(300_000, b"")]),
    "nothing": (0, [(0, b"")]),
    "many parts": (4_000_000, [(at * 4000, b"%04d" % at) for at in range(1000)]),
}


def filled(size: int, parts: Parts) -> bytes:
    content = bytearray(size)
    for offset, part in parts:
        content[offset : offset + len(part)] = part
    return bytes(content)


def read_file(raw: bytes) -> dict[str, bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(raw)
        file.flush()
        archive = TarFile(file, "file.tar")
        found = {name: archive.open(name).read() for name in archive.names()}
        assert {name: archive.size(name) for name in found} == {
            name: len(content) for name, content in found.items()
        }
        return found


def read_stream(raw: bytes) -> dict[str, bytes]:
    blocks = StreamBlocks(cast(BinaryIO, io.BytesIO(raw)), "layer", vouched=True)
    found = {}
    for head in read_headers(blocks):
        content = content_chunks(blocks, head.offset, head.size, head.sparse)
        found[os.fsdecode(head.name)] = b"".join(content)
    return found


@pytest.mark.parametrize("reader", [read_file, read_stream])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_sparse_member_is_read_with_its_holes(version: str, layout: str, reader: Reader) -> None:
    size, parts = LAYOUTS[layout]
    raw = member("a", b"1") + sparse(version, "real/name", size, parts) + member("z", b"2") + END
    expected = {"a": b"1", "real/name": filled(size, parts), "z": b"2"}
    assert reader(raw) == expected
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        found = {item.name: tar.extractfile(item) for item in tar}
        assert {name: file.read() for name, file in found.items() if file} == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_what_gnu_tar_writes_is_read(version: str, tmp_path: Path) -> None:
    with (tmp_path / "holes").open("wb") as file:
        for offset in (0, 300_000, 1_000_000):
            file.seek(offset)
            file.write(b"data" * 100)
        file.truncate(2_000_000)
    command = ["tar", "-cSf", "x.tar", "--format=posix", f"--sparse-version={version}", "holes"]
    subprocess.run(command, cwd=tmp_path, check=True)
    raw = (tmp_path / "x.tar").read_bytes()
    assert len(raw) < 1_000_000
    content = (tmp_path / "holes").read_bytes()
    assert read_file(raw) == read_stream(raw) == {"holes": content}


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=900)), max_size=6),
    st.integers(0, 5000),
    st.sampled_from(VERSIONS[1:]),
)
def test_any_honest_map_is_read(gaps: list[tuple[int, bytes]], tail: int, version: str) -> None:
    parts, end = [], 0
    for gap, content in gaps:
        parts.append((end + gap, content))
        end += gap + len(content)
    raw = sparse(version, "name", end + tail, parts) + END
    if not parts and version == "0.1":
        # An empty map is a map that is not there.
        return
    assert read_file(raw) == read_stream(raw) == {"name": filled(end + tail, parts)}


def one(records: Mapping[str, str], stored: bytes = b"abc") -> bytes:
    return pax(records) + member("a", stored) + END


def map01(numbers: str, size: int = 10, count: int | None = None) -> dict[str, str]:
    parts = (numbers.count(",") + 1) // 2 if count is None else count
    return {
        "GNU.sparse.size": str(size),
        "GNU.sparse.numblocks": str(parts),
        "GNU.sparse.map": numbers,
    }


def map10(text: bytes, size: int | str = 10, stored: bytes = b"abc") -> bytes:
    records = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": str(size),
    }
    return one(records, padded(text) + stored)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (one(map01("0,2,1,1")), "overlap"),
        (one(map01("5,1,0,2")), "do not ascend"),
        (one(map01("8,3")), "beyond its 10 bytes"),
        (one(map01("0,3", size=2)), "beyond its 2 bytes"),
        (one(map01("9223372036854775807,3")), "beyond"),
        (one(map01("0,2")), "its map is of 2 bytes, it has 3"),
        (one(map01("0,4")), "its map is of 4 bytes, it has 3"),
        (one(map01("0,3", count=2)), "another count"),
        (one(map01("0,3,5", count=2)), "another count"),
        (one(map01("0,3", count=10**15)), "another count"),
        (one(map01("-1,3")), "not a number"),
        (one(map01("0,-3")), "not a number"),
        (one(map01("0,1e3")), "not a number"),
        (one(map01("0, 3")), "not a number"),
        (one(map01("0,9223372036854775808")), "not a number"),
        (one(map01("0,3", size=-1)), "not a number"),
        (one({**map01("0,3"), "GNU.sparse.size": ""}), "not a number"),
        (one({"GNU.sparse.map": "0,3"}), "not a number"),
        (one({"GNU.sparse.size": "10"}), "unknown"),
        (one({"GNU.sparse.size": "10", "GNU.sparse.major": "2", "GNU.sparse.minor": "0"}), "unkn"),
        (one({"GNU.sparse.size": "10", "GNU.sparse.major": "1"}), "unknown"),
        (one(map01("0,3", size=2**36 + 4)), "bytes of holes"),
        (one(map01("0,3", size=2**63 - 1)), "bytes of holes"),
        (one(map01("0,3") | {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}), "cut off"),
        (map10(b"1\n0\n4\n"), "its map is of 4 bytes, it has 3"),
        (map10(b"2\n5\n1\n0\n2\n"), "do not ascend"),
        (map10(b"1\n0\n3\n", size=2), "beyond its 2 bytes"),
        (map10(b"-1\n"), "not a number"),
        (map10(b"\n\n\n"), "not a number"),
        (map10(b"1\nx\n3\n"), "not a number"),
        (map10(b"9" * 30 + b"\n"), "not a number"),
        (map10(b"1\n0\n3"), "cut off"),
        (map10(b"999999999999\n0\n3\n"), "cut off"),
        (map10(b"x" * 3000), "cut off"),
        (map10(b"1\n0\n3\n", size=2**62), "bytes of holes"),
        (pax(map01("0,3")) + header("a", kind=b"5") + END, "directory cannot be sparse"),
        (pax(map01("0,3")) + header("a", kind=b"2", link="b") + END, "symlink cannot be sparse"),
        (pax(map01("0,3")) + header("a", 3) + b"ab", "cut off"),
    ],
)
@pytest.mark.parametrize("reader", [read_file, read_stream])
def test_a_map_that_lies_is_refused(raw: bytes, said: str, reader: Reader) -> None:
    with pytest.raises(InvalidArchive, match=said):
        reader(raw)


@pytest.mark.parametrize("order", [["numbytes"], ["offset", "offset"], ["offset", "numbytes"] * 2])
def test_the_repeated_records_of_the_oldest_format_alternate(order: list[str]) -> None:
    records = b"".join(pax({f"GNU.sparse.{key}": "0"})[BLOCK:].rstrip(b"\0") for key in order)
    head = pax({"GNU.sparse.size": "10", "GNU.sparse.numblocks": "1"})[BLOCK:].rstrip(b"\0")
    raw = member("x", head + records, kind=b"x") + member("a", b"abc") + END
    with pytest.raises(InvalidArchive, match="sparse member"):
        read_file(raw)


@pytest.mark.parametrize(("version", "limit"), [("0.1", 75_000), ("1.0", 75_000), ("0.0", 20_000)])
def test_a_map_is_read_up_to_its_limit_in_little_time(version: str, limit: int) -> None:
    parts = [(at * 2, b"x") for at in range(200_000)]
    start = time.process_time()
    with pytest.raises(InvalidArchive, match=r"too large|larger than"):
        read_file(sparse(version, "a", 400_000, parts) + END)
    found = read_file(sparse(version, "a", 2 * limit, parts[:limit]) + END)
    assert found["a"] == b"x\0" * limit
    assert time.process_time() - start < 5


def test_holes_are_counted_over_all_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocilayout.tar_headers.MAX_HOLES", 100_000)
    holes = [sparse("1.0", name, 60_000, [(0, b"x")]) for name in "ab"]
    assert read_file(holes[0] + END)
    with pytest.raises(InvalidArchive, match="more than 100000 bytes of holes"):
        read_file(b"".join(holes) + END)
    assert tar_sparse.MAX_HOLES == 64 * 2**30


def test_the_old_format_of_gnu_is_refused_by_name() -> None:
    with pytest.raises(OldSparseMember, match="GNU's old format"):
        read_stream(header("a", kind=b"S") + END)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_edit_keeps_sparse_members_and_replaces_them(version: str, tmp_path: Path) -> None:
    kept = sparse(version, "kept", 9000, [(100, b"x" * 700), (8000, b"y")])
    old = sparse(version, "index.json", 5000, [(0, b"{}"), (4000, b" ")])
    (tmp_path / "old.tar").write_bytes(kept + old + member("last", b"3") + END)
    with (
        (tmp_path / "old.tar").open("rb") as file,
        partial_file(tmp_path / "new.tar", replace=False) as (out, publish),
    ):
        rewrite_tar(file.fileno(), "old.tar", out, TarChanges({"index.json": b"new"}))
        publish()
    expected = filled(9000, [(100, b"x" * 700), (8000, b"y")])
    assert list(tar_files(tmp_path / "new.tar").items()) == [
        ("kept", expected),
        ("index.json", b"new"),
        ("last", b"3"),
    ]
    assert (tmp_path / "new.tar").read_bytes().startswith(kept)
