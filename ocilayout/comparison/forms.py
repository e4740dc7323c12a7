"""Images in another form: engines and Docker archives keep the config, not the manifest.

What such a place gives has a manifest that was made for the occasion, and layers compressed as its
tool does it. The config, which is the image id, lists the diff ids of all layers: it says which
image it is.
"""

from collections.abc import Iterator, Sequence

from ocilayout.capabilities import MadeSource
from ocilayout.comparison.images import PlatformDifference
from ocilayout.comparison.members import members_of
from ocilayout.graph import View
from ocilayout.pick import only_image
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.spec.platform import Platform
from ocilayout.transforms.missing import settle_missing


def has_made_manifests(reader: BlobReader) -> bool:
    """Whether a source had to make its manifests, as of a Docker archive without an OCI layout."""
    if isinstance(reader, View):
        return has_made_manifests(reader.base)
    return isinstance(reader, MadeSource)


def platforms_held(source: ImageSource) -> tuple[Platform, ...]:
    """The platforms of which the one image of a source is here; raises AmbiguousName."""
    members = members_of(settle_missing(source, "keep"), only_image(source))
    return tuple(
        member.platform for member in members if member.manifest is not None and member.platform
    )


def form_words(differences: Sequence[PlatformDifference]) -> Iterator[str]:
    """What differs in form of images that are the same by their config, a sentence for each."""
    for found in differences:
        words = list(_form_of(found))
        if found.is_same_by_config and words:
            yield f"{found.platform}: differs in form alone: {'; '.join(words)}"


def _form_of(found: PlatformDifference) -> Iterator[str]:
    fields = dict.fromkeys(".".join(change.path) for change in found.manifest)
    if fields:
        yield f"manifest ({', '.join(fields)})"
    recompressed = sum(row.status == "other bytes" for row in found.layers)
    described = sum(row.status == "other descriptor" for row in found.layers)
    for count, what in ((recompressed, "with other bytes"), (described, "described otherwise")):
        if count:
            yield f"{count} layer{'s' * (count > 1)} {what}"
    if found.before and found.after and not found.is_attested_alike:
        yield f"attestations ({found.before.referrers} and {found.after.referrers})"
