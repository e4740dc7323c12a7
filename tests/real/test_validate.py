"""What real tools write, and what is written of it, has no error."""

from pathlib import Path

import pytest

from ocilayout.problems import Problem
from ocilayout.stores import open_suspect
from ocilayout.verify import find_problems
from tests.real.artefacts import reading
from tests.real.conversions import Conversions

WARNINGS = {
    "layers-empty": "umoci makes images that have no layers yet",
    "layer-type-mismatch": "skopeo's dir: has plain layers that keep the label of gzip",
    "platform-absent": "docker 29 and ctr save the platforms that they have",
}
"""What tools are known for."""


def problems_in(place: Path | str) -> list[Problem]:
    with open_suspect(str(place)) as opened:
        return list(find_problems(opened.source, jobs=2))


def assert_sound(problems: list[Problem], *, sparse: bool) -> None:
    usual = WARNINGS.keys() | ({"index-empty-handed", "blob-missing"} if sparse else set())
    found = [problem for problem in problems if problem.level != "note"]
    assert [problem for problem in found if problem.code not in usual] == []


def test_validate_finds_no_error(image_file: Path) -> None:
    assert_sound(problems_in(image_file), sparse=bool(reading(image_file).missing))


def test_validate_finds_no_error_in_what_is_written(
    image_file: Path, form: str, conversions: Conversions
) -> None:
    result = conversions.get(image_file, form)
    if result is None:
        pytest.skip("it has no form for this")
    problems = problems_in(f"{form}:{result.path}")
    assert_sound(problems, sparse=bool(reading(image_file).missing))
