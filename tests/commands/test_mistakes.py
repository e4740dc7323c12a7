"""Words in the wrong place: told as what they are, before anything is asked of a network."""

import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_source

pytestmark = pytest.mark.usefixtures("nobodys_logins")


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory with an image in it, and no network."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("it asked a network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.chdir(tmp_path)
    write_layout(Path("layout"), make_source(make_image().named("app:1")))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("push layout ./out", "./out is a path, not an image in a registry"),
        ("push layout /out", "/out is a path"),
        ("push layout ../out/", "../out/ is a path"),
        ("push layout out.tar", "out.tar is the name of an archive"),
        ("push layout out.tar.gz:1 --dry-run", "out.tar.gz:1 is the name of an archive"),
        ("push layout app.sif --json", "app.sif is the name of an archive"),
        ("push layout oci:out", "oci:out is a place of the transport oci:"),
        ("push layout docker-daemon:app", "a place of the transport docker-daemon:"),
        ("push layout dir:out/", "dir:out/ is a place of the transport dir:"),
        ("pull oci-archive:in out", "a place of the transport oci-archive:"),
        ("pull ./in out", "./in is a path"),
        ("pull alpine in.tar out", "in.tar is the name of an archive"),
        ("pull containers-storage:app out", "a place of the transport containers-storage:"),
        ("pull https://registry.example/app out", "write it without https://"),
        ("save in.tar app:1", "in.tar is the name of an archive, not an image in an engine"),
        ("save oci:layout out", "oci:layout is a place of the transport oci:"),
    ],
)
def test_a_file_is_no_image_in_a_registry_or_an_engine(
    ocilayout: CommandLine, call: str, said: str
) -> None:
    ocilayout.refuse(2, said, *call.split())
    assert os.listdir() == ["layout"]


@pytest.mark.parametrize(
    ("call", "right"),
    [
        ("push registry.example/app layout", "ocilayout push layout registry.example/app,"),
        ("push registry.example/app:1 in.tar", "ocilayout push in.tar registry.example/app:1,"),
        ("push docker://app ./layout", "ocilayout push ./layout docker://app,"),
        ("pull oci:out registry.example/app:1", "ocilayout pull registry.example/app:1 oci:out"),
        ("pull out.tar alpine:3", "ocilayout pull alpine:3 out.tar"),
    ],
)
def test_arguments_in_the_wrong_order_are_told_in_the_right_one(
    ocilayout: CommandLine, call: str, right: str
) -> None:
    done = ocilayout.refuse(2, "wants an image in a registry", *call.split())
    assert right in done.err


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("convert out.tar layout", "the destination comes last, but layout is what exists"),
        ("export rootfs layout", "the destination comes last, but layout is what exists"),
        ("import rootfs.tar layout", "the destination comes last, but layout is what exists"),
        ("merge a.tar b.tar -o layout", "the destination comes last, but layout is what exists"),
        ("tag app:2 layout", "PLACE comes first, as in ocilayout tag layout app:2"),
    ],
)
def test_a_source_that_does_not_exist_may_be_the_destination(
    ocilayout: CommandLine, call: str, said: str
) -> None:
    done = ocilayout.refuse(1, "no such file or directory", *call.split())
    assert said in done.err


@pytest.mark.parametrize(
    "call",
    [
        "tag layout reg/foo/screenApp:1",
        "convert layout out -t reg/foo/screenApp:1",
        "convert layout out:reg/foo/screenApp:1",
        "convert layout out.tar --tag reg/foo/screenApp:1",
        "merge layout -o out -t reg/foo/screenApp:1",
        "import layout out -t reg/foo/screenApp:1",
        "load layout -t reg/foo/screenApp:1",
        "push layout reg/foo/screenApp:1",
        "push layout docker://reg/foo/screenApp:1 --all-tags",
        "pull reg/foo/screenApp:1 out",
        "pull alpine out -t reg/foo/screenApp:1",
        "save app out -t reg/foo/screenApp:1",
        "ls docker://reg/foo/screenApp:1",
        "convert docker://reg/foo/screenApp:1 out",
    ],
)
def test_a_name_with_capitals_is_suggested_in_lower_case(ocilayout: CommandLine, call: str) -> None:
    done = ocilayout.refuse(2, "has capitals", *call.split())
    assert "write reg/foo/screenapp:1" in done.err
    assert os.listdir() == ["layout"]


@pytest.mark.parametrize(
    "call",
    [
        "convert layout out{}",
        "convert layout out{}:app:1",
        "convert layout out{} --dry-run",
        "merge layout -o out{}",
        "export layout out{}",
        "import layout out{}",
        "pull alpine out{}",
        "save app out{}",
    ],
)
@pytest.mark.parametrize("suffix", [".sif", ".squashfs", ".ext4", ".iso", ".qcow2", ".IMG"])
def test_a_file_system_or_a_disk_is_not_written(
    ocilayout: CommandLine, call: str, suffix: str
) -> None:
    said = f"out{suffix}: {suffix.lower()} is no kind of tar that is written here"
    ocilayout.refuse(2, said, *call.format(suffix).split())
    assert os.listdir() == ["layout"]


def test_a_directory_may_be_called_like_a_disk(ocilayout: CommandLine) -> None:
    ocilayout.succeed("convert", "layout", "oci:out.img")
    ocilayout.succeed("convert", "layout", "out.img:app:2")
    assert "app:2" in ocilayout.succeed("ls", "out.img").out
