"""What all rows of a family take: the one that `convert --for docker` has to please."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from ocilayout.engines.facts import Engine, Fact, Words

Value = TypeVar("Value")


def strictest(family: str, rows: Sequence[Engine]) -> Engine:
    """A row that takes what each of these takes, and nothing more; raises ValueError for none."""
    first, *others = rows
    for row in others:
        first = _both(first, row)
    return replace(first, name=family) if others else first


def _both(one: Engine, other: Engine) -> Engine:
    return replace(
        one,
        outer=_stricter(one.outer, other.outer, _fewer),
        layers=_stricter(one.layers, other.layers, _fewer),
        systems=_stricter(one.systems, other.systems, _fewer_systems),
        platforms=_stricter(one.platforms, other.platforms, lambda a, b: a),
        sparse=_stricter(one.sparse, other.sparse, min),
        nameless=_stricter(one.nameless, other.nameless, min),
        tag_alone=_stricter(one.tag_alone, other.tag_alone, min),
        referrers=_stricter(one.referrers, other.referrers, min),
        artifacts=_stricter(one.artifacts, other.artifacts, min),
        full_names=_stricter(one.full_names, other.full_names, max),
        window=_either(one.window, other.window, min),
        most_layers=_either(one.most_layers, other.most_layers, min),
        diff_ids=_either(one.diff_ids, other.diff_ids, _fewer),
        ends_at=_stricter(one.ends_at, other.ends_at, lambda a, b: a | b),
        forms=tuple(form for form in one.forms if form in other.forms),
    )


def _stricter(
    one: Fact[Value], other: Fact[Value], choose: Callable[[Value, Value], Value]
) -> Fact[Value]:
    value = choose(one.value, other.value)
    source = one.source if value == one.value else other.source
    return Fact(value, source)


def _either(
    one: Fact[Value] | None, other: Fact[Value] | None, choose: Callable[[Value, Value], Value]
) -> Fact[Value] | None:
    if one is None or other is None:
        return one or other
    return _stricter(one, other, choose)


def _fewer(one: Words, other: Words) -> Words:
    return one & other


def _fewer_systems(one: Words, other: Words) -> Words:
    """No systems stands for all of them."""
    return one & other if one and other else one | other
