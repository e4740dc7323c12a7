"""Several sources as one: all their images, side by side."""

from collections.abc import Sequence

from ocilayout.blobs import SpreadBlobs
from ocilayout.graph import View
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.names import listed, names_of


def combine(sources: Sequence[ImageSource]) -> ImageSource:
    """A source that lists the images of all; raises AmbiguousName where two have one name."""
    if len(sources) == 1:
        return sources[0]
    entries = listed(entry for source in sources for entry in source.index.children)
    named = {entry.digest for entry in entries if names_of(entry)}
    unnamed: dict[Digest, Descriptor] = {}
    for entry in entries:
        if not names_of(entry) and entry.digest not in named:
            unnamed.setdefault(entry.digest, entry)
    kept = [entry for entry in entries if names_of(entry) or unnamed.get(entry.digest) is entry]
    absent = frozenset(digest for source in sources for digest in source.absent)
    return View(SpreadBlobs(sources), Index.of(kept), absent=absent)
