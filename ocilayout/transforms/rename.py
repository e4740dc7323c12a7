"""Other names for the one image of a source."""

from collections.abc import Sequence

from ocilayout.errors import UsageError
from ocilayout.graph import View, is_attestation, refers_to
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.names import names_of, renamed


def rename(source: ImageSource, names: Sequence[str]) -> ImageSource:
    """The source whose one image has these names, in place of those that it had.

    Its referrers come along. Raises UsageError where there is not exactly one image.
    """
    images: dict[object, Descriptor] = {}
    others: list[Descriptor] = []
    for entry in source.index.children:
        if _is_referrer(source, entry):
            others.append(entry)
        else:
            images.setdefault(entry.digest, entry)
    if len(images) != 1:
        known = sorted({name for entry in source.index.children for name in names_of(entry)})
        raise UsageError(
            f"a name is for one image, but {len(images)} are selected"
            f"{': ' + ', '.join(known) if known else ''}: pick one by "
            ":NAME or @DIGEST, or make them one with merge"
        )
    (image,) = images.values()
    entries = [*renamed(image, names), *others]
    index = source.index.with_fields(manifests=[dict(entry.fields) for entry in entries])
    return View(source, index, absent=source.absent)


def _is_referrer(source: ImageSource, entry: Descriptor) -> bool:
    if is_attestation(entry):
        return True
    return entry.digest not in source.absent and refers_to(source, entry) is not None
