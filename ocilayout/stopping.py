"""How threads are ended: they are told, and find it out wherever bytes pass or they wait.

A thread cannot be ended from outside, and no signal arrives in one but the first.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_here = threading.local()


class Abandoned(BaseException):
    """Raised in a thread whose work nobody waits for any more: not an error of its own."""


class Stop(threading.Event):
    """Tells threads to end, and wakes those that wait for what no event ends."""

    def __init__(self) -> None:
        super().__init__()
        self.wakers: dict[int, Callable[[], None]] = {}
        """What wakes each thread, by its number."""

    def set(self) -> None:
        """Tell them."""
        super().set()
        for wake in list(self.wakers.values()):
            wake()


def stop_when(stopped: Stop) -> None:
    """Let this thread end soon after `stopped` is set."""
    _here.stopped = stopped


def stop_if_abandoned() -> None:
    """Raises Abandoned in a thread that was told to end; nothing in any other."""
    stopped: Stop | None = getattr(_here, "stopped", None)
    if stopped is not None and stopped.is_set():
        raise Abandoned


def pause(seconds: float) -> None:
    """Wait; raises Abandoned in a thread that is told to end meanwhile."""
    stopped: Stop | None = getattr(_here, "stopped", None)
    if stopped is None:
        time.sleep(seconds)
    elif stopped.wait(seconds):
        raise Abandoned


@contextmanager
def woken_by(wake: Callable[[], None]) -> Iterator[None]:
    """Meanwhile, `wake` is called from outside if this thread is told to end."""
    stopped: Stop | None = getattr(_here, "stopped", None)
    if stopped is None:
        yield
        return
    me = threading.get_ident()
    # A body that is sent may itself be read from a connection.
    outer = stopped.wakers.get(me)
    stopped.wakers[me] = wake
    try:
        # It may have been told just before.
        stop_if_abandoned()
        yield
    finally:
        if outer is None:
            del stopped.wakers[me]
        else:
            stopped.wakers[me] = outer
