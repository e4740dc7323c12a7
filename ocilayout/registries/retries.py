"""Asking again: after a while, and a bounded number of times."""

import random
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from itertools import chain, repeat

from ocilayout.errors import NotEncrypted, Unanswered
from ocilayout.registries.http import Answer
from ocilayout.stopping import pause

ATTEMPTS = 7
LONGEST = 60.0
"""Seconds: a server that asks for more is asked again after these."""
_FIRST = 0.25
RETRIABLE = frozenset({408, 429, 500, 502, 503, 504})


def persistently(send: Callable[[], Answer], attempts: int = ATTEMPTS) -> Answer:
    """What `send` gets in the end: an answer that asking again would not change, or the last one.

    Raises Unanswered where there never was one.
    """
    for seconds in chain(pauses(attempts - 1), [None]):
        try:
            answer = send()
        except Unanswered as error:
            if seconds is None or isinstance(error, NotEncrypted):
                raise
            pause(seconds)
            continue
        if seconds is None or answer.status not in RETRIABLE:
            return answer
        answer.discard()
        pause(max(seconds, retry_after(answer)))
    raise AssertionError("the last attempt returns or raises")


def pauses(count: int) -> Iterator[float]:
    """Seconds to wait between attempts: doubled each time, and by chance up to half as long again.

    So that many who were refused together do not come back together.
    """
    for exponent, _ in enumerate(repeat(None, count)):
        yield min(LONGEST, _FIRST * 2**exponent) * (1 + random.random() / 2)


def retry_after(answer: Answer) -> float:
    """The seconds that a server asks to wait (RFC 9110, section 10.2.3); at most LONGEST."""
    stated = answer.headers.get("Retry-After", "").strip()
    if stated.isascii() and stated.isdigit():
        return min(LONGEST, float(stated[:9]))
    try:
        moment = parsedate_to_datetime(stated)
    except ValueError:
        return 0.0
    import time

    return min(LONGEST, max(0.0, moment.timestamp() - time.time()))
