"""The table of engines."""

import pytest

from ocilayout.engines.facts import ALL, ENGINES, Engine, Fact, engines_named
from ocilayout.errors import UsageError


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
def test_each_fact_has_a_source(engine: Engine) -> None:
    facts = [value for value in vars(engine).values() if isinstance(value, Fact)]
    assert len(facts) >= 10
    assert all(fact.source for fact in facts)


def test_all_stands_for_every_engine_once() -> None:
    assert [engine.name for engine in engines_named((ALL, "k3s"))] == list(ENGINES)


def test_the_options_name_the_engines_of_the_table() -> None:
    from ocilayout.commands.terminal import options

    assert list(ENGINES) == list(options.ENGINES)


def test_an_engine_that_is_not_known_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"'docker-1' is no engine.*docker-20\.10"):
        engines_named(("docker-1",))
