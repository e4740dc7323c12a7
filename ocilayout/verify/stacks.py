"""Whether the layers of an image, one over the other, make a file system."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ocilayout.errors import CannotHold
from ocilayout.graph import read_manifest
from ocilayout.problems import Problem
from ocilayout.protocols import BlobReader
from ocilayout.rootfs.flatten import flatten
from ocilayout.rootfs.layer_check import LayerShape
from ocilayout.rootfs.tree import MAX_HELD, MAX_NODES
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.verify.leaf import Leaf
from ocilayout.verify.telling import READING, told

_MAX_LAYERS = 1000
"""Layers that are put together; overlayfs mounts 500."""


def stack_problems(
    source: BlobReader, images: Iterable[Descriptor], leaves: Mapping[Digest, Leaf]
) -> Iterator[Problem]:
    """What export would refuse of images whose layers are sound by themselves.

    Only where a layer needs something of those below it are all of them read once more. `leaves`
    were read to their end.
    """
    for image in images:
        manifest = read_manifest(source, image)
        if len(manifest.layers) > _MAX_LAYERS:
            continue
        shapes = [_shape(leaves.get(layer.digest)) for layer in manifest.layers]
        known = [shape for shape in shapes if shape is not None]
        if len(known) < len(shapes) or _stand_alone(known):
            continue
        try:
            flatten(source, manifest)
        except (CannotHold, *READING) as error:
            found = told(error, f"{image.digest}: layers")
            yield Problem("layers-conflict", found.where, found.text)


def _shape(leaf: Leaf | None) -> LayerShape | None:
    return None if leaf is None else leaf.shape


def _stand_alone(shapes: Sequence[LayerShape]) -> bool:
    return (
        all(shape.stands_alone for shape in shapes)
        and sum(shape.members for shape in shapes) <= MAX_NODES
        and sum(shape.held for shape in shapes) <= MAX_HELD
    )
