"""Several sources as one: all their images, side by side."""

from collections.abc import Sequence

from ocilayout.blobs import SpreadBlobs
from ocilayout.graph import View
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import attributed, identity_of
from ocilayout.spec.marks import mark_of
from ocilayout.spec.names import listed, names_of


def combine(sources: Sequence[ImageSource]) -> ImageSource:
    """A source that lists the images of all; raises AmbiguousName where two have one name."""
    if len(sources) == 1:
        return sources[0]
    entries = listed(entry for source in sources for entry in attributed(source.index))
    named = {entry.digest for entry in entries if names_of(entry)}
    unnamed: dict[object, Descriptor] = {}
    for entry in entries:
        if not names_of(entry) and entry.digest not in named:
            unnamed.setdefault(_identity(entry), entry)
    kept = [entry for entry in entries if names_of(entry) or unnamed.get(_identity(entry)) is entry]
    absent = frozenset(digest for source in sources for digest in source.absent)
    return View(SpreadBlobs(sources), Index.of(kept), absent=absent)


def _identity(entry: Descriptor) -> object:
    """What nameless entries of one image share; a mark stands once for each name of its image."""
    return entry.digest if mark_of(entry) is None else identity_of(entry)
