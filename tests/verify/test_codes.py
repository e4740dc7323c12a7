"""Each code has a place that shows it, and a line in the documentation."""

from pathlib import Path

import pytest

from ocilayout.problems import KINDS, LEVELS
from tests.commands.conftest import CommandLine
from tests.commands.conftest import ocilayout as ocilayout
from tests.program import ROOT
from tests.verify.spoiled import SPOILED


def test_every_code_has_a_place_that_shows_it() -> None:
    assert SPOILED.keys() == KINDS.keys()


@pytest.mark.parametrize("code", KINDS)
def test_a_place_shows_its_code_and_no_error_but_its_own(
    ocilayout: CommandLine,
    tmp_path: Path,
    code: str,
) -> None:
    done = ocilayout("validate", "--json", SPOILED[code](tmp_path))
    (place,) = done.json["places"]
    problems = place["problems"]
    assert code in {problem["code"] for problem in problems}
    errors = {problem["code"] for problem in problems if problem["level"] == "error"}
    assert errors <= {code}, problems
    assert done.code == (3 if errors else 0)


def test_the_documentation_has_a_line_for_every_code() -> None:
    text = (ROOT / "docs/validate.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{code}` | {kind.level} | {kind.meaning} | {kind.remedy[0].upper()}{kind.remedy[1:]}. |"
        for level in LEVELS
        for code, kind in KINDS.items()
        if kind.level == level
    ]
