"""Asking again: after a while, and a bounded number of times."""

import random
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import chain

from ocilayout import notices
from ocilayout.errors import NotEncrypted, Unanswered
from ocilayout.registries.http import Answer
from ocilayout.registries.origin import Origin
from ocilayout.stopping import pause

ATTEMPTS = 7
FIRST_ATTEMPTS = 3
"""Where nothing ever answered: a name that is misspelled should not take long to be told."""
LONGEST = 60.0
"""Seconds: a server that asks for more is asked again after these."""
FIRST = 0.25
WORTH_A_WORD = 5.0
"""Seconds."""
RETRIABLE = frozenset({408, 429, 500, 502, 503, 504})


def persistently(
    send: Callable[[], Answer],
    patience: Callable[[], int] = lambda: ATTEMPTS,
    attempts: int = ATTEMPTS,
) -> Answer:
    """What `send` gets in the end: an answer that asking again would not change, or the last one.

    Raises Unanswered where there was none, after as many attempts as `patience` then says, and
    never more than `attempts`.
    """
    for attempt, seconds in enumerate(chain(pauses(attempts - 1), [None]), 1):
        try:
            answer = send()
        except Unanswered as error:
            if seconds is None or isinstance(error, NotEncrypted) or attempt >= patience():
                raise
            pause(seconds)
            continue
        if seconds is None or answer.status not in RETRIABLE:
            return answer
        answer.discard()
        wait(Origin.of(answer.url).address, max(seconds, retry_after(answer)))
    raise AssertionError("the last attempt returns or raises")


def wait(host: str, seconds: float) -> None:
    """Wait before `host` is asked again, and say so where a person would wonder."""
    if seconds >= WORTH_A_WORD:
        notices.note(f"{host} is asked again in {seconds:.0f} seconds")
    pause(seconds)


def pauses(count: int) -> Iterator[float]:
    """Seconds to wait between attempts: doubled each time, and by chance up to half as long again.

    So that many who were refused together do not come back together.
    """
    for exponent in range(count):
        yield min(LONGEST, FIRST * 2**exponent) * (1 + random.random() / 2)


def retry_after(answer: Answer) -> float:
    """The seconds that a server asks to wait (RFC 9110, section 10.2.3); at most LONGEST."""
    stated = answer.headers.get("Retry-After", "").strip()
    if stated.isascii() and stated.isdigit():
        return min(LONGEST, float(stated[:9]))
    try:
        moment = parsedate_to_datetime(stated).timestamp()
    except (ValueError, OverflowError):
        return 0.0
    return min(LONGEST, max(0.0, moment - time.time()))
