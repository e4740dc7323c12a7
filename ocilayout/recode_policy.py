"""Which layers are compressed anew, and into what.

A policy is asked of each layer, with how its bytes are compressed; what it answers becomes an
order for the workshop. Layers that are encrypted, foreign or absent are never asked of.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from ocilayout import notices
from ocilayout.capabilities import made_layers
from ocilayout.compression import CODECS
from ocilayout.errors import IntegrityError, InvalidDocument
from ocilayout.graph import fitting_config, is_document, read_config, read_document, walk
from ocilayout.protocols import ImageSource
from ocilayout.recoding import Order, codec_in, with_codec
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type

Recode = Callable[[Descriptor, str], str | None]
"""Given a layer and the codec that its bytes have: the codec that it is to have, None to keep."""


def keep(layer: Descriptor, codec: str) -> str | None:
    """The policy that leaves every layer as it is."""
    return None


def compress_all(codec: str) -> Recode:
    """The policy that gives every layer this codec; those that have it stay as they are."""
    return lambda layer, has: codec


def compress_made(sources: Sequence[ImageSource], *, plain: str = "none") -> Recode:
    """The policy for layers whose manifests had to be made, as no other tool knows their digests.

    Plain ones become `plain`, those that OCI has no media type for (xz, bzip2) become gzip. A
    layer that also stands in a manifest that was found is kept, and so are all others.
    """
    made = {digest for source in sources for digest in made_layers(source)}
    if not made:
        return keep
    for source in sources:
        if not made_layers(source):
            made.difference_update(blob.digest for blob in walk(source))
    wishes = {"none": plain, "xz": "gzip", "bzip2": "gzip"}
    return lambda layer, has: wishes.get(has, has) if layer.digest in made else None


def unsettled(source: ImageSource, recode: Recode) -> set[Digest]:
    """What a transfer would change in a way that is not known before: layers that are compressed
    anew, and the documents that lead to them."""
    orders, relabelled = orders_of(source, recode)
    found = set(orders)
    # A layer that only gets the right label stays, and what leads to it changes all the same.
    changing = found | relabelled.keys()
    for blob in walk(source) if changing else ():
        if is_document(blob):
            children = read_document(source, blob).children
            if any(child.digest in changing for child in children):
                changing.add(blob.digest)
                found.add(blob.digest)
    return found


def orders_of(
    source: ImageSource, recode: Recode
) -> tuple[dict[Digest, Order], dict[Digest, Descriptor]]:
    """Which layers are compressed anew, and the right label of those that bear a wrong one."""
    orders: dict[Digest, Order] = {}
    relabelled: dict[Digest, Descriptor] = {}
    if recode is keep:
        return orders, relabelled
    for manifest in _images(source):
        layers = [layer for layer in manifest.layers if _may_change(source, layer)]
        for layer, diff_id in _with_diff_ids(source, manifest) if layers else ():
            if layer.digest in orders or not _may_change(source, layer):
                continue
            codec = codec_in(source, layer)
            if codec.name == "none":
                _check_plain(layer, diff_id)
            wanted = recode(layer, codec.name)
            if wanted is not None and wanted != codec.name:
                orders[layer.digest] = Order(layer, codec, CODECS[wanted], diff_id)
            elif wanted is not None:
                labelled = with_codec(layer, codec)
                if labelled.media_type != layer.media_type:
                    relabelled[layer.digest] = labelled
    return orders, relabelled


def _check_plain(layer: Descriptor, diff_id: Digest | None) -> None:
    """What is not compressed has its diff id for a digest; raises IntegrityError."""
    same_kind = diff_id is not None and diff_id.algorithm == layer.digest.algorithm
    if same_kind and diff_id != layer.digest:
        raise IntegrityError(
            f"layer {layer.digest} is not compressed, but its config says {diff_id}: the image is "
            "damaged: fetch or build it again"
        )


def _images(source: ImageSource) -> Iterator[Manifest]:
    for descriptor in walk(source):
        if is_document(descriptor):
            document = read_document(source, descriptor)
            if isinstance(document, Manifest) and document.is_image:
                yield document


def _may_change(source: ImageSource, layer: Descriptor) -> bool:
    """Whether it is a layer tar that is here; encrypted ones and foreign content are never."""
    return layer_type(layer.media_type) is not None and layer.digest not in source.absent


def _with_diff_ids(
    source: ImageSource, manifest: Manifest
) -> Sequence[tuple[Descriptor, Digest | None]]:
    config = check_counts(source, manifest)
    diff_ids = () if config is None else config.diff_ids
    return list(zip_longest(manifest.layers, diff_ids[: len(manifest.layers)]))


def check_counts(source: ImageSource, manifest: Manifest) -> ImageConfig | None:
    """The config of an image whose layers are as many as its diff ids; raises InvalidDocument.

    Artifacts borrow the type of image configs, so only an image of layer tars counts. One without
    any diff ids, as oras makes it of files, is passed on with a warning: podman 4.3 loads it where
    its config has a rootfs, and no other engine does.
    """
    if manifest.config is None or manifest.config.digest in source.absent:
        return None
    if not all(layer_type(layer.media_type) for layer in manifest.layers):
        return None
    try:
        config = read_config(source, manifest)
    except InvalidDocument as error:
        is_alone = len(source.index.children) == 1
        raise InvalidDocument(
            f"image {manifest.digest} cannot be read: {error}",
            remedy="" if is_alone else "convert --missing prune leaves it out",
        ) from None
    if config is None:
        return None
    if manifest.layers and not config.diff_ids:
        notices.warn(
            f"image {manifest.digest} has layers and no diff ids in its config: docker and "
            "containerd do not load it"
        )
    return fitting_config(manifest, config)
