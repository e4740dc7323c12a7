"""Two sequences side by side, as `diff` sees two files: layers, and the steps of a build."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_PAIRS = 256 * 256
"""Beyond that a stretch without a common end is replaced as a whole: matching takes the square of
its length, and images have no more than 127 layers."""


@dataclass(frozen=True)
class Row(Generic[T]):
    """What stands in one place of both, or of one of them."""

    before: T | None
    after: T | None
    status: str
    """added, removed, or what was judged of both."""


def side_by_side(
    before: Sequence[T],
    after: Sequence[T],
    key: Callable[[T], Hashable],
    judge: Callable[[T, T], str],
) -> tuple[Row[T], ...]:
    """Both sequences in order; what has the same key stands in one row, and is judged."""
    ours, theirs = [key(item) for item in before], [key(item) for item in after]
    rows: list[Row[T]] = []
    for is_common, i, j, k, m in _stretches(ours, theirs):
        if is_common:
            pairs = zip(before[i:j], after[k:m], strict=True)
            rows.extend(Row(one, other, judge(one, other)) for one, other in pairs)
        else:
            rows.extend(Row(one, None, "removed") for one in before[i:j])
            rows.extend(Row(None, other, "added") for other in after[k:m])
    return tuple(rows)


Stretch = tuple[bool, int, int, int, int]
"""Whether both have it in common, and where it starts and ends in each."""


def _stretches(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> Iterator[Stretch]:
    start = _common(ours, theirs)
    end = _common(ours[start:][::-1], theirs[start:][::-1])
    last, other_last = len(ours) - end, len(theirs) - end
    yield True, 0, start, 0, start
    if (last - start) * (other_last - start) > MAX_PAIRS:
        yield False, start, last, start, other_last
    else:
        matcher = SequenceMatcher(None, ours[start:last], theirs[start:other_last], autojunk=False)
        for tag, i, j, k, m in matcher.get_opcodes():
            yield tag == "equal", start + i, start + j, start + k, start + m
    yield True, last, len(ours), other_last, len(theirs)


def _common(ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> int:
    """How many are the same from the start."""
    pairs = enumerate(zip(ours, theirs, strict=False))
    differing = (position for position, (one, other) in pairs if one != other)
    return next(differing, min(len(ours), len(theirs)))
