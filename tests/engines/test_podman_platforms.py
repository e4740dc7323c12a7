"""Which image of an index podman chooses."""

import pytest

from ocilayout.engines.member import Member
from ocilayout.engines.podman_platforms import chosen
from ocilayout.spec.platform import Platform


def member(platform: str | None) -> Member:
    stated = None if platform is None else Platform.parse(platform)
    return Member(None, stated, True, listed_platform=stated)


@pytest.mark.parametrize(
    ("machine", "listed", "expected"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], "linux/amd64"),
        ("linux/amd64", ["linux/386"], None),
        ("linux/amd64", ["linux/amd64/v3"], None),
        ("linux/amd64", ["windows/amd64"], None),
        ("linux/arm64", ["linux/arm/v7"], None),
        ("linux/arm64", ["linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm64", ["linux/arm64", "linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6"], "linux/arm/v6"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm"], "linux/arm"),
        ("linux/amd64", ["linux/arm64", None], None),
    ],
)
def test_it_goes_by_names_alone(
    machine: str, listed: list[str | None], expected: str | None
) -> None:
    found = chosen([member(each) for each in listed], Platform.parse(machine))
    assert (found and found.listed_platform) == (expected and Platform.parse(expected))
    assert (found is None) == (expected is None and None not in listed)
