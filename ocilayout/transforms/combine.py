"""Several sources as one: all their images, side by side."""

from collections.abc import Sequence

from ocilayout.blobs import SpreadBlobs
from ocilayout.errors import AmbiguousName
from ocilayout.graph import View
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.marked_entries import attributed, identity_of
from ocilayout.spec.marks import mark_of
from ocilayout.spec.names import listed, names_of


def combine(sources: Sequence[ImageSource], labels: Sequence[str] = ()) -> ImageSource:
    """A source that lists the images of all; raises AmbiguousName where two have one name.

    `labels` call the sources in messages, if each has one.
    """
    if len(sources) == 1:
        return sources[0]
    if labels:
        _refuse_same_names(sources, labels)
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
    """What nameless entries share that say the same.

    A mark stands once for each name of its image, and an image for each of its platforms.
    """
    if mark_of(entry) is not None:
        return identity_of(entry)
    return entry.digest, entry.platform and entry.platform.normalized


def _refuse_same_names(sources: Sequence[ImageSource], labels: Sequence[str]) -> None:
    owners: dict[str, tuple[Digest, str]] = {}
    for source, label in zip(sources, labels, strict=True):
        for entry in source.index.children:
            for name in names_of(entry):
                digest, owner = owners.setdefault(name, (entry.digest, label))
                if digest != entry.digest and owner != label:
                    raise AmbiguousName(
                        f"{name} is {digest} in {owner}, but {entry.digest} in {label}: take them "
                        "one by one, one of them with --tag OTHER, or make them one with merge"
                    )
