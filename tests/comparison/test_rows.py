import time

from hypothesis import given
from hypothesis import strategies as st

from ocilayout.comparison.rows import Row, side_by_side

WORDS = st.lists(st.sampled_from("abc"), max_size=8)


def rows(before: str, after: str) -> str:
    found = side_by_side(before, after, str.lower, lambda one, two: "=" if one == two else "~")
    signs = {"added": "+", "removed": "-"}
    return " ".join(
        f"{signs.get(row.status, row.status)}{row.after if row.before is None else row.before}"
        for row in found
    )


def test_what_is_common_stands_in_one_row() -> None:
    assert rows("abcd", "abcd") == "=a =b =c =d"
    assert rows("abcd", "abxd") == "=a =b -c +x =d"
    assert rows("ab", "abcd") == "=a =b +c +d"
    assert rows("abcde", "bxd") == "-a =b -c +x =d -e"
    assert rows("", "a") == "+a"


def test_what_has_one_key_is_judged() -> None:
    assert rows("aBc", "abc") == "=a ~B =c"


@given(WORDS, WORDS)
def test_both_sequences_can_be_read_from_the_rows(before: list[str], after: list[str]) -> None:
    found = side_by_side(before, after, str, lambda one, two: "same")
    assert [row.before for row in found if row.before is not None] == before
    assert [row.after for row in found if row.after is not None] == after
    assert all(row.before == row.after for row in found if row.status == "same")
    assert all(isinstance(row, Row) for row in found)


def test_many_steps_take_no_time() -> None:
    before = [str(number % 7) for number in range(20_000)]
    start = time.monotonic()
    found = side_by_side(["x", *before], ["y", *before[1:]], str, lambda one, two: "same")
    side_by_side(before, before[::-1], str, lambda one, two: "same")
    assert time.monotonic() - start < 3
    assert len(found) == 20_002
