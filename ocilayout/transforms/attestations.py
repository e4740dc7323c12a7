"""Drop attestations: BuildKit's `unknown/unknown` members, and all that refers to an image."""

from ocilayout import members
from ocilayout.graph import is_attestation, refers_to
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor


def without_attestations(source: ImageSource) -> ImageSource:
    """The source without attestations and referrers."""

    def edit(descriptor: Descriptor) -> Descriptor | None:
        if is_attestation(descriptor):
            return None
        if descriptor.digest in source.absent or refers_to(source, descriptor) is None:
            return descriptor
        return None

    return members.edited(source, edit)
