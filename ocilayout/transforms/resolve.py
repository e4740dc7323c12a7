"""What a selection leads to that exists: images, and the indexes that were there before.

A selection makes indexes of what it keeps. Where it is written they come to exist; where it is
only shown, people would look for digests that are nowhere.
"""

from ocilayout.graph import changes, listing, manifests_below, read_document
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_referrer
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import INDEXES
from ocilayout.spec.names import names_of, renamed


def resolved(source: ImageSource, *, referrers: bool) -> ImageSource:
    """The source with the image, under its names, for each index that leads to one image alone.

    With `referrers`, what speaks of the image in that index is listed beside it.
    """
    entries = [
        new for entry in source.index.children for new in _resolved(source, entry, referrers)
    ]
    return listing(source, entries)


def _resolved(source: ImageSource, entry: Descriptor, referrers: bool) -> list[Descriptor]:
    if entry.media_type not in INDEXES or entry.digest in source.absent:
        return [entry]
    below = list(manifests_below(source, [entry]))
    images = [member for member in below if not is_referrer(source, member)]
    if len(images) != 1:
        return [entry]
    (image,) = images
    beside = [member for member in below if member is not image] if referrers else []
    return [*renamed(image, names_of(entry)), *beside]


def originals(source: ImageSource, selected: ImageSource) -> dict[Digest, Descriptor]:
    """The index of `source` that each index which was made for a selection of it was made from."""
    became = changes(selected)
    there: set[Digest] = set()
    found: dict[Digest, Descriptor] = {}
    pending = list(source.index.children)
    while pending:
        descriptor = pending.pop()
        if descriptor.digest in there:
            continue
        there.add(descriptor.digest)
        if descriptor.media_type in INDEXES and descriptor.digest in became:
            found[became[descriptor.digest].digest] = descriptor
            pending.extend(read_document(source, descriptor).children)
    # An index that is left with one member became that.
    return {digest: index for digest, index in found.items() if digest not in there}
