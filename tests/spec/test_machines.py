"""Which platforms Go has a word for."""

import pytest

from ocilayout.spec.machines import is_known
from ocilayout.spec.platform import Platform


@pytest.mark.parametrize(
    "text", ["linux/amd64", "linux/loong64", "linux/arm/v5", "windows/arm64", "wasip1/wasm"]
)
def test_known(text: str) -> None:
    assert is_known(Platform.parse(text))


@pytest.mark.parametrize("text", ["linux/sparc", "windows/s390x", "haiku/amd64"])
def test_unknown(text: str) -> None:
    assert not is_known(Platform.parse(text))
