"""Image files of every kind about which engines differ, each made here and small.

`KINDS` is the whole table by name. What an engine makes of each is never written down here: the
tests load the file into the real engine, and ask `check` for its prediction.
"""

from collections.abc import Mapping

from tests.real.kinds import configs, indexes, layers, members, names
from tests.real.kinds.files import Kind

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for module in (names, configs, layers, members, indexes)
    for kind in module.kinds()
}
