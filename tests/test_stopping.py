import threading
import time
from collections.abc import Callable

import pytest

from ocilayout.stopping import Abandoned, Stop, pause, stop_if_abandoned, stop_when, woken_by


def ended_by(act: Callable[[], object], stop: Stop | None = None) -> BaseException | None:
    """What ends a thread that does this, and is told to stop after a moment."""
    found = stop or Stop()
    ended: list[BaseException] = []

    def work() -> None:
        stop_when(found)
        try:
            act()
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.05)
    found.set()
    thread.join(10)
    assert not thread.is_alive()
    assert found.wakers == {}
    return ended[0] if ended else None


def test_who_pauses_stops_at_once() -> None:
    start = time.monotonic()
    assert isinstance(ended_by(lambda: pause(60)), Abandoned)
    assert time.monotonic() - start < 5


def test_a_thread_that_nobody_stops_pauses_to_the_end() -> None:
    start = time.monotonic()
    pause(0.02)
    stop_if_abandoned()
    assert time.monotonic() - start >= 0.02


def test_who_waits_for_something_else_is_woken() -> None:
    woken = threading.Event()

    def work() -> None:
        with woken_by(woken.set):
            assert woken.wait(10)
            stop_if_abandoned()

    assert isinstance(ended_by(work), Abandoned)


def test_within_a_wait_another_is_woken_and_then_the_outer_again() -> None:
    calls: list[str] = []
    woken = threading.Event()

    def wake() -> None:
        calls.append("outer")
        woken.set()

    def work() -> None:
        with woken_by(wake):
            with woken_by(lambda: calls.append("inner")):
                pass
            assert woken.wait(10)

    assert ended_by(work) is None
    assert calls == ["outer"]


def test_who_was_told_before_does_not_begin_to_wait() -> None:
    stop = Stop()
    stop.set()
    assert isinstance(ended_by(lambda: woken_by(pytest.fail).__enter__(), stop), Abandoned)


def test_elsewhere_nothing_is_woken() -> None:
    with woken_by(lambda: pytest.fail("nobody was stopped")):
        Stop().set()
