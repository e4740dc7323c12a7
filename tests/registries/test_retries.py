import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate

import pytest

from ocilayout.errors import NotEncrypted, Unanswered
from ocilayout.registries import retries
from ocilayout.registries.http import Answer, Http
from ocilayout.registries.retries import ATTEMPTS, LONGEST, pauses, persistently, retry_after
from tests.servers.faults import Fault, answering
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


@pytest.fixture
def ask(registry: OciRegistry) -> Callable[[], Answer]:
    client = Http(lambda host: ssl.create_default_context())
    return lambda: client.send("GET", f"{registry.url}/v2/", {})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What would have been waited, in seconds."""
    waits: list[float] = []
    monkeypatch.setattr(retries, "pause", waits.append)
    return waits


def stated(ask: Callable[[], Answer], registry: OciRegistry, text: str) -> float:
    registry.faults.append(Fault("*", "", answering(429, {"Retry-After": text})))
    return retry_after(ask())


def test_pauses_grow_and_end() -> None:
    found = list(pauses(12))
    assert [0.25 * 2**n <= pause < 0.375 * 2**n for n, pause in enumerate(found[:8])] == [True] * 8
    assert all(LONGEST <= pause <= LONGEST * 1.5 for pause in found[8:])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        ("60", 60),
        ("1000000000", 60),
        ("9" * 4000, 60),
        ("-5", 0),
        ("1e9", 0),
        ("٧", 0),
        ("soon", 0),
        ("", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60),
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", 0),
    ],
)
def test_what_a_server_asks_to_wait_is_capped(
    ask: Callable[[], Answer], registry: OciRegistry, text: str, seconds: float
) -> None:
    # Headers are Latin-1 on the wire.
    assert stated(ask, registry, text.encode().decode("latin-1")) == seconds


def test_a_server_may_ask_to_wait_until_a_moment(
    ask: Callable[[], Answer], registry: OciRegistry
) -> None:
    moment = formatdate(time.time() + 30, usegmt=True)
    assert 25 < stated(ask, registry, moment) <= 30


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(
    ask: Callable[[], Answer], registry: OciRegistry, status: int, waits: list[float]
) -> None:
    registry.faults.append(Fault("*", "", answering(status, {"Retry-After": "5"}), times=3))
    assert persistently(ask).status == 200
    assert waits == [5, 5, 5]


@pytest.mark.parametrize("status", [200, 307, 400, 401, 403, 404, 501])
def test_what_will_not_pass_is_asked_once(
    ask: Callable[[], Answer], registry: OciRegistry, status: int, waits: list[float]
) -> None:
    registry.faults.append(Fault("*", "", answering(status)))
    assert persistently(ask).status == status
    assert waits == []


def test_a_storm_without_an_end_is_told_in_the_end(
    ask: Callable[[], Answer], registry: OciRegistry, waits: list[float]
) -> None:
    registry.faults.append(Fault("*", "", answering(503), times=None))
    assert persistently(ask).status == 503
    assert len(waits) == ATTEMPTS - 1
    assert len(registry.requests) == ATTEMPTS


@pytest.mark.parametrize(
    ("error", "attempts"), [(Unanswered("gone"), 4), (NotEncrypted("it is not TLS"), 1)]
)
def test_who_does_not_answer_is_asked_as_often_as_patience_says(
    error: Unanswered, attempts: int, waits: list[float]
) -> None:
    asked = []

    def ask() -> Answer:
        asked.append(1)
        raise error

    with pytest.raises(type(error)):
        persistently(ask, lambda: 4)
    assert len(asked) == attempts
