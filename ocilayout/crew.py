"""Threads that work for one caller: results come in order, and the first failure ends all."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import count
from math import inf
from types import TracebackType
from typing import TypeVar

from ocilayout.stopping import Abandoned, Stop, stop_if_abandoned, stop_when

MAX_THREADS = 8
"""What keeps memory within its bounds on machines with many processors."""
_POLL = 0.1
"""Seconds. A signal that another thread received only wakes the main one when it looks up."""

R = TypeVar("R")


class Crew:
    """Threads that live while it is entered; leaving waits for them, with an error not for long.

    The first that fails stops the others, and its error is raised where the crew is left.
    """

    def __init__(self) -> None:
        self._stopped = Stop()
        self._numbers = count()
        self._failures: list[tuple[int, BaseException]] = []
        self._pools: dict[str, ThreadPoolExecutor] = {}

    def __enter__(self) -> "Crew":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)
        if self._failures and isinstance(error, Abandoned):
            # Of several the one that was asked for first, as if there had been no threads.
            raise min(self._failures, key=lambda failure: failure[0])[1] from None

    def submit(self, task: Callable[[], R], trade: str) -> "Future[R]":
        """Let a thread of that trade begin `task` when one is free.

        A thread keeps the memory that it once took, so it should go on with work of one kind.
        """
        if trade not in self._pools:
            self._pools[trade] = ThreadPoolExecutor(
                MAX_THREADS, trade, initializer=stop_when, initargs=(self._stopped,)
            )
        return self._pools[trade].submit(self._guarded, next(self._numbers), task)

    def result(self, future: "Future[R]") -> R:
        """What became of a task; raises Abandoned where it, or one that it was with, failed."""
        self._wait({future})
        return future.result()

    def in_order(
        self, tasks: Iterable[Callable[[], R]], trade: str, at_once: int, *, ahead: float = inf
    ) -> Iterator[R]:
        """The results of `tasks` in their order, `at_once` of them begun and not ended.

        No more than `ahead` are begun whose results have not been taken.
        """
        begun: deque[Future[R]] = deque()
        running: set[Future[R]] = set()
        for task in tasks:
            begun.append(self.submit(task, trade))
            running.add(begun[-1])
            while len(running) >= at_once:
                running -= self._wait(running)
            while begun and (begun[0].done() or len(begun) >= ahead):
                yield self.result(begun.popleft())
        while begun:
            yield self.result(begun.popleft())

    def _guarded(self, number: int, task: Callable[[], R]) -> R:
        try:
            stop_if_abandoned()
            return task()
        except Abandoned:
            raise
        except BaseException as error:
            self._failures.append((number, error))
            self._stopped.set()
            raise Abandoned from None

    def _wait(self, running: "set[Future[R]]") -> "set[Future[R]]":
        while not (done := wait(running, _POLL, FIRST_COMPLETED).done):
            continue
        return done
