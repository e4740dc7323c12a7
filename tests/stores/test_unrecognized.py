"""What tars and directories say of themselves that hold no image at their top."""

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from ocilayout.errors import NotAnImage
from ocilayout.stores.opening import open_source
from ocilayout.stores.unrecognized import tree_refusal
from tests.image_files import layout_files, write_docker_archive, write_layout, write_oci_archive
from tests.images import make_image, make_layer, make_source, make_tar
from tests.stores.memory_files import MemoryFiles

SMALL_TAR = make_layer("hello")

TREES = {
    "rootfs": (
        ["etc/passwd", "usr/bin/env", "manifest"],
        "is a root file system, as docker export writes it, not an image: ocilayout import {} ",
    ),
    "rootfs with its directories": (["bin", "etc", "a.tar"], "ocilayout import"),
    "rootfs of a web application": (["etc", "usr", "manifest.json"], "ocilayout import"),
    "windows": (["Files/Windows/a", "Hives/Sam"], "ocilayout import"),
    "layer": (["app/.wh.old", "app/new"], "is a layer of an image, not the image"),
    "helm": (["app/Chart.yaml", "app/values.yaml"], "is a Helm chart, not an image: helm p"),
    "helm unpacked": (["Chart.yaml", "templates/a"], "is a Helm chart, not an image: helm p"),
    "before 1.10": (["repositories", "aa/layer.tar"], "by docker before 1.10"),
    "before 1.10 by id": (["aa/VERSION", "aa/json", "aa/layer.tar"], "docker 1.10 to 28 load"),
    "zarf": (["zarf.yaml", "images/index.json"], "is a Zarf package"),
    "bundle": (["config.json", "rootfs/hello"], "is a runtime bundle, not an image: "),
    "incus": (["metadata.yaml", "rootfs/hello"], "is an image of LXD or Incus"),
    "checkpoint": (["config.dump", "spec.dump", "checkpoint/a"], "podman container restore"),
    "ova": (["vm.ovf", "vm-disk1.vmdk"], "is a virtual machine (OVF)"),
    "vagrant": (["metadata.json", "Vagrantfile", "box.img"], "is a box of Vagrant"),
    "apk": ([".PKGINFO", "lib/x"], "is a package of Alpine or Arch Linux"),
    "docker storage": (["overlay2/a", "image/b", "containers/c"], "is the storage of docker"),
    "podman storage": (["overlay-images/a", "overlay/b"], "is the storage of podman"),
    "containerd storage": (["io.containerd.content.v1.content/a"], "is the storage of containerd"),
    "context": (["Dockerfile", "main.go"], "is a build context, not an image: docker buildx"),
    "buildah context": (["Containerfile"], "is a build context, not an image: podman build"),
    "no index": (["oci-layout", "blobs/sha256/aa"], "has blobs, but no index.json"),
    "other list": (["manifest.json", "sha256-aa.tar.gz"], "not one that lists images"),
    "anything": (["b/c", "a", "d", "e"], "neither index.json nor manifest.json, but a, b, d and 1"),
}

OF_TARS = {"layer", "helm", "before 1.10 by id"}
"""Those that are named by what stands deeper, of which a directory may have anything."""


def message_of(path: Path) -> str:
    """What opening a place says, which must hold no image."""
    with pytest.raises(NotAnImage) as caught, open_source(str(path)):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def unpack(top: Path, files: Mapping[str, bytes]) -> Path:
    """Files in a directory."""
    for name, content in files.items():
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(content)
    return top


@pytest.mark.parametrize("kind", TREES)
def test_a_tree_is_named_by_what_stands_at_its_top(kind: str, tmp_path: Path) -> None:
    names, said = TREES[kind]
    content = make_tar({f"./{name}": b"{}" for name in names})
    for path in (tmp_path / "tree.tar", tmp_path / "tree.tgz", tmp_path / "my tree"):
        path.write_bytes(gzip.compress(content) if path.suffix == ".tgz" else content)
        typed = f"'{path}'" if " " in path.name else str(path)
        assert said.format(typed) in message_of(path)


