import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from ocilayout.crew import Crew
from ocilayout.stopping import stop_if_abandoned


def after(seconds: float, result: int) -> int:
    time.sleep(seconds)
    return result


def failing(error: Exception, when: Callable[[], object]) -> int:
    when()
    raise error


def busy(begun: threading.Event) -> int:
    """Works until it is told to stop."""
    begun.set()
    while True:
        stop_if_abandoned()
        time.sleep(0.001)


@pytest.mark.parametrize("at_once", [1, 3, 20])
def test_results_come_in_the_order_of_the_tasks(at_once: int) -> None:
    tasks = [partial(after, 0.002 * (10 - number), number) for number in range(10)]
    with Crew() as crew:
        assert list(crew.in_order(tasks, "count", at_once)) == list(range(10))


def test_tasks_are_not_begun_before_there_is_room() -> None:
    running: list[int] = []
    most: list[int] = []

    def work() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.002)
        running.pop()

    with Crew() as crew:
        list(crew.in_order([work] * 20, "count", 3))
    assert max(most) <= 3


def test_no_more_is_begun_than_may_wait_to_be_taken() -> None:
    begun: list[int] = []

    def begin(number: int) -> None:
        begun.append(number)
        if number == 0:
            time.sleep(0.05)

    tasks = [partial(begin, number) for number in range(9)]
    with Crew() as crew:
        results = crew.in_order(tasks, "count", 2, ahead=4)
        next(results)
        assert len(begun) <= 4
        assert len(list(results)) == 8


def test_a_slow_first_task_does_not_hold_up_the_others() -> None:
    others = threading.Event()

    def first() -> bool:
        return others.wait(timeout=10)

    def last() -> bool:
        others.set()
        return True

    with Crew() as crew:
        assert all(crew.in_order([first, *[lambda: True] * 20, last], "count", 2))


def test_an_error_stops_the_others_and_is_raised_where_the_crew_is_left() -> None:
    begun = threading.Event()
    tasks = [partial(busy, begun), partial(failing, ValueError("mine"), begun.wait)]
    with pytest.raises(ValueError, match="mine"), Crew() as crew:
        list(crew.in_order(tasks, "work", 2))


def test_of_two_errors_the_one_of_the_first_task_is_raised() -> None:
    both = threading.Barrier(2)
    tasks = [partial(failing, ValueError(str(number)), both.wait) for number in range(2)]
    with pytest.raises(ValueError, match="0"), Crew() as crew:
        list(crew.in_order(tasks, "work", 2))


def test_an_error_of_the_caller_stops_all_and_stays() -> None:
    before, begun = threading.active_count(), threading.Event()

    def leave_early() -> None:
        with Crew() as crew:
            crew.submit(partial(busy, begun), "work")
            begun.wait()
            raise KeyError

    with pytest.raises(KeyError):
        leave_early()
    assert threading.active_count() == before


def test_who_is_in_no_crew_is_never_told_to_stop() -> None:
    with Crew():
        stop_if_abandoned()
    stop_if_abandoned()
