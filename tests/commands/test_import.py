import gzip
import hashlib
import io
import json
import os
import socket
import struct
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ocilayout.commands import run
from tests.other_files import BINARIES, MARKED, TEXTS
from tests.program import SAMPLES
from tests.rootfs.layer_tars import (
    TIME,
    file,
    files_in_folder,
    folder,
    hardlink,
    layer,
    symlink,
)


def program(machine: int, *, is_64: bool = True, little: bool = True, flags: int = 0) -> bytes:
    """An ELF header, and nothing to run."""
    order = "<" if little else ">"
    head = b"\x7fELF" + bytes([2 if is_64 else 1, 1 if little else 2, 1]) + bytes(9)
    head += struct.pack(f"{order}HH", 2, machine)
    return head + bytes(16) + struct.pack(f"{order}I", flags) + bytes(40)


AMD64 = program(0x3E)
ROOTFS = layer(
    [
        folder("bin"),
        file("bin/sh", AMD64, mode=0o755, mtime=TIME + 5),
        hardlink("bin/bash", "bin/sh"),
        symlink("sbin", "bin"),
    ]
)


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    path = tmp_path / "rootfs.tar"
    path.write_bytes(ROOTFS)
    return path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A root file system as a folder."""
    path = tmp_path / "top"
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "sh").write_bytes(AMD64)
    (path / "bin" / "sh").chmod(0o755)
    os.link(path / "bin" / "sh", path / "bin" / "bash")
    (path / "sbin").symlink_to("bin")
    for entry in (path / "bin" / "sh", path / "bin"):
        os.utime(entry, (TIME, TIME))
    os.utime(path / "sbin", (TIME, TIME), follow_symlinks=False)
    return path


def import_(*arguments: str | Path) -> int:
    return run(["import", *map(str, arguments)])


def image(layout: Path) -> tuple[Mapping[str, Any], Mapping[str, Any], bytes]:
    """Manifest, config, and the first layer as it is stored, of the one image of a layout."""
    [entry] = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = json.loads(blob(layout, entry))
    config = json.loads(blob(layout, manifest["config"]))
    return manifest, config, blob(layout, manifest["layers"][0])


def blob(layout: Path, descriptor: Mapping[str, Any]) -> bytes:
    name = str(descriptor["digest"]).partition(":")[2]
    return (layout / "blobs" / "sha256" / name).read_bytes()


def test_a_plain_tar_is_the_layer_byte_for_byte(rootfs: Path, tmp_path: Path) -> None:
    assert import_(rootfs, tmp_path / "out", "-t", "app:1", "--compression", "none") == 0
    manifest, config, stored = image(tmp_path / "out")
    assert stored == ROOTFS
    digest = f"sha256:{hashlib.sha256(ROOTFS).hexdigest()}"
    assert config["rootfs"] == {"type": "layers", "diff_ids": [digest]}
    assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar"


def test_a_plain_tar_is_compressed_on_the_way(rootfs: Path, tmp_path: Path) -> None:
    assert import_(rootfs, tmp_path / "out") == 0
    manifest, _, stored = image(tmp_path / "out")
    assert gzip.decompress(stored) == ROOTFS
    assert manifest["layers"][0]["mediaType"].endswith("+gzip")


def test_a_compressed_tar_stays_as_it_is(tmp_path: Path) -> None:
    content = gzip.compress(ROOTFS, 9, mtime=7)
    (tmp_path / "rootfs.tgz").write_bytes(content)
    assert import_(tmp_path / "rootfs.tgz", tmp_path / "out") == 0
    _, config, stored = image(tmp_path / "out")
    assert stored == content
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(ROOTFS).hexdigest()}"]


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ROOTFS)))
    assert import_("-", tmp_path / "out", "--compression", "none") == 0
    assert image(tmp_path / "out")[2] == ROOTFS


def test_the_config_says_what_was_asked_for(rootfs: Path, tmp_path: Path) -> None:
    changes = ["-c", 'CMD ["/bin/sh"]', "-c", "ENV A=1", "--change", "USER nobody"]
    assert import_(rootfs, tmp_path / "out", "-t", "app:1", "-m", "by hand", *changes) == 0
    _, config, _ = image(tmp_path / "out")
    assert config["config"] == {"Cmd": ["/bin/sh"], "Env": ["A=1"], "User": "nobody"}
    assert config["history"] == [{"created": "2023-11-14T22:13:25Z", "comment": "by hand"}]
    assert (config["os"], config["architecture"]) == ("linux", "amd64")


def test_the_epoch_is_the_time_of_creation(
    rootfs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert import_(rootfs, tmp_path / "out") == 0
    assert image(tmp_path / "out")[1]["created"] == "1970-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("content", "platform"),
    [
        (program(0xB7), "linux/arm64"),
        (program(0x28, is_64=False, flags=0x400), "linux/arm/v7"),
        (program(0x28, is_64=False), "linux/arm/v6"),
        (program(0x16, little=False), "linux/s390x"),
        (program(0x15), "linux/ppc64le"),
        (program(0xF3), "linux/riscv64"),
        (program(0x03, is_64=False), "linux/386"),
    ],
)
def test_the_platform_is_what_the_programs_say(
    content: bytes, platform: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rootfs = tmp_path / "rootfs.tar"
    rootfs.write_bytes(layer([file("usr/bin/x", content, mode=0o755)]))
    assert import_(rootfs, tmp_path / "out", "--json") == 0
    assert json.loads(capfd.readouterr().out)["images"][0]["platforms"] == [platform]


def test_a_folder_becomes_the_same_image_each_time(top: Path, tmp_path: Path) -> None:
    for name in ("a.tar", "b.tar"):
        assert import_(top, tmp_path / name, "-t", "app:1", "--owner", "0:5") == 0
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()
    assert run(["export", str(tmp_path / "a.tar"), str(tmp_path / "back.tar")]) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="owners need root")
def test_owners_and_times_of_a_folder_are_set(top: Path, tmp_path: Path) -> None:
    assert import_(top, tmp_path / "a.tar", "--owner", "7:8", "--mtime", "9") == 0
    assert run(["export", str(tmp_path / "a.tar"), str(tmp_path / "out")]) == 0
    found = files_in_folder(tmp_path / "out")
    assert {(entry.uid, entry.gid, entry.mtime) for entry in found.values()} == {(7, 8, 9)}
    assert found["bin/sh"].same_as == "bin/bash"


def test_a_folder_goes_there_and_back(top: Path, tmp_path: Path) -> None:
    assert import_(top, tmp_path / "a.tar") == 0
    assert run(["export", str(tmp_path / "a.tar"), str(tmp_path / "out")]) == 0
    assert files_in_folder(tmp_path / "out") == files_in_folder(top)


def test_a_socket_is_left_out_and_said(
    top: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(top)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        assert import_(top, tmp_path / "a.tar") == 0
    assert "sockets are left out" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("sample", "called"),
    [
        ("buildx-zstd-ppc64le", "an OCI layout"),
        ("buildx-arm64.tar", "an OCI layout"),
        ("docker-20.10-amd64.tar", "a Docker archive"),
        ("docker-25-riscv64.tar", "an OCI layout"),
        ("crane-386.tar", "a Docker archive"),
    ],
)
def test_an_image_in_place_of_a_root_file_system_is_refused_with_the_verb_for_it(
    sample: str, called: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path, out = SAMPLES / sample, tmp_path / "out"
    said = f"is {called}, not the root file system of one: ocilayout load {path} loads it, "
    assert import_(path, out, "--platform", "linux/amd64") == 1
    assert said in capfd.readouterr().err
    assert not out.exists()
    if path.suffix != ".tar":
        return
    packed = tmp_path / "packed.tgz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert import_(packed, out) == 1
    assert f"{packed} is {called}" in capfd.readouterr().err
    unpacked = tmp_path / "unpacked" / "app"
    with tarfile.open(path) as tar:
        tar.extractall(unpacked, filter="data")
    for top in (unpacked, unpacked.parent):
        assert import_(top, out) == 1
        assert f"{top} is {called}" in capfd.readouterr().err
    assert not out.exists()


def test_an_image_in_the_dir_format_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(SAMPLES / "buildx-arm64.tar"), f"dir:{tmp_path}/image"]) == 0
    assert import_(tmp_path / "image", tmp_path / "out") == 1
    assert "is an image in the dir: format, not the root" in capfd.readouterr().err


@pytest.mark.parametrize(
    "manifest",
    [b'{"name": "app", "icons": []}', b'[{"src": "a.png"}]', b"no JSON"],
)
def test_a_web_application_with_a_manifest_is_a_root_file_system(
    manifest: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "web.tar"
    path.write_bytes(layer([file("manifest.json", manifest), file("index.html", b"<html>")]))
    assert import_(path, tmp_path / "out.tar", "--platform", "linux/amd64") == 0


@pytest.mark.parametrize("kind", ["zip", "qcow2", "ext4", "squashfs", "html", "lz4", "powershell"])
@pytest.mark.parametrize("from_pipe", [False, True])
def test_what_is_no_tar_is_named(
    kind: str,
    from_pipe: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    content, said = {**BINARIES, **TEXTS, **MARKED}[kind]
    path = tmp_path / "rootfs.tar"
    path.write_bytes(content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert import_("-" if from_pipe else path, tmp_path / "out.tar") == 1
    assert said in capfd.readouterr().err
    path.write_bytes(gzip.compress(content))
    assert import_(path, tmp_path / "out.tar") == 1
    assert said.partition(":")[0] in capfd.readouterr().err


def test_an_empty_tar_is_a_root_file_system_without_files(tmp_path: Path) -> None:
    (tmp_path / "empty.tar").write_bytes(bytes(10240))
    out = tmp_path / "out.tar"
    assert import_(tmp_path / "empty.tar", out, "--platform", "linux/amd64") == 0


def test_several_platforms_make_one_image(
    rootfs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    roots = [f"linux/amd64={rootfs}", f"linux/arm64={rootfs}"]
    assert import_(*roots, tmp_path / "out.tar", "-t", "app:1", "--json") == 0
    [found] = json.loads(capfd.readouterr().out)["images"]
    assert found["platforms"] == ["linux/amd64", "linux/arm64"]
    assert found["names"] == ["docker.io/library/app:1"]


@pytest.mark.parametrize("split_name", ["split.tar", "split"])
def test_what_buildx_writes_for_several_platforms_becomes_one_image(
    split_name: str, top: Path, tmp_path: Path
) -> None:
    assert import_(f"linux/amd64={top}", f"linux/arm/v7={top}", tmp_path / "a.tar") == 0
    split = tmp_path / split_name
    assert run(["export", str(tmp_path / "a.tar"), str(split)]) == 0
    assert import_(split, tmp_path / "b.tar") == 0
    assert run(["export", str(tmp_path / "b.tar"), str(tmp_path / "again")]) == 0
    names = sorted(path.name for path in (tmp_path / "again").iterdir())
    assert names == ["linux_amd64", "linux_arm_v7"]
    assert files_in_folder(tmp_path / "again" / "linux_arm_v7") == files_in_folder(top)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.tar", "out"], 1, "no such file or directory"),
        (["-", "-", "out"], 2, "one root file system only"),
        (["{rootfs}", "out", "-c", "FROM x"], 2, "none of CMD"),
        (["{rootfs}", "out", "--owner", "0"], 2, "for folders"),
        (["{rootfs}", "out", "--platform", "a b"], 2, "not a platform"),
        (["linux/amd64={rootfs}", "linux/amd64=other.tar", "out"], 1, "both have"),
        (["data.tar", "out"], 2, "--platform"),
        (["cut.tar", "out"], 1, "cut off"),
        (["lost.tar", "out"], 1, "cut off"),
        (["empty.tar", "out"], 1, "is empty"),
        (["/dev/zero", "out"], 1, "neither a file nor a folder"),
        (["bad.tar", "out"], 1, "leads out"),
        (["folder", "folder/out"], 1, "which is read"),
        (
            ["{rootfs}", "{rootfs}", "--to", "docker-archive", "--force"],
            1,
            "is source and destination",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    rootfs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "other.tar").write_bytes(layer([file("other")]))
    (tmp_path / "data.tar").write_bytes(layer([file("data", b"no program", mode=0o755)]))
    (tmp_path / "cut.tar").write_bytes(ROOTFS[:700])
    # Whole members, but no end: nothing tells that no more were to come.
    (tmp_path / "lost.tar").write_bytes(ROOTFS[: 512 * 3])
    (tmp_path / "empty.tar").touch()
    (tmp_path / "bad.tar").write_bytes(layer([file("../up")]))
    before = sorted(tmp_path.rglob("*"))
    assert import_(*(text.format(rootfs=rootfs) for text in arguments)) == code
    assert said in capfd.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
