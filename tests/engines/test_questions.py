"""How a loader answers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ocilayout.engines.questions import Refusal


def test_a_refusal_passes_through_a_context_as_any_exception_does() -> None:
    @contextmanager
    def passed() -> Iterator[None]:
        yield

    with pytest.raises(Refusal, match="it is a folder") as raised, passed():
        raise Refusal("it is a folder", "seen with podman 4.3.1")
    assert raised.value.source == "seen with podman 4.3.1"
