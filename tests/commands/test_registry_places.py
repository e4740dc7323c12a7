"""Verbs that read a place read one in a registry, and take the options of registries."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.clients import Clients
from tests.commands.conftest import CommandLine
from tests.program import SAMPLES
from tests.servers.gates import basic_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

MULTI = SAMPLES / "buildx-multi-attested.tar"
AMD64 = ("--platform", "linux/amd64")


@pytest.fixture(scope="module")
def registry() -> Iterator[OciRegistry]:
    """A registry for those with a password alone."""
    with running(OciRegistry(gate=basic_gate({"ann": "secret"}))) as registry:
        yield registry


@pytest.fixture
def place(
    registry: OciRegistry, tmp_path: Path, ocilayout: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> str:
    """An image there, with a login in a file `login`; the working folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    Path("login").write_text("ann:secret\n")
    found = f"docker://{registry.host}/team/app:1"
    ocilayout.succeed("push", MULTI, found, "--creds-file", "login")
    return found


@pytest.mark.parametrize(
    ("verb", "options"),
    [
        ("ls", []),
        ("ls", ["--files", *AMD64]),
        ("inspect", []),
        ("validate", []),
        ("diff", [str(MULTI)]),
        ("diff", [str(MULTI), "--files"]),
        ("export", ["rootfs", *AMD64]),
        ("convert", ["out"]),
        ("merge", ["-o", "out"]),
        ("pull", ["out"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "".join(value[:1]),
)
def test_a_login_is_taken(
    verb: str, options: list[str], place: str, ocilayout: CommandLine
) -> None:
    ocilayout.refuse(1, "--creds-file", verb, place, *options)
    ocilayout.succeed(verb, place, *options, "--creds-file", "login")


def test_an_image_goes_from_a_registry_into_an_engine(
    place: str, ocilayout: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = Clients(tmp_path)
    clients.add_docker()
    for name, value in clients.environment.items():
        monkeypatch.setenv(name, value)
    done = ocilayout.succeed("load", place, "--creds-file", "login")
    assert done.out == "docker 20.10.24 has hello:1 linux/amd64 sha256:1\n"


def test_what_a_root_file_system_becomes_goes_to_a_registry(
    registry: OciRegistry, place: str, ocilayout: CommandLine
) -> None:
    target = f"docker://{registry.host}/team/app:rootfs"
    arguments = ("import", SAMPLES / "rootfs-amd64.tar", target)
    ocilayout.refuse(1, "--creds-file", *arguments)
    ocilayout.succeed(*arguments, "--creds-file", "login")
    assert "linux/amd64" in ocilayout.succeed("ls", target, "--creds-file", "login").out


def test_what_an_engine_has_goes_to_a_registry(
    registry: OciRegistry,
    place: str,
    ocilayout: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clients = Clients(tmp_path)
    clients.add_saving(SAMPLES / "docker-20.10-amd64.tar")
    monkeypatch.setenv("PATH", str(tmp_path))
    target = f"docker://{registry.host}/team/app:saved"
    ocilayout.succeed("save", "hello:amd64", target, "--creds-file", "login")
    assert "linux/amd64" in ocilayout.succeed("ls", target, "--creds-file", "login").out


def test_check_is_for_files(ocilayout: CommandLine) -> None:
    ocilayout.refuse(2, "pull it first", "check", "docker://registry.example/app", "--for", "k3s")