@pytest.mark.parametrize("kind", sorted(TREES.keys() - OF_TARS))
def test_a_directory_is_named_as_a_tar_of_it_is(kind: str, tmp_path: Path) -> None:
    names, said = TREES[kind]
    tree = unpack(tmp_path / "tree", dict.fromkeys(names, b"{}"))
    assert said.format(tree) in message_of(tree)


def test_an_empty_tar_and_an_empty_directory_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "is an empty directory" in message_of(tmp_path / "empty")
    files = MemoryFiles({})
    assert "memory.tar is an empty tar" in str(tree_refusal(files, None))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("hello.tar", SMALL_TAR),
        ("without a suffix", SMALL_TAR),
        ("images/hello.tar.gz", gzip.compress(SMALL_TAR, mtime=0)),
        ("images/Dockerfile.tar", SMALL_TAR),
        ("release/v1/images/hello.tar", SMALL_TAR),
    ],
)
@pytest.mark.parametrize("compressed", [False, True])
def test_a_tar_of_tars_names_the_member(
    name: str, content: bytes, compressed: bool, tmp_path: Path
) -> None:
    tar = make_tar({"README.md": b"text", "data.json.gz": gzip.compress(b"{}"), name: content})
    path = tmp_path / "bundle.tar"
    path.write_bytes(gzip.compress(tar) if compressed else tar)
    text = message_of(path)
    assert f"is no image, but a tar with archives inside ({name}): " in text
    typed = f"'{name}'" if " " in name else name
    assert text.endswith(f"tar xf {path} {typed}, and name that")


def test_of_many_tars_in_a_tar_some_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(make_tar({f"{n}.tar": SMALL_TAR for n in range(9)}))
    assert "(0.tar, 1.tar, 2.tar and 1 more)" in message_of(tmp_path / "a.tar")


def test_a_layout_that_lies_deeper_in_a_tar_is_named(tmp_path: Path) -> None:
    files = layout_files(make_source(make_image()))
    tar = make_tar(
        {"README.md": b"text", **{f"my/app/{name}": content for name, content in files.items()}}
    )
    (tmp_path / "a.tar").write_bytes(tar)
    text = message_of(tmp_path / "a.tar")
    assert text.endswith(f"a layout inside (my/app): tar xf {tmp_path}/a.tar my/app, and name that")


def test_a_directory_of_archives_names_one_of_them(tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "README.md").write_text("text")
    write_docker_archive(stick / "b app.tar", "app:1")
    write_layout(stick / "layout", make_source(make_image()))
    text = message_of(stick)
    assert text.startswith(f"{stick} is a directory of archives: name one of them, as ")
    assert f"'{stick}/b app.tar'" in text
    (stick / "b app.tar").unlink()
    assert f"as {stick}/layout (ocilayout ls {stick} lists all)" in message_of(stick)


def test_a_build_context_with_an_archive_names_the_archive(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    write_oci_archive(tmp_path / "app.tar", make_source(make_image()))
    assert "a directory of archives" in message_of(tmp_path)


def test_names_that_were_made_to_harm_are_shown_short_and_never_typed(tmp_path: Path) -> None:
    names = ["\x1b[2J.tar", "a" * 5000 + ".tar", "b;reboot.tar"]
    for name in names:
        (tmp_path / "a.tar").write_bytes(make_tar({name: SMALL_TAR}))
        text = message_of(tmp_path / "a.tar")
        command = text.partition(": tar xf ")[2]
        assert "\x1b" not in command
        assert len(text) < 600
    assert "'b;reboot.tar'" in command


def test_members_that_are_no_files_are_passed_over(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for kind in (tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE):
            member = tarfile.TarInfo(f"kind{kind.decode()}.tar")
            member.type, member.linkname = kind, "nowhere.tar"
            tar.addfile(member)
    (tmp_path / "a.tar").write_bytes(out.getvalue())
    assert "neither index.json nor manifest.json" in message_of(tmp_path / "a.tar")
