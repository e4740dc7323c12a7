import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocilayout.registries.challenges import Challenge, parse_challenges

TOKEN = (
    'Bearer realm="https://auth.example/token",service="registry",scope="repository:a:pull,push"'
)
PARAMETERS = {
    "realm": "https://auth.example/token",
    "service": "registry",
    "scope": "repository:a:pull,push",
}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([TOKEN], [Challenge("bearer", PARAMETERS)]),
        (["Basic"], [Challenge("basic")]),
        (['BASIC realm = "a \\"b\\""'], [Challenge("basic", {"realm": 'a "b"'})]),
        (["Basic realm=plain"], [Challenge("basic", {"realm": "plain"})]),
        (
            [f'Negotiate, Basic realm="x", {TOKEN}'],
            [
                Challenge("negotiate"),
                Challenge("basic", {"realm": "x"}),
                Challenge("bearer", PARAMETERS),
            ],
        ),
        (
            ['Basic realm="x"', TOKEN],
            [Challenge("basic", {"realm": "x"}), Challenge("bearer", PARAMETERS)],
        ),
        (['Bearer realm="first",realm="second"'], [Challenge("bearer", {"realm": "first"})]),
        ([""], []),
        (["=,="], []),
    ],
)
def test_challenges_are_read(headers: list[str], expected: list[Challenge]) -> None:
    assert parse_challenges(headers) == expected


@given(st.lists(st.text(max_size=80), max_size=3))
def test_no_header_is_too_odd(headers: list[str]) -> None:
    assert all(challenge.scheme for challenge in parse_challenges(headers))


@pytest.mark.parametrize("piece", ['a="', "a=b,", "a ", ",", '"\\', "a=\t"])
def test_long_headers_are_read_in_no_time(piece: str) -> None:
    start = time.monotonic()
    parse_challenges(["Bearer " + piece * 1_000_000])
    assert time.monotonic() - start < 1
