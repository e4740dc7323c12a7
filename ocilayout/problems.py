"""One finding of verifying."""

from typing import NamedTuple

from ocilayout.problem_kinds import KINDS as KINDS
from ocilayout.problem_kinds import LEVELS as LEVELS
from ocilayout.problem_kinds import Kind as Kind
from ocilayout.problem_kinds import Level as Level


class Problem(NamedTuple):
    """One finding."""

    code: str
    where: str
    """The document or file, and the place in it: `index.json: manifests[2].platform.variant`."""
    text: str
    """What is wrong there."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return KINDS[self.code].level

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return KINDS[self.code].remedy
