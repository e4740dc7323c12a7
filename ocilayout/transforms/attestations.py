"""Drop attestations: BuildKit's `unknown/unknown` members, and all that refers to an image.

cosign's signatures refer by their tags.
"""

from ocilayout import members
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_referrer
from ocilayout.spec.descriptor import Descriptor


def without_attestations(source: ImageSource) -> ImageSource:
    """The source without attestations and referrers."""

    def edit(descriptor: Descriptor) -> Descriptor | None:
        return None if is_referrer(source, descriptor) else descriptor

    return members.edited(source, edit)
