import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.errors import CompressionError
from ocilayout.exact_reader import ExactReader
from tests.byte_streams import dribble

CONTENT = bytes(range(100))


def reader(content: bytes = CONTENT) -> ExactReader:
    return ExactReader(io.BytesIO(content), "layer x", "gzip")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30)), st.lists(st.integers(0, 30)))
def test_exact_numbers_of_bytes_are_taken_however_they_arrive(
    portions: list[int], counts: list[int]
) -> None:
    source = ExactReader(dribble(CONTENT, portions), "layer x", "gzip")
    position = 0
    for count in counts:
        if position + count > len(CONTENT):
            with pytest.raises(CompressionError, match="layer x: the gzip stream is cut off"):
                source.take(count)
            return
        assert source.take(count) == CONTENT[position : position + count]
        position += count
    assert source.at_end() is (position == len(CONTENT))


def test_some_bytes_are_taken_without_waiting_for_more() -> None:
    source = ExactReader(dribble(CONTENT, [3]), "layer x", "gzip")
    assert [source.take_some(2), source.take_some(9), source.take_some(2)] == [
        b"\x00\x01",
        b"\x02",
        b"\x03\x04",
    ]


def test_what_is_given_back_is_taken_next() -> None:
    source = reader()
    source.take_some(4)
    source.give_back(2)
    assert source.take(3) == b"\x02\x03\x04"


def test_what_is_given_back_at_the_end_is_taken_too() -> None:
    source = reader(b"ab")
    source.take_some(2)
    source.give_back(1)
    assert not source.at_end()
    assert source.take(1) == b"b"
    assert source.at_end()


def test_what_is_peeked_at_stays() -> None:
    source = ExactReader(dribble(CONTENT, [1, 1, 1]), "layer x", "gzip")
    assert source.take(1) == b"\x00"
    assert source.peek(4) == b"\x01\x02\x03\x04"
    assert source.take(99) == CONTENT[1:]
    assert source.peek(4) == b""


def test_a_text_is_taken_with_its_mark() -> None:
    source = ExactReader(dribble(b"name\0rest", [2, 2, 2]), "layer x", "gzip")
    assert source.take_through(b"\0", 100) == b"name\0"
    assert source.take(4) == b"rest"


def test_a_text_without_end_is_refused_at_the_limit() -> None:
    with pytest.raises(CompressionError, match="more than 50 bytes"):
        reader(b"x" * 1000).take_through(b"\0", 50)


def test_bytes_are_passed_over() -> None:
    source = reader()
    source.skip(97)
    assert source.take(3) == b"abc"
    with pytest.raises(CompressionError, match="cut off"):
        reader().skip(101)


def test_a_number_has_its_lowest_byte_first() -> None:
    assert reader(b"\x01\x02\x00\xff").integer(3) == 0x0201
    assert reader().integer(0) == 0
