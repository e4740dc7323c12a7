"""The table of engines."""

import pytest

from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.strictest import strictest
from ocilayout.engines.table import (
    ALL,
    ENGINES,
    choices,
    engine_of,
    engines_named,
    families,
)
from ocilayout.errors import UsageError

DOCKER = ["docker-20.10", "docker-23", "docker-25", "docker-29", "docker-29-containerd"]


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
def test_each_fact_has_a_source(engine: Engine) -> None:
    facts = [value for value in vars(engine).values() if isinstance(value, Fact)]
    assert len(facts) >= 10
    assert all(fact.source for fact in facts)


def test_all_stands_for_every_engine_once() -> None:
    assert [engine.name for engine in engines_named((ALL, "k3s"))] == list(ENGINES)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("docker", DOCKER),
        ("containerd", ["containerd-1.6", "containerd-2"]),
        ("docker-29-containerd", ["docker-29-containerd"]),
        ("docker-20.10.24", ["docker-20.10"]),
        ("docker-20.10.24+dfsg1", ["docker-20.10"]),
        ("docker-24", ["docker-23"]),
        ("docker-25.0.3", ["docker-25"]),
        ("docker-v28.5.0", ["docker-25"]),
        ("docker-30.1", ["docker-29"]),
        ("docker-28.2-containerd", ["docker-29-containerd"]),
        ("containerd-1.7.27", ["containerd-1.6"]),
        ("containerd-2.1.0", ["containerd-2"]),
        ("podman-4.9", ["podman"]),
        ("k3s-1.31", ["k3s"]),
    ],
)
def test_a_name_means_rows(name: str, rows: list[str]) -> None:
    assert [engine.name for engine in engines_named([name])] == rows


@pytest.mark.parametrize(
    ("name", "mention"),
    [
        ("docker-1", "before 20.10"),
        ("docker-19.03.15", "before 20.10"),
        ("docker-24-containerd", "before 25"),
        ("containerd-1.5", "before 1.6"),
        ("lxc", r"'lxc' is no engine.*docker-20\.10.*containerd, all"),
        ("lxc-5", "'lxc-5' is no engine"),
        ("docker-", "is no engine"),
        ("docker-x", "is no engine"),
        ("docker-25-zfs", "is no engine"),
        ("docker-²", "is no engine"),
    ],
)
def test_what_is_not_known_is_wrong_usage(name: str, mention: str) -> None:
    with pytest.raises(UsageError, match=mention):
        engines_named([name])


def test_families_of_several_rows_are_choices() -> None:
    assert choices() == (*ENGINES, "docker", "containerd")


def test_the_row_of_an_engine_that_answers_follows_from_its_version() -> None:
    assert engine_of("docker", "19.03.15").name == "docker-20.10"
    assert engine_of("docker", "24.0.9", "containerd").name == "docker-29-containerd"
    assert engine_of("containerd", "v2.0.0-rc.1").name == "containerd-2"
    assert engine_of("containerd", "of the house").name == "containerd-1.6"


def test_what_a_whole_family_takes_is_what_each_row_takes() -> None:
    docker = strictest("docker", families()["docker"])
    assert docker.name == "docker"
    assert docker.layers.value == {"none", "gzip"}
    assert docker.outer.value == {"none", "gzip", "bzip2", "xz"}
    assert docker.systems.value == {"linux"}
    assert docker.most_layers == ENGINES["docker-29"].most_layers
    assert docker.forms == ("docker-archive",)


def test_what_one_row_takes_is_that_row() -> None:
    assert strictest("docker-25.0.3", [ENGINES["docker-25"]]) is ENGINES["docker-25"]
