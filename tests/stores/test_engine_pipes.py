import os
from pathlib import Path

import pytest

from ocilayout.errors import EngineFailed
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_clients import Client
from ocilayout.stores.engine_pipes import loading, saving
from ocilayout.streams import FileWriter
from tests.commands.clients import Clients

MACHINE = Platform("linux", "amd64")
DOCKER = Client("docker", ("docker",), "29", MACHINE)


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("PATH", str(tmp_path))
    return Clients(tmp_path)


def test_an_engine_gets_what_is_written_and_is_listened_to(clients: Clients) -> None:
    clients.add_docker(complains="a warning")
    with loading(DOCKER) as pipe:
        os.write(pipe.descriptor, b"a tar")
        pipe.finished = True
    assert (clients.folder / "got.tar").read_bytes() == b"a tar"
    assert pipe.words == "Loaded image: hello:1\n\na warning"


def test_an_engine_that_takes_a_part_has_failed(clients: Clients) -> None:
    clients.add_docker(takes=4, complains="unexpected EOF", code=1)
    with pytest.raises(EngineFailed, match="unexpected EOF"), loading(DOCKER) as pipe:
        FileWriter(pipe.descriptor, "the client").write(bytes(1 << 20))


def test_who_gives_up_gets_no_words_of_the_engine_instead(clients: Clients) -> None:
    clients.add_docker(complains="unexpected EOF", code=1)
    with pytest.raises(ZeroDivisionError), loading(DOCKER):
        raise ZeroDivisionError


def test_an_engine_gives_a_tar(clients: Clients) -> None:
    archive = clients.folder / "saved.tar"
    archive.write_bytes(b"a tar")
    clients.add_saving(archive)
    with saving(DOCKER, ["app:1"]) as content:
        assert content.read() == b"a tar"
    assert clients.calls() == [["docker", "save", "app:1"]]


def test_the_tar_of_an_engine_that_fails_has_no_end(clients: Clients) -> None:
    archive = clients.folder / "saved.tar"
    archive.write_bytes(b"half a tar")
    clients.add_saving(archive, complains="disk on fire", code=1)
    with pytest.raises(EngineFailed, match="disk on fire"), saving(DOCKER, ["app:1"]) as content:
        content.read()


@pytest.mark.parametrize(
    ("kind", "program", "words"),
    [
        ("podman", "podman", "save --quiet --format docker-archive --multi-image-archive a:1 b:2"),
        ("containerd", "nerdctl", "save --platform linux/arm64 a:1 b:2"),
        (
            "containerd",
            "ctr",
            "images export --platform linux/arm64 - docker.io/library/a:1 docker.io/library/b:2",
        ),
    ],
)
def test_each_client_is_asked_in_its_own_words(
    clients: Clients, kind: str, program: str, words: str
) -> None:
    clients.add(program, {"": {}})
    client = Client(kind, (program,), "1", MACHINE)
    with saving(client, ["a:1", "b:2"], [Platform("linux", "arm64")]) as content:
        content.read()
    assert clients.calls() == [[program, *words.split()]]
