"""A blob that is no document, and what others say of it."""

from dataclasses import dataclass, field

from ocilayout.rootfs.layer_check import LayerShape
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest


@dataclass
class Leaf:
    """Where it was met first, and what it has to be."""

    descriptor: Descriptor
    where: str
    is_layer: bool = False
    """Whether an image is to be unpacked from it. oras calls any file of an artifact a layer."""
    diff_ids: set[Digest] = field(default_factory=set)
    """What it must inflate to: more than one, if images disagree, is more than it can."""
    shape: LayerShape | None = None
    """What reading all of a layer found; None before, and where something is wrong."""
