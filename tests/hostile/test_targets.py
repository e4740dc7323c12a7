"""Destinations that somebody has prepared: a copy into them ends right, or changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.hostile import blob_files, oracle, tars
from tests.hostile.cases import write_folder
from tests.hostile.images import blob_path, digest_of, index_of, layout, plain_layer
from tests.hostile.images import encode as to_json
from tests.hostile.runner import Run, Runner, Workspace

Prepare = Callable[[Path], None]
OLD = plain_layer(tars.tar([("old", b"old\n")]))
NEW = plain_layer(tars.tar([("new", bytes(range(256)) * 20)]))


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A good image as the input, and a layout of another image to put it into."""
    place = Workspace(tmp_path)
    write_folder(place.input, layout((NEW,)))
    shutil.move(write_folder(place.root, layout((OLD,))), place.output / "layout")
    place.remember()
    return place


def planted(spoil: Prepare) -> Prepare:
    """Something else where the new layer will be wanted."""

    def prepare(target: Path) -> None:
        path = target / blob_path(NEW.diff_id)
        path.write_bytes(NEW.blob)
        spoil(path)

    return prepare


def convert(runner: Runner, workspace: Workspace, target: str, *options: str) -> Run:
    arguments = ["convert", "oci:input/layout", target, *options]
    done = runner.run(workspace, arguments, seconds=20)
    assert done.code in (0, 1), done
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert done.forbidden == ""
    return done


def link_to_canary(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parents[4] / "outside" / "secret")


PLANTED: dict[str, Prepare] = {
    **blob_files.CONTENT,
    "link-to-canary": link_to_canary,
    "link-to-itself": blob_files.link_to_itself,
    "fifo": blob_files.fifo,
    "folder": blob_files.folder,
    "right": lambda path: None,
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_blob_is_never_reused(name: str, runner: Runner, workspace: Workspace) -> None:
    target = workspace.output / "layout"
    before = (target / "index.json").read_bytes()
    planted(PLANTED[name])(target)
    done = convert(runner, workspace, "oci:output/layout")
    if done.code:
        assert (target / "index.json").read_bytes() == before
    else:
        path = target / blob_path(NEW.diff_id)
        assert not path.is_symlink()
        assert path.read_bytes() == NEW.blob
        assert list(oracle.problems(oracle.read_files(target))) == []
    assert workspace.changes() == []


UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "garbage": b"\xff\xfe",
    "null": b"null",
    "cut": to_json(index_of())[:-1],
    "without-manifests": b'{"schemaVersion":2}',
    "duplicate-key": b'{"schemaVersion":2,"manifests":[],"manifests":[]}',
    "a-manifest": b'{"schemaVersion":2,"config":{},"layers":[]}',
    "bad-entry": to_json(index_of({"digest": "sha256:../../x"})),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_index_is_never_replaced(
    name: str, runner: Runner, workspace: Workspace
) -> None:
    target = workspace.output / "layout"
    (target / "index.json").write_bytes(UNREADABLE[name])
    blobs = set(target.rglob("*"))
    done = convert(runner, workspace, "oci:output/layout")
    assert done.code == 1
    assert (target / "index.json").read_bytes() == UNREADABLE[name]
    assert set(target.rglob("*")) >= blobs


def link_away(name: str) -> Prepare:
    def prepare(target: Path) -> None:
        kept = target.parents[1] / "outside" / "moved"
        shutil.move(target / name, kept)
        (target / name).symlink_to(kept)

    return prepare


def lock_outside(target: Path) -> None:
    (target / "index.json.lock").symlink_to(target.parents[1] / "outside" / "secret")


def other_version(target: Path) -> None:
    (target / "oci-layout").write_bytes(b'{"imageLayoutVersion":"2.0.0"}')


TRAPS: dict[str, tuple[Prepare, bool]] = {
    "blobs-linked-outside": (link_away("blobs"), True),
    "sha256-linked-outside": (link_away("blobs/sha256"), True),
    "index-linked-outside": (link_away("index.json"), True),
    "lock-linked-outside": (lock_outside, False),
    "other-version": (other_version, True),
}


@pytest.mark.parametrize("name", TRAPS)
def test_nothing_is_written_through_a_link(name: str, runner: Runner, workspace: Workspace) -> None:
    prepare, refused = TRAPS[name]
    prepare(workspace.output / "layout")
    workspace.remember()
    done = convert(runner, workspace, "oci:output/layout")
    assert done.code == 1 or not refused
    assert workspace.changes() == []


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_existing_archive_is_replaced_only_by_force(
    kind: str, runner: Runner, workspace: Workspace
) -> None:
    target = workspace.output / "out.tar"
    target.symlink_to(workspace.outside / "secret")
    assert convert(runner, workspace, f"{kind}:output/out.tar").code == 1
    assert target.is_symlink()
    convert(runner, workspace, f"{kind}:output/out.tar", "--force")
    assert workspace.changes() == []


@pytest.mark.parametrize(
    "target",
    [
        "oci-archive:input/layout/out.tar",
        "oci-archive:input/layout/blobs/sha256/out.tar",
        "oci:input/layout/blobs/out",
        "oci:input/layout/index.json",
        "oci-archive:output/nowhere/out.tar",
        "oci-archive:output/layout",
        f"oci:input/layout/{blob_path(digest_of(NEW.blob))}",
    ],
)
def test_destination_at_odds_with_the_source_is_refused(
    target: str, runner: Runner, workspace: Workspace
) -> None:
    for options in ((), ("--force",)):
        done = convert(runner, workspace, target, *options)
        assert done.code == 1
        assert workspace.changes() == []


def test_archive_is_never_its_own_destination(runner: Runner, workspace: Workspace) -> None:
    content = tars.tar(layout((NEW,)).items())
    path = workspace.input / "image.tar"
    path.write_bytes(content)
    for options in ((), ("--force",)):
        arguments = ["convert", "input/image.tar", "oci-archive:input/image.tar", *options]
        assert runner.run(workspace, arguments).code == 1
        assert path.read_bytes() == content
