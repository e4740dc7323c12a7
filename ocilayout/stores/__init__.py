"""Where images live: a module a kind, and `opening`, which finds the right one for a place.

What opens places is imported when it is first used: it needs all kinds, and verbs that edit a
layout are to be quick.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocilayout.stores.opening import BY_NAME as BY_NAME
    from ocilayout.stores.opening import Opened as Opened
    from ocilayout.stores.opening import Outer as Outer
    from ocilayout.stores.opening import destination_transport as destination_transport
    from ocilayout.stores.opening import open_destination as open_destination
    from ocilayout.stores.opening import open_engine as open_engine
    from ocilayout.stores.opening import open_place as open_place
    from ocilayout.stores.opening import open_source as open_source
    from ocilayout.stores.opening import open_suspect as open_suspect
    from ocilayout.stores.opening import scratch_folder as scratch_folder


# No others: `from ocilayout.stores import layout_dir` asks here first.
_FROM_OPENING = {
    "BY_NAME",
    "Opened",
    "Outer",
    "destination_transport",
    "open_destination",
    "open_engine",
    "open_place",
    "open_source",
    "open_suspect",
    "scratch_folder",
}


def __getattr__(name: str) -> object:
    if name not in _FROM_OPENING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.opening"), name)
