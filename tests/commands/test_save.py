"""`save` with clients that are programs of the tests; real ones are in tests/real."""

from pathlib import Path

import pytest

from tests.commands.clients import Clients
from tests.real.command_line import assert_refused, ocilayout
from tests.real.readers import read

SAMPLES = Path(__file__).parents[2] / "samples"
TWO = SAMPLES / "docker-20.10-two-images.tar"


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Clients(folder)


def test_several_are_saved_at_once(clients: Clients, tmp_path: Path) -> None:
    clients.add_saving(TWO)
    target = tmp_path / "out"
    done = ocilayout(
        "save", "hello:amd64", "greeter", f"oci:{target}", environment=clients.environment
    )
    assert done.returncode == 0, done.stderr
    assert clients.calls()[-1] == ["docker", "save", "hello:amd64", "greeter"]
    assert read(target).images == {(item.config, item.diff_ids) for item in read(TWO).saved}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "out"]


def test_a_client_that_fails_half_way_leaves_nothing(clients: Clients, tmp_path: Path) -> None:
    clients.add_saving(TWO, complains="Error: disk on fire\n", code=1)
    target = tmp_path / "out.tar"
    done = ocilayout("save", "hello:amd64", target, environment=clients.environment)
    assert_refused(done, "docker failed", "disk on fire")
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


@pytest.mark.parametrize("name", ["--all", "", "a b"])
def test_a_name_cannot_be_an_option_of_the_client(
    name: str, clients: Clients, tmp_path: Path
) -> None:
    clients.add_saving(TWO)
    done = ocilayout("save", "--", name, tmp_path / "out.tar", environment=clients.environment)
    assert done.returncode == 2
    assert not (clients.folder / "calls").exists()


def test_an_engine_is_a_place_to_convert_from(clients: Clients, tmp_path: Path) -> None:
    clients.add_saving(TWO)
    done = ocilayout(
        "convert",
        "docker-daemon:hello:amd64",
        f"oci:{tmp_path / 'out'}",
        environment=clients.environment,
    )
    assert done.returncode == 0, done.stderr
    assert clients.calls()[-1] == ["docker", "save", "hello:amd64"]


@pytest.mark.parametrize("engine", [[], ["--engine", "docker"]])
def test_a_name_may_say_its_engine(engine: list[str], clients: Clients, tmp_path: Path) -> None:
    clients.add_saving(TWO)
    names = ("docker-daemon:hello:amd64", "greeter")
    target = f"oci:{tmp_path / 'out'}"
    done = ocilayout("save", *names, target, *engine, environment=clients.environment)
    assert done.returncode == 0, done.stderr
    assert clients.calls()[-1] == ["docker", "save", "hello:amd64", "greeter"]


@pytest.mark.parametrize(
    ("names", "engine", "said"),
    [
        (["podman:app:1"], ["--engine", "docker"], "but --engine says docker"),
        (["podman:app:1", "docker-daemon:db:2"], [], "are in several engines"),
        (["podman:--all"], [], "is no name of an image"),
    ],
)
def test_engines_that_contradict_one_another_are_refused(
    names: list[str], engine: list[str], said: str, clients: Clients, tmp_path: Path
) -> None:
    clients.add_saving(TWO)
    done = ocilayout("save", *engine, *names, tmp_path / "a", environment=clients.environment)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (clients.folder / "calls").exists()
