import json
from pathlib import Path

import pytest

from ocilayout.errors import EngineFailed
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_clients import Client, Held, answering, held
from tests.commands.clients import Clients

DOCKER = Client("docker", ("docker",), "29", Platform("linux", "amd64"))


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("PATH", str(tmp_path))
    return Clients(tmp_path)


def inspecting(image: object) -> dict[str, dict[str, object]]:
    return {"image inspect": {"says": json.dumps(image)}}


@pytest.mark.parametrize("answer", [None, [], "podman 5", 5])
def test_an_engine_that_talks_nonsense_has_failed(clients: Clients, answer: object) -> None:
    clients.add("podman", {"info": {"says": json.dumps(answer)}})
    with pytest.raises(EngineFailed, match="podman info --format json answered"):
        answering("podman")


@pytest.mark.parametrize("answer", [{}, {"host": "here", "version": "5"}, {"host": {"os": 5}}])
def test_an_engine_may_say_less_of_itself(clients: Clients, answer: object) -> None:
    clients.add("podman", {"info": {"says": json.dumps(answer)}})
    assert answering("podman").title == "podman"


@pytest.mark.parametrize("image", [None, [], [None], "app:1"])
def test_an_engine_that_talks_nonsense_of_an_image_has_failed(
    clients: Clients, image: object
) -> None:
    clients.add("docker", inspecting(image))
    with pytest.raises(EngineFailed, match="docker image inspect app:1 answered"):
        held(DOCKER, "Loaded image: app:1\n")


def test_an_engine_may_say_less_of_an_image(clients: Clients) -> None:
    clients.add("docker", inspecting([{"Id": None, "Os": 5}]))
    assert held(DOCKER, "Loaded image: app:1\n") == [Held("app:1", "", ())]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("Loaded image: app:1\nLoaded image: web:2\n", ["app:1", "web:2"]),
        ("Loaded image(s): app:1,web:2\n", ["app:1", "web:2"]),
        ("Loaded image: app:1\nLoaded image: app:1\n", ["app:1"]),
        ("Loaded image ID: sha256:1\n", [""]),
        ("unpacking\n", []),
    ],
)
def test_an_engine_is_asked_for_what_it_says_it_loaded(
    clients: Clients, words: str, names: list[str]
) -> None:
    clients.add("docker", inspecting([{"Id": "1", "Os": "linux", "Architecture": "arm64"}]))
    assert held(DOCKER, words) == [Held(name, "sha256:1", ("linux/arm64",)) for name in names]
