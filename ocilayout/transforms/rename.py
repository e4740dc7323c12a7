"""Other names for the one image of a source."""

from collections.abc import Sequence

from ocilayout.errors import UsageError
from ocilayout.graph import listing
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed
from ocilayout.spec.marked_entries import following
from ocilayout.spec.marks import mark_of, unmarked
from ocilayout.spec.names import names_of, renamed


def rename(source: ImageSource, names: Sequence[str]) -> ImageSource:
    """The source whose one image has these names, in place of those that it had.

    Its referrers come along. Raises UsageError where there is not exactly one image.
    """
    # A referrer that was picked by itself is what is meant.
    images = images_listed(source) or list(source.index.children)
    if not images:
        raise UsageError("there is no image to name: the source has none")
    if len(images) != 1:
        known = sorted({name for entry in source.index.children for name in names_of(entry)})
        raise UsageError(
            f"a name is for one image, but {len(images)} are selected"
            f"{': ' + ', '.join(known) if known else ''}: pick one by "
            ":NAME or @DIGEST, or make them one with --index or merge"
        )
    (image,) = images
    others = [entry for entry in source.index.children if entry.digest != image.digest]
    # It may be listed for several platforms.
    same = {image.platform: image} | {
        entry.platform: entry
        for entry in source.index.children
        if entry.digest == image.digest and mark_of(entry) is None
    }
    entries = [new for entry in same.values() for new in renamed(unmarked(entry), names)] + others
    return listing(source, following(source.index, entries))
