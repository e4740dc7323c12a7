import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ocilayout.commands import run
from tests.program import program
from tests.rootfs.layer_tars import (
    device,
    file,
    files_in_folder,
    files_in_tar,
    folder,
    hardlink,
    layer,
    symlink,
    write_layout,
)

BASE = layer(
    [
        folder("etc"),
        file("etc/os-release", b"ID=test\n"),
        folder("bin"),
        file("bin/tool", b"tool", mode=0o755),
        hardlink("bin/same", "bin/tool"),
        symlink("usr", "."),
        device("null"),
    ]
)
THREE = {"linux/amd64": [BASE], "linux/arm64/v8": [BASE], "linux/arm": [BASE]}


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", {"linux/amd64": [BASE]})


@pytest.fixture
def three(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "three", THREE)


def export(*arguments: str | Path) -> int:
    return run(["export", *map(str, arguments)])


def test_a_new_folder_has_the_files(layout: Path, tmp_path: Path) -> None:
    assert export(layout, tmp_path / "deep" / "out") == 0
    found = files_in_folder(tmp_path / "deep" / "out")
    assert sorted(found) == ["bin", "bin/same", "bin/tool", "etc", "etc/os-release", "usr"]


@pytest.mark.parametrize(
    ("name", "magic"),
    [
        ("out.tar", b"bin/"),
        ("out.tar.gz", b"\x1f\x8b"),
        ("out.tgz", b"\x1f\x8b"),
        ("out.tar.xz", b"\xfd7zXZ"),
        ("out.tar.bz2", b"BZh"),
    ],
)
def test_a_tar_is_compressed_as_its_name_says(
    layout: Path, tmp_path: Path, name: str, magic: bytes
) -> None:
    assert export(layout, tmp_path / name) == 0
    assert (tmp_path / name).read_bytes().startswith(magic)
    assert files_in_tar(tmp_path / name)["null"].device == (1, 3)


def test_two_runs_write_the_same_tar(three: Path, tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        assert export(three, tmp_path / name) == 0
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_platforms_stand_in_folders_named_as_buildx_names_them(three: Path, tmp_path: Path) -> None:
    assert export(three, tmp_path / "out") == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["linux_amd64", "linux_arm64", "linux_arm_v7"]
    assert (tmp_path / "out/linux_arm64/etc/os-release").read_text() == "ID=test\n"
    assert export(three, tmp_path / "out.tar") == 0
    assert "linux_arm_v7/bin/tool" in files_in_tar(tmp_path / "out.tar")


def test_one_platform_stands_at_the_top(three: Path, tmp_path: Path) -> None:
    assert export(three, tmp_path / "out", "--platform", "linux/arm64") == 0
    assert (tmp_path / "out/etc/os-release").exists()


@pytest.mark.parametrize("path", ["etc/os-release", "/etc/os-release", "usr/usr/etc/os-release"])
def test_one_file_goes_to_standard_output(
    layout: Path, path: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert export("--path", path, "--quiet", layout, "-") == 0
    assert capfdbinary.readouterr().out == b"ID=test\n"


def test_one_file_takes_the_name_of_the_destination(layout: Path, tmp_path: Path) -> None:
    assert export("--path", "etc/os-release", layout, tmp_path / "release") == 0
    assert (tmp_path / "release").read_text() == "ID=test\n"
    assert export("--path", "etc/os-release", layout, tmp_path) == 0
    assert (tmp_path / "os-release").read_text() == "ID=test\n"
    assert export("--path", "etc/os-release", layout, tmp_path) == 1


def test_a_folder_of_the_image_becomes_the_top(layout: Path, tmp_path: Path) -> None:
    assert export("--path", "/bin", layout, tmp_path / "out") == 0
    found = files_in_folder(tmp_path / "out")
    assert sorted(found) == ["same", "tool"]
    assert found["tool"].same_as == "same"


def test_of_several_parts_each_keeps_its_path(layout: Path, tmp_path: Path) -> None:
    parts = ["--path", "etc/os-release", "--path", "/bin"]
    assert export(*parts, layout, tmp_path / "out") == 0
    found = files_in_folder(tmp_path / "out")
    assert sorted(found) == ["bin", "bin/same", "bin/tool", "etc", "etc/os-release"]
    assert found["bin/tool"].same_as == "bin/same"
    assert export(*parts, layout, tmp_path / "out.tar") == 0
    assert sorted(files_in_tar(tmp_path / "out.tar")) == sorted(found)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["bin", "bin/tool"], ["bin", "bin/same", "bin/tool"]),
        (["bin/tool", "bin"], ["bin", "bin/same", "bin/tool"]),
        (["bin/tool", "bin/same"], ["bin", "bin/same", "bin/tool"]),
        (["usr/bin/tool", "etc"], ["etc", "etc/os-release", "usr", "usr/bin", "usr/bin/tool"]),
        (["etc", "/etc/"], ["os-release"]),
        (["/", "etc"], ["bin", "bin/same", "bin/tool", "etc", "etc/os-release", "usr"]),
    ],
)
def test_parts_that_overlap_are_written_once(
    layout: Path, tmp_path: Path, parts: list[str], expected: list[str]
) -> None:
    words = [word for part in parts for word in ("--path", part)]
    assert export(*words, layout, tmp_path / "out") == 0
    assert sorted(files_in_folder(tmp_path / "out")) == expected


