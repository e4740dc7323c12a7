"""Where images live: a module a kind, and how the right one for a place is found and opened.

What opens places is imported when it is first used: verbs that edit a layout, or that only read,
are to be quick.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocilayout.stores.destinations import destination_transport as destination_transport
    from ocilayout.stores.destinations import open_destination as open_destination
    from ocilayout.stores.opening import Opened as Opened
    from ocilayout.stores.opening import Outer as Outer
    from ocilayout.stores.opening import open_engine as open_engine
    from ocilayout.stores.opening import open_place as open_place
    from ocilayout.stores.opening import open_source as open_source
    from ocilayout.stores.opening import open_suspect as open_suspect


# No others: `from ocilayout.stores import layout_dir` asks here first.
_HOMES = {
    "Opened": "opening",
    "Outer": "opening",
    "destination_transport": "destinations",
    "open_destination": "destinations",
    "open_engine": "opening",
    "open_place": "opening",
    "open_source": "opening",
    "open_suspect": "opening",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
