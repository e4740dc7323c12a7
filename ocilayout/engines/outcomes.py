"""What becomes of an image file in an engine: a verdict for each image, and the worst for all."""

from dataclasses import dataclass
from typing import Literal

from ocilayout.engines.facts import Engine
from ocilayout.spec.platform import Platform

Verdict = Literal["loads", "name lost", "not unpacked", "broken", "nothing kept", "refused"]

_FROM_BAD_TO_WORSE: tuple[Verdict, ...] = (
    "loads",
    "name lost",
    "not unpacked",
    "broken",
    "nothing kept",
    "refused",
)


def is_worse(one: Verdict, other: Verdict) -> bool:
    """Whether less can be done with what is `one` than with what is `other`."""
    return _FROM_BAD_TO_WORSE.index(one) > _FROM_BAD_TO_WORSE.index(other)


@dataclass(frozen=True)
class Outcome:
    """What becomes of one image of a file."""

    title: str
    """What the file calls it."""
    digest: str
    verdict: Verdict
    """`broken`: the engine ends well, and no container can be made of it."""
    names: tuple[str, ...] = ()
    """What the engine will call it."""
    platforms: tuple[Platform, ...] = ()
    """Those that the engine will have; where it takes its machine's own, those it can choose from.
    """
    lost_names: tuple[str, ...] = ()
    """Which names of the file cannot be asked for, in words."""
    lost_parts: tuple[str, ...] = ()
    """What else is lost, in words."""
    reason: str = ""
    """Why it does not load."""
    source: str = ""
    """How we know."""
    is_usable: bool = True
    """Whether an image whose name is lost can be run by one of `names`."""

    runs: bool = True
    """Whether the machine runs something of it, where that is known."""
    taken: Platform | None = None
    """Which of its platforms the machine takes, where that is known."""

    @property
    def loads(self) -> bool:
        """Whether it can be run there, by its name or by the one that it gets."""
        is_named = self.verdict == "loads" or (self.verdict == "name lost" and self.is_usable)
        return is_named and self.runs

    @property
    def is_dropped(self) -> bool:
        """Whether it has no name, and nothing is kept of it."""
        return self.verdict == "nothing kept" and self.title == self.digest

    @property
    def lost(self) -> tuple[str, ...]:
        """All of it that is lost."""
        return (*self.lost_names, *self.lost_parts)


@dataclass(frozen=True)
class Prediction:
    """What becomes of a file in an engine."""

    engine: Engine
    outcomes: tuple[Outcome, ...]

    @property
    def _that_count(self) -> tuple[Outcome, ...]:
        """All but those that have no name and are not kept, where others are: old images that stay
        in a layout when their name moves on."""
        kept = tuple(found for found in self.outcomes if not found.is_dropped)
        return kept or self.outcomes

    @property
    def verdict(self) -> Verdict:
        """The worst of its images."""
        verdicts = [outcome.verdict for outcome in self._that_count]
        return max(verdicts, key=_FROM_BAD_TO_WORSE.index, default="refused")

    @property
    def loads(self) -> bool:
        """Whether all of it does."""
        return bool(self.outcomes) and all(outcome.loads for outcome in self._that_count)
