from pathlib import Path

import pytest

from ocilayout.errors import EngineFailed
from ocilayout.stores.engine_answers import object_from, part, run, text
from tests.commands.clients import Clients


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clients:
    monkeypatch.setenv("PATH", str(tmp_path))
    return Clients(tmp_path)


@pytest.mark.parametrize("says", ['{"Os": "linux"}', '[{"Os": "linux"}, {"Os": "windows"}]'])
def test_the_first_object_is_the_answer(clients: Clients, says: str) -> None:
    clients.add("docker", {"info": {"says": says}})
    assert object_from("docker", "info") == {"Os": "linux"}


@pytest.mark.parametrize(
    ("says", "said"),
    [
        ("", "docker info did not answer in JSON"),
        ("Server: none", "docker info did not answer in JSON"),
        ("[" * 100_000, "docker info did not answer in JSON"),
        ("null", "docker info answered JSON, but no object"),
        ("[]", "docker info answered JSON, but no object"),
        ('["linux"]', "docker info answered JSON, but no object"),
        ("5", "docker info answered JSON, but no object"),
    ],
)
def test_any_other_answer_is_a_failure_of_the_engine(
    clients: Clients, says: str, said: str
) -> None:
    clients.add("docker", {"info": {"says": says}})
    with pytest.raises(EngineFailed, match=said):
        object_from("docker", "info")


def test_what_is_of_another_kind_is_as_good_as_absent() -> None:
    answer = {"Server": "20.10", "Version": {"Major": 20}, "Os": None}
    assert part(answer, "Server") == part(answer, "Client") == {}
    assert text(answer, "Version") == text(answer, "Os") == text(answer, "Id") == ""


def test_a_failure_has_the_words_of_the_client(clients: Clients) -> None:
    clients.add("docker", {"info": {"complains": "no daemon\nis here\n", "code": 1}})
    with pytest.raises(EngineFailed, match="docker failed, and says: no daemon / is here"):
        run("docker", "info")


def test_a_client_that_is_not_installed_is_named(clients: Clients) -> None:
    with pytest.raises(EngineFailed, match="podman is not in PATH"):
        run("podman", "info")
