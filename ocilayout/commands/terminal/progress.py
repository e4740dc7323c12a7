"""Progress bars, on a terminal or where they are asked for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ocilayout.streams import Progress, ignore


@contextmanager
def bar(total: int, wish: str, quiet: bool) -> Iterator[Progress]:
    """A bar over `total` bytes; `wish` is auto, always or never."""
    shown = wish == "always" or (wish == "auto" and not quiet and _is_terminal())
    if not shown:
        yield ignore
        return
    import threading

    from tqdm import tqdm

    lock = threading.Lock()
    with tqdm(total=total, unit="B", unit_scale=True, unit_divisor=1024, leave=False) as shown_bar:

        def advance(count: int) -> None:
            with lock:
                shown_bar.update(count)

        yield advance


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
