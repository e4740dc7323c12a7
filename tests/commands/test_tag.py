"""More names for an image, in place."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_layout, write_oci_archive
from tests.images import make_image, make_layer, make_source
from tests.program import SAMPLES, surroundings
from tests.snapshots import manifest_json, snapshot

ONE = make_image(layers=[make_layer("one")]).named("registry.example/app:1")
TWO = make_image(layers=[make_layer("two")]).named("registry.example/app:2")


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", make_source(ONE, TWO))


def names(ocilayout: CommandLine, place: Path) -> dict[str, str]:
    [listed] = ocilayout.succeed("ls", "--json", place).json["places"]
    return {name: image["digest"] for image in listed["images"] for name in image["names"]}


def test_what_was_done_is_said(ocilayout: CommandLine, layout: Path) -> None:
    digest = ONE.descriptor.digest
    done = ocilayout.succeed("tag", f"{layout}:1", "demo:1", "other")
    assert (done.out, done.err) == (f"docker.io/library/demo:1 {digest}\nother {digest}\n", "")
    assert set(names(ocilayout, layout)) == {
        "registry.example/app:1",
        "registry.example/app:2",
        "docker.io/library/demo:1",
        "other",
    }


def test_a_name_that_moves_is_said(ocilayout: CommandLine, layout: Path) -> None:
    done = ocilayout.succeed("tag", f"{layout}:1", "registry.example/app:2")
    assert done.err.splitlines() == [
        f"note: registry.example/app:2 was {TWO.descriptor.digest}, and is "
        f"{ONE.descriptor.digest} now",
        f"note: {TWO.descriptor.digest} has no name now, but stays: untag --drop takes it out",
    ]


def test_json(ocilayout: CommandLine, layout: Path) -> None:
    assert ocilayout.succeed("tag", f"{layout}:1", "demo:1", "--json").json == {
        "place": f"{layout}:1",
        "dry_run": False,
        "tagged": [{"name": "docker.io/library/demo:1", "digest": str(ONE.descriptor.digest)}],
        "warnings": [],
        "notes": [],
    }


def test_quiet_and_dry(ocilayout: CommandLine, layout: Path) -> None:
    before = snapshot(layout)
    done = ocilayout.succeed("tag", f"{layout}:1", "demo:1", "--quiet", "--dry-run")
    assert (done.out, done.err) == ("", "")
    assert snapshot(layout) == before


@pytest.mark.parametrize(
    ("place", "name", "code", "said"),
    [
        ("", "demo:1", 1, "there are 2 images here"),
        (":3", "demo:1", 1, "has no image '3'"),
        (":1", "demo:1:", 2, "neither a tag nor an image name"),
        (":1", f"demo@{ONE.descriptor.digest}", 2, "a digest is no part"),
        ("x", "demo:1", 1, "no such file or directory"),
    ],
)
def test_refusals(
    ocilayout: CommandLine, layout: Path, place: str, name: str, code: int, said: str
) -> None:
    before = (layout / "index.json").read_bytes()
    ocilayout.refuse(code, said, "tag", f"{layout}{place}", name)
    assert (layout / "index.json").read_bytes() == before


def test_a_file_in_front_of_a_name_is_told_from_a_repository(
    ocilayout: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_oci_archive(tmp_path / "app.tar", make_source(ONE))
    ocilayout.refuse(2, "write the name alone: 2", "tag", f"{archive}:1", f"{archive}:2")
    folder = write_layout(tmp_path / "app", make_source(ONE))
    monkeypatch.chdir(tmp_path)
    ocilayout.succeed("tag", folder.name, "app:2")
    assert "docker.io/library/app:2" in names(ocilayout, folder)


def test_eight_at_once_lose_none(ocilayout: CommandLine, layout: Path) -> None:
    place = f"{layout}:registry.example/app:1"
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "ocilayout", "tag", place, f"demo:{number}", "-q"],
            env=surroundings(),
        )
        for number in range(8)
    ]
    assert [process.wait(60) for process in running] == [0] * 8
    assert {f"docker.io/library/demo:{number}" for number in range(8)} <= set(
        names(ocilayout, layout)
    )


def test_a_docker_archive_lists_it_too(ocilayout: CommandLine, tmp_path: Path) -> None:
    path = Path(shutil.copy(SAMPLES / "crane-386.tar", tmp_path))
    ocilayout.succeed("tag", path, "demo:1")
    assert manifest_json(path)[0]["RepoTags"] == [
        "registry.example/hello:386",
        "docker.io/library/demo:1",
    ]


def traced(path: Path, log: Path, *rules: str) -> int:
    """Tag an image of a tar under strace; the exit code, of a shell's kind where it was killed."""
    command = ["strace", "-f", "-o", str(log), "-e", "trace=fsync,copy_file_range,/rename"]
    for rule in rules:
        command += ["-e", f"inject={rule}"]
    command += [sys.executable, "-m", "ocilayout", "tag", f"{path}:1", "demo:1"]
    return subprocess.run(command, env=surroundings(), capture_output=True, check=False).returncode


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_killed_at_any_time_leaves_the_old_or_the_new_tar(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    path, log = tmp_path / "a.tar", tmp_path / "log"
    write_oci_archive(path, make_source(ONE, TWO))
    old = path.read_bytes()
    if traced(path, log) != 0:
        pytest.skip("strace is not allowed here")
    new = path.read_bytes()
    assert new != old
    rename = "renameat2" if "renameat2(" in log.read_text() else "renameat"
    # The second fsync is that of the folder.
    for call, number, left in [
        ("copy_file_range", 1, old),
        ("fsync", 1, old),
        (rename, 1, old),
        ("fsync", 2, new),
    ]:
        path.write_bytes(old)
        assert traced(path, log, f"{call}:signal=KILL:when={number}") != 0
        assert path.read_bytes() == left
    path.write_bytes(old)
    assert traced(path, log, f"{rename}:error=EIO") == 1
    assert path.read_bytes() == old
    ocilayout.succeed("tag", f"{path}:1", "demo:2")
    assert sorted(tmp_path.iterdir()) == [path, log]


def test_names_of_other_tools_are_given_and_taken(ocilayout: CommandLine, layout: Path) -> None:
    given = ["v1+meta", "Feature/UPPER", "some/path@x"]
    ocilayout.succeed("tag", f"{layout}:1", *given)
    assert set(given) <= set(names(ocilayout, layout))
    for name in given:
        copy = layout.parent / f"copy-{given.index(name)}"
        assert ocilayout.succeed("convert", f"{layout}:{name}", copy).out.split()[0] == name
        assert list(names(ocilayout, copy)) == [name]
        ocilayout.succeed("untag", f"{layout}:{name}")
    assert not set(given) & set(names(ocilayout, layout))