def test_several_files_go_to_standard_output_as_a_tar(
    layout: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert export("--path", "etc/os-release", "--path", "bin/tool", "-q", layout, "-") == 0
    assert b"etc/os-release" in capfdbinary.readouterr().out[:2048]


def test_every_part_has_to_be_there(
    layout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert export("--path", "etc", "--path", "absent", layout, tmp_path / "out") == 1
    assert "has no file 'absent'" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_tar_goes_to_standard_output(
    layout: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert export(layout, "-") == 0
    (tmp_path / "piped.tar").write_bytes(capfdbinary.readouterr().out)
    assert "etc/os-release" in files_in_tar(tmp_path / "piped.tar")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--path", "nothing", "{layout}", "out"], 1, "has no file 'nothing'"),
        (["--path", "../x", "{layout}", "out"], 1, "leads out"),
        (["--path", "etc/os-release", "{three}", "-"], 0, ""),
        (["{layout}", "out.zip"], 2, "no kind of tar"),
        (["{layout}", "{layout}"], 1, "is source and destination"),
        (["{layout}", "{layout}/out"], 1, "which is read"),
        (["{layout}", "taken"], 1, "name a new folder"),
        (["{layout}", "taken.tar"], 1, "--force"),
        (["--json", "{layout}", "-"], 2, "standard output"),
        (["--platform", "linux/s390x", "{layout}", "out"], 1, "no image for linux/s390x"),
        (["missing.tar", "out"], 1, "no such file or directory"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    layout: Path,
    three: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine").touch()
    (tmp_path / "taken.tar").touch()
    before = sorted(tmp_path.rglob("*"))
    meant = [text.format(layout=layout, three=three) for text in arguments]
    assert export(*meant) == code
    assert said in capfd.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "part", "same"),
    [
        ("pipe.tar", "/", "out.tar"),
        ("pipe.tar.gz", "/", "out.tar.gz"),
        ("pipe", "/", "out.tar"),
        ("pipe", "etc/os-release", "release"),
    ],
)
def test_a_pipe_gets_what_a_file_gets(
    layout: Path, tmp_path: Path, name: str, part: str, same: str
) -> None:
    os.mkfifo(tmp_path / name)
    got: list[bytes] = []
    reader = threading.Thread(
        target=lambda: got.append((tmp_path / name).read_bytes()), daemon=True
    )
    reader.start()
    assert export(layout, "--path", part, tmp_path / name) == 0
    reader.join(5)
    assert export(layout, "--path", part, tmp_path / same) == 0
    assert got == [(tmp_path / same).read_bytes()]


def test_standard_output_may_be_named(layout: Path) -> None:
    done = program("export", "--path", "etc/os-release", layout, "/dev/stdout")
    assert (done.returncode, done.stdout) == (0, b"ID=test\n")
    assert b"to /dev/stdout" in done.stderr


def test_force_replaces_a_tar(layout: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.tar").touch()
    assert export("--force", layout, tmp_path / "taken.tar") == 0
    assert files_in_tar(tmp_path / "taken.tar")


def test_the_report_names_what_was_written(
    three: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert export("--json", three, tmp_path / "out") == 0
    report = json.loads(capfd.readouterr().out)
    assert report["form"] == "folder"
    assert [image["folder"] for image in report["images"]] == [
        "linux_amd64",
        "linux_arm64",
        "linux_arm_v7",
    ]
    assert report["images"][0]["devices"] == ["linux_amd64/null"]
    assert any("device files are left out" in note for note in report["notes"])


def test_files_are_listed(layout: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["ls", "--files", str(layout)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == "drwxr-xr-x       0:0          0 2023-11-14 22:13 bin"
    assert "-rwxr-xr-x       0:0          4 2023-11-14 22:13 bin/tool = bin/same" in lines
    assert "crw-r--r--       0:0        1,3 2023-11-14 22:13 null" in lines
    assert "lrwxrwxrwx       0:0          0 2023-11-14 22:13 usr -> ." in lines


def test_files_of_all_platforms_are_listed_for_programs(
    three: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["ls", "--files", "--json", str(three), "--platform", "linux/arm64"]) == 0
    [image] = json.loads(capfd.readouterr().out)["images"]
    assert image["platform"] == "linux/arm64/v8"
    assert {"path": "usr", "type": "symlink", "target": "."}.items() <= image["files"][-1].items()


PEAK = """
import sys
from ocilayout.commands import run
code = run(["export", "-q", *sys.argv[1:]])
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(int(status["VmHWM"].split()[0]) // 1024)
sys.exit(code)
"""


def test_a_hundred_thousand_files_stay_within_the_memory(tmp_path: Path) -> None:
    items = [
        item
        for number in range(250)
        for item in (
            folder(f"usr/lib/folder{number:03}"),
            *(file(f"usr/lib/folder{number:03}/file-{n:04}.txt", b"x") for n in range(400)),
        )
    ]
    layout = write_layout(tmp_path / "big", {"linux/amd64": [layer(items)]})
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(layout), str(tmp_path / "out.tar")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) <= 100
