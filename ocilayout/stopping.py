"""How threads are ended: they are told, and find it out wherever bytes pass.

A thread cannot be ended from outside, and no signal arrives in one but the first.
"""

import threading
import time

_here = threading.local()


class Abandoned(BaseException):
    """Raised in a thread whose work nobody waits for any more: not an error of its own."""


def stop_when(stopped: threading.Event) -> None:
    """Let this thread end soon after `stopped` is set."""
    _here.stopped = stopped


def stop_if_abandoned() -> None:
    """Raises Abandoned in a thread that was told to end; nothing in any other."""
    stopped: threading.Event | None = getattr(_here, "stopped", None)
    if stopped is not None and stopped.is_set():
        raise Abandoned


def pause(seconds: float) -> None:
    """Wait; raises Abandoned at once in a thread that is told to end meanwhile."""
    stopped: threading.Event | None = getattr(_here, "stopped", None)
    if stopped is None:
        time.sleep(seconds)
    elif stopped.wait(seconds):
        raise Abandoned
