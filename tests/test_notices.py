import logging

import pytest

from ocilayout import notices


def test_what_may_surprise_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    notices.warn("zeros follow the stream")
    assert caplog.record_tuples == [("ocilayout", logging.WARNING, "zeros follow the stream")]


def test_a_choice_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="ocilayout"):
        notices.note("read as an OCI layout")
    assert caplog.record_tuples == [("ocilayout", logging.INFO, "read as an OCI layout")]


def test_a_name_with_a_percent_sign_is_said_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    notices.warn("100%s of app%d is left out")
    assert caplog.messages == ["100%s of app%d is left out"]
