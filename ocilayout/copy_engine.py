"""The one copy loop: whatever moves between two places moves here."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path

from ocilayout.compression import CODECS
from ocilayout.errors import IntegrityError, InvalidDocument
from ocilayout.graph import (
    is_document,
    made_layers,
    open_verified,
    read_config,
    read_document,
    walk,
)
from ocilayout.protocols import (
    ChoosyDestination,
    ImageDestination,
    ImageSource,
    LinkDestination,
)
from ocilayout.recoding import Order, Recoded, Workshop, codec_in, with_codec
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.streams import Progress, ignore

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


@dataclass(frozen=True)
class Report:
    """What a transfer did."""

    source: ImageSource
    """What was committed: the source, or what it became."""
    copied: list[Descriptor] = field(default_factory=list)
    skipped: list[Descriptor] = field(default_factory=list)
    """What the destination had already."""
    linked: list[Descriptor] = field(default_factory=list)
    """What it took without reading it."""
    changed: dict[Digest, Descriptor] = field(default_factory=dict)
    """The old digest of each blob that changed, and what it became."""


def check(source: ImageSource, destination: ImageDestination) -> None:
    """Raise beforehand what the destination would refuse at the end."""
    if isinstance(destination, ChoosyDestination):
        destination.check(source)


def missing_blobs(source: ImageSource, destination: ImageDestination) -> list[Descriptor]:
    """What a transfer would have to read: each blob that the destination lacks."""
    return [blob for blob in walk(source) if not destination.has_blob(blob)]


def transfer(
    source: ImageSource,
    destination: ImageDestination,
    *,
    recode: Recode = keep,
    level: int | None = None,
    jobs: int = 1,
    scratch: Path | None = None,
    link: bool = False,
    on_bytes: Progress = ignore,
) -> Report:
    """Copy all that the source's index leads to, verify every byte, and commit.

    `recode` says which layers are compressed anew, at `level`, by `jobs` threads, in files below
    `scratch`. `link` takes blobs by hard links where both sides are layout folders on one file
    system; those are not read. `on_bytes` is told what was read of the source. Raises what reading
    and writing raise; then nothing was committed.
    """
    check(source, destination)
    copier = _Copier(source, destination, on_bytes, link)
    leaves = [blob for blob in walk(source) if not is_document(blob)]
    orders = _orders(source, recode, copier.rewriter) if recode is not keep else {}
    workshop = Workshop(source, scratch or Path("."), max(jobs, 1), level, on_bytes)
    with workshop.recoded([orders[leaf.digest] for leaf in leaves if leaf.digest in orders]) as new:
        for leaf in leaves:
            if leaf.digest in orders:
                copier.put_recoded(leaf, next(new))
            else:
                copier.put(leaf)
    for descriptor in ordered_documents(source):
        copier.put_document(descriptor)
    report = copier.report()
    destination.commit(report.source)
    return report


class _Copier:
    def __init__(
        self,
        source: ImageSource,
        destination: ImageDestination,
        on_bytes: Progress,
        link: bool,
    ) -> None:
        self._source = source
        self._destination = destination
        self._linker = destination if link and isinstance(destination, LinkDestination) else None
        self._on_bytes = on_bytes
        self._report = Report(source)
        self.rewriter = Rewriter(source)

    def put(self, leaf: Descriptor) -> None:
        if self._linked(leaf):
            return
        if self._destination.has_blob(leaf):
            self._report.skipped.append(leaf)
            self._on_bytes(leaf.size)
            return
        with open_verified(self._source, leaf, self._on_bytes) as content:
            self._destination.put_blob(leaf, content)
        self._report.copied.append(leaf)

    def _linked(self, leaf: Descriptor) -> bool:
        if self._linker is None:
            return False
        with self._source.open_blob(leaf) as file:
            if not self._linker.link_blob(leaf, file):
                return False
        self._report.linked.append(leaf)
        self._on_bytes(leaf.size)
        return True

    def put_recoded(self, leaf: Descriptor, new: Recoded) -> None:
        self.rewriter.changed[leaf.digest] = new.descriptor
        if self._destination.has_blob(new.descriptor):
            self._report.skipped.append(new.descriptor)
            return
        with new.open() as content:
            self._destination.put_blob(new.descriptor, content)
        self._report.copied.append(new.descriptor)

    def put_document(self, descriptor: Descriptor) -> None:
        found_document = read_document(self._source, descriptor)
        if isinstance(found_document, Manifest):
            _check_counts(self._source, found_document)
        document = self.rewriter.rewrite(found_document)
        found = document.descriptor
        self._on_bytes(descriptor.size)
        if self._destination.has_blob(found):
            self._report.skipped.append(found)
            return
        self._destination.put_blob(found, io.BytesIO(document.raw))
        self._report.copied.append(found)

    def report(self) -> Report:
        changed = self.rewriter.changed
        if not changed:
            return self._report
        view = self.rewriter.view()
        return replace(self._report, source=view, changed=changed)


def unsettled(source: ImageSource, recode: Recode) -> set[Digest]:
    """What a transfer would change in a way that is not known before: layers that are compressed
    anew, and the documents that lead to them."""
    found = set(_orders(source, recode, Rewriter(source))) if recode is not keep else set()
    for blob in walk(source) if found else ():
        if is_document(blob):
            children = read_document(source, blob).children
            if any(child.digest in found for child in children):
                found.add(blob.digest)
    return found


def _orders(source: ImageSource, recode: Recode, rewriter: Rewriter) -> dict[Digest, Order]:
    """Which layers are compressed anew; one that only bears a wrong label gets the right one."""
    orders: dict[Digest, Order] = {}
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
                orders[layer.digest] = Order(layer, CODECS[wanted], diff_id)
            elif wanted is not None:
                labelled = with_codec(layer, codec)
                if labelled.media_type != layer.media_type:
                    rewriter.changed[layer.digest] = labelled
    return orders


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
    config = _check_counts(source, manifest)
    diff_ids = () if config is None else config.diff_ids
    return list(zip_longest(manifest.layers, diff_ids[: len(manifest.layers)]))


def _check_counts(source: ImageSource, manifest: Manifest) -> ImageConfig | None:
    """The config of an image whose layers are as many as its diff ids; raises InvalidDocument.

    Artifacts borrow the type of image configs, so only an image of layer tars counts.
    """
    if manifest.config is None or manifest.config.digest in source.absent:
        return None
    if not all(layer_type(layer.media_type) for layer in manifest.layers):
        return None
    config = read_config(source, manifest)
    if config is not None and len(config.diff_ids) != len(manifest.layers):
        raise InvalidDocument(
            f"image {manifest.descriptor.digest} has {len(manifest.layers)} layers, but its config "
            f"counts {len(config.diff_ids)} diff ids: no engine takes that"
        )
    return config
