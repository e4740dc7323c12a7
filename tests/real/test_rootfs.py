"""Root file systems beside what docker and umoci make of the same images and tars."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.real.artefacts import reading
from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.engines import Docker
from tests.real.tools import ToolFailed, require, require_root, run_tool
from tests.rootfs.layer_tars import (
    Found,
    device,
    file,
    files_in_folder,
    files_in_tar,
    folder,
    hardlink,
    layer,
    opaque,
    symlink,
    whiteout,
    write_layout,
)

SAMPLES = Path(__file__).parents[2] / "samples"

# What docker puts into every container, in place of what may be there, and the folders that it
# makes where they lack (moby, daemon/initlayer/setup_unix.go).
DOCKER_PUTS = {
    *(".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"),
}
DOCKER_MAKES = {"dev", "dev/pts", "dev/shm", "etc", "proc", "sys"}


def images_in(image_file: Path) -> list[str]:
    """Each container image that is whole in a file, as a place."""
    found = reading(image_file)
    done = ocilayout("ls", "--files", "--json", image_file)
    if done.returncode:
        assert not found.images
        assert_refused(done, "no container image")
        return []
    images = {image["digest"] for image in json.loads(done.stdout)["images"]}
    assert len(images) == len(found.images)
    return [f"{image_file}@{digest}" for digest in sorted(images)]


def exported(place: str, folder: Path) -> dict[str, Found]:
    succeed("export", "--devices", place, folder)
    return files_in_folder(folder)


def test_export_is_what_umoci_unpacks(image_file: Path, tmp_path: Path) -> None:
    require("umoci")
    require_root("umoci")
    for number, place in enumerate(images_in(image_file)):
        where = tmp_path / str(number)
        where.mkdir()
        plain = ["--compression", "gzip", "--media-types", "oci", "--attestations", "drop"]
        succeed("convert", place, f"oci:{where / 'layout'}", *plain, "-t", "image:v1")
        run_tool("umoci", "unpack", "--image", f"{where / 'layout'}:v1", where / "bundle")
        theirs = files_in_folder(where / "bundle" / "rootfs")
        assert exported(place, where / "ours") == theirs


def test_export_is_what_docker_exports(image_file: Path, docker: Docker, tmp_path: Path) -> None:
    for number, place in enumerate(images_in(image_file)):
        archive, theirs = tmp_path / f"{number}.tar", tmp_path / f"{number}-docker.tar"
        succeed("convert", place, archive, "--compression", "gzip", "-t", "image:v1")
        docker.load(archive)
        container = docker.run_client("create", "--workdir=/", "image:v1", "/none").strip()
        docker.run_client("export", "--output", theirs, container)
        docker.empty()
        ours = tmp_path / f"{number}-ours.tar"
        succeed("export", place, ours)
        assert_same_but_for_docker(files_in_tar(ours), files_in_tar(theirs))
        # The folder and the tar are one and the same.
        folder = exported(place, tmp_path / f"{number}-ours")
        assert folder == files_in_tar(ours)


def assert_same_but_for_docker(ours: dict[str, Found], theirs: dict[str, Found]) -> None:
    assert theirs.keys() - ours.keys() <= DOCKER_PUTS | DOCKER_MAKES
    assert ours.keys() <= theirs.keys()
    for path in ours.keys() - DOCKER_PUTS:
        mine, other = ours[path], theirs[path]
        if path in {"dev", "etc"}:
            # They have a new time, since docker put something into them.
            mine, other = replace(mine, mtime=0), replace(other, mtime=0)
        assert mine == other, path


def test_layers_with_everything_in_them_unpack_as_with_umoci(tmp_path: Path) -> None:
    require("umoci")
    require_root("umoci")
    note = {"SCHILY.xattr.user.note": "hello", "SCHILY.xattr.security.capability": CAPABILITY}
    layers = [
        [
            folder("bin", mode=0o755),
            file("bin/su", b"su", mode=0o4755),
            file("bin/ping", b"ping", mode=0o755, pax=note),
            hardlink("bin/ping6", "bin/ping"),
            folder("tmp", mode=0o1777),
            folder("locked", mode=0o000),
            file("locked/secret", b"s", mode=0o000, uid=12, gid=34),
            folder("opaque"),
            file("opaque/gone"),
            folder("dev"),
            device("dev/null"),
            device("dev/sda", tarfile.BLKTYPE, (8, 0)),
            device("dev/pipe", tarfile.FIFOTYPE, (0, 0)),
            symlink("link", "/nowhere/at/all"),
            symlink("up", "../../../etc"),
            folder("real"),
            symlink("alias", "real"),
            file("old", b"old", mtime=1),
        ],
        [
            whiteout("old"),
            folder("opaque"),
            opaque("opaque"),
            file("opaque/new", b"n"),
            file("alias/through", b"t"),
            folder("link", mode=0o700),
            file("link/now-a-folder", b"f"),
            hardlink("lower", "bin/su"),
            folder("real", mode=0o750, mtime=1_600_000_000),
        ],
    ]
    layout = write_layout(tmp_path / "l", {"linux/amd64": [layer(items) for items in layers]})
    run_tool("umoci", "unpack", "--image", f"{layout}:v1", tmp_path / "bundle")
    theirs = files_in_folder(tmp_path / "bundle" / "rootfs")
    ours = exported(str(layout), tmp_path / "ours")
    assert ours == theirs
    assert "old" not in ours
    assert ours["bin/ping"].xattrs


CAPABILITY = "\x01\x00\x00\x02\x00\x20\x00\x00" + "\x00" * 12


CHANGES = [
    'CMD ["/hello", "a b"]',
    "CMD echo $HOME 'x y'",
    "CMD []",
    'ENTRYPOINT ["/hello"]',
    "ENTRYPOINT /hello one",
    "ENV A=1",
    "ENV A=1 B=\"two words\" C='single $A' D=a\\ b E=${A:-none} F=${NONE:-none}${A:+set}",
    "ENV OLD form with  spaces",
    "ENV A=1\nENV B=$A-${A}-\\$A",
    "EXPOSE 80 443/udp 8000-8003/TCP",
    'LABEL a=b "c d"="e f" org.example.x="multi\\\nline"',
    "LABEL k some value",
    "ONBUILD RUN echo hi && true",
    "onbuild   COPY . /app",
    "USER 1000:1000",
    "ENV U=me\nUSER $U",
    'VOLUME /data /logs "/odd"',
    'VOLUME ["/with space", "/two"]',
    "WORKDIR /srv/app",
    "WORKDIR relative/../path",
    "WORKDIR /a\nWORKDIR b",
    "HEALTHCHECK NONE",
    "HEALTHCHECK CMD curl -f http://localhost/ || exit 1",
    'HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=500ms --retries=3 CMD ["/hello"]',
    "# a comment\n\nUSER nobody",
    "ENV LONG=a \\\n  OTHER=b",
    "env Lower=a\n\tUSER   root  ",
    "LABEL with.quotes=\"a \\\"b\\\" c\" and='it''s'",
]


def test_changes_are_what_docker_import_makes_of_them(docker: Docker, tmp_path: Path) -> None:
    rootfs = SAMPLES / "rootfs-amd64.tar"
    for number, change in enumerate(CHANGES):
        docker.import_(rootfs, f"theirs:{number}", change)
        archive = tmp_path / f"{number}.tar"
        succeed("import", rootfs, archive, "-c", change, "-t", f"ours:{number}")
        docker.load(archive)
    for number, change in enumerate(CHANGES):
        theirs, ours = (inspected(docker, f"{name}:{number}") for name in ("theirs", "ours"))
        assert ours == theirs, change


@pytest.mark.parametrize("stop_signal", ["SIGKILL", "9"])
def test_docker_sees_the_stop_signal(stop_signal: str, docker: Docker, tmp_path: Path) -> None:
    # docker 20.10 has no STOPSIGNAL in its own import; later ones have.
    change = f"STOPSIGNAL {stop_signal}"
    archive = tmp_path / "image.tar"
    succeed("import", SAMPLES / "rootfs-amd64.tar", archive, "-c", change, "-t", "ours:1")
    docker.load(archive)
    assert inspected(docker, "ours:1")["Config"]["StopSignal"] == stop_signal


def inspected(docker: Docker, name: str) -> dict[str, Any]:
    found = json.loads(docker.run_client("image", "inspect", name))[0]
    keys = ("Config", "Comment", "Architecture", "Os", "RootFS")
    return {key: found[key] for key in keys}


@pytest.mark.parametrize(
    "change",
    [
        "FROM scratch",
        "RUN true",
        "ENV",
        "ENV A",
        "ENV A=1 B",
        "ENV LONG=a\\\n  b",
        'ENV A="open',
        "STOPSIGNAL SIGNOTHING",
        "EXPOSE http",
        "ONBUILD FROM x",
        "HEALTHCHECK curl",
        "HEALTHCHECK --interval=soon CMD x",
        "HEALTHCHECK NONE x",
        "VOLUME",
    ],
)
def test_what_docker_refuses_is_refused(change: str, docker: Docker, tmp_path: Path) -> None:
    rootfs = SAMPLES / "rootfs-amd64.tar"
    with pytest.raises(ToolFailed):
        docker.import_(rootfs, "theirs:1", change)
    done = ocilayout("import", rootfs, tmp_path / "x.tar", "-c", change)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_container_travels_as_a_root_file_system(docker: Docker, tmp_path: Path) -> None:
    succeed("convert", SAMPLES / "docker-20.10-amd64.tar", tmp_path / "in.tar", "-t", "in:1")
    docker.load(tmp_path / "in.tar")
    container = docker.run_client("create", "in:1").strip()
    rootfs, archive = tmp_path / "rootfs.tar", tmp_path / "out.tar"
    docker.run_client("export", "--output", rootfs, container)
    docker.empty()
    succeed("import", rootfs, archive, "-t", "out:1", "-c", 'CMD ["/hello"]', "-m", "by hand")
    docker.load(archive)
    assert docker.run("out:1") == "Hello from linux/amd64\n"
    found = json.loads(docker.run_client("image", "inspect", "out:1"))[0]
    assert found["Comment"] == "by hand"
    assert found["RootFS"]["Layers"] == ["sha256:" + run_tool("sha256sum", rootfs).split()[0]]


def test_every_root_file_system_of_the_corpus_is_imported(
    rootfs_file: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "image.tar"
    succeed("import", rootfs_file, archive, "-t", "image:1", "--platform", "linux/amd64")
    succeed("export", archive, tmp_path / "out.tar")
    expected = {
        path: replace(found, xattrs=()) for path, found in files_in_tar(rootfs_file).items()
    }
    ours = files_in_tar(tmp_path / "out.tar")
    assert {path: replace(found, xattrs=()) for path, found in ours.items()} == expected
