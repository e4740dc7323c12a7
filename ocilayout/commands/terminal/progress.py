"""Progress bars, on a terminal or where they are asked for."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from ocilayout.spec.descriptor import Descriptor
from ocilayout.streams import Progress, Watch, ignore, unwatched

LARGE = 1024 * 1024
"""Bytes from which a blob has a bar of its own: smaller ones would only flicker."""


@contextmanager
def bars(total: int, wish: str, quiet: bool) -> Iterator[Watch]:
    """A bar over `total` bytes, and one for each large blob while it is read."""
    with bar(total, wish, quiet) as on_bytes:
        if on_bytes is ignore:
            yield unwatched
            return

        @contextmanager
        def watch(blob: Descriptor) -> Iterator[Progress]:
            shown: list[Any] = []

            def advance(count: int) -> None:
                on_bytes(count)
                # What counts whole at once was there already.
                if not shown and LARGE <= blob.size != count:
                    shown.append(_tqdm(blob.size, str(blob.digest)[:19]))
                if shown:
                    shown[0].update(count)

            try:
                yield advance
            finally:
                for each in shown:
                    each.close()

        yield watch


@contextmanager
def bar(total: int | None, wish: str, quiet: bool) -> Iterator[Progress]:
    """A bar over `total` bytes, if that is known; `wish` is auto, always or never."""
    shown = wish == "always" or (wish == "auto" and not quiet and _is_terminal())
    if not shown:
        yield ignore
        return
    from threading import RLock

    from tqdm import tqdm

    # Its own would be one for processes, too.
    lock = RLock()
    tqdm.set_lock(lock)
    with _tqdm(total, "total") as shown_bar:

        def advance(count: int) -> None:
            with lock:
                shown_bar.update(count)

        yield advance


def beside_bars() -> AbstractContextManager[object]:
    """While a line is written to standard error, bars are out of its way."""
    # Where tqdm was never imported, there is no bar.
    tqdm: Any = sys.modules.get("tqdm")
    return nullcontext() if tqdm is None else tqdm.tqdm.external_write_mode(sys.stderr)


def _tqdm(total: int | None, label: str) -> Any:
    from tqdm import tqdm

    return tqdm(
        desc=label,
        total=total,
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        leave=False,
        dynamic_ncols=True,
    )


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
