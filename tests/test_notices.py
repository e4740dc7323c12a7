import logging

import pytest

from ocilayout import notices


def test_what_may_surprise_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    notices.warn("zeros follow the stream")
    assert caplog.record_tuples == [("ocilayout", logging.WARNING, "zeros follow the stream")]


def test_who_hears_is_told_in_place_of_the_logger(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[str, bool]] = []
    before = notices.hear(lambda text, is_warning: heard.append((text, is_warning)))
    try:
        notices.warn("zeros follow the stream")
        notices.note("read as an OCI layout")
    finally:
        notices.hear(before)
    assert heard == [("zeros follow the stream", True), ("read as an OCI layout", False)]
    assert caplog.messages == []


def test_a_choice_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="ocilayout"):
        notices.note("read as an OCI layout")
    assert caplog.record_tuples == [("ocilayout", logging.INFO, "read as an OCI layout")]


def test_a_name_with_a_percent_sign_is_said_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    notices.warn("100%s of app%d is left out")
    assert caplog.messages == ["100%s of app%d is left out"]


@pytest.mark.parametrize(
    ("count", "expected"), [(0, ""), (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more")]
)
def test_of_many_some_are_shown(count: int, expected: str) -> None:
    assert notices.some_of(range(count), 3) == expected


def test_how_many_more_there_are_is_written_for_people() -> None:
    assert notices.some_of(range(5001), 1) == "0 and 5,000 more"
