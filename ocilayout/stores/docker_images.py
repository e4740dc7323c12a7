"""Images of a Docker archive that has no manifests: they are made from its configs.

A plain layer's digest is its diff id, so it is described without being read. A compressed one
(crane and bazel write them) is hashed to be described, and inflated against its diff id when it
is read: nothing else in such an archive vouches for it.
"""

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO, cast

from ocilayout.blobs import MemoryBlobs
from ocilayout.compression import Codec, codec_of, inflated
from ocilayout.errors import (
    BlobNotFound,
    DanglingLink,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    OciLayoutError,
)
from ocilayout.protocols import Files
from ocilayout.spec import media_types, names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.media_types import LayerType
from ocilayout.stores.docker_entries import Entry, read_config_of
from ocilayout.stores.file_names import MANIFEST
from ocilayout.streams import digest_of, readinto


@dataclass(frozen=True)
class _Layer:
    member: str
    codec: Codec
    diff_ids: frozenset[Digest]
    """What it must inflate to: more than one, if images disagree, is more than it can."""


class ImageIds:
    """The images by their ids, with no manifests: enough to name them, and no layer is read."""

    absent: Collection[Digest] = frozenset()

    def __init__(self, files: Files, entries: list[Entry]) -> None:
        self._files = files
        self._configs = {entry.config_digest: entry.config_path for entry in entries}
        self.index = Index.of(
            descriptor
            for entry in entries
            for descriptor in names.renamed(_config_of(entry), entry.names)
        )

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A config; raises BlobNotFound."""
        if descriptor.digest not in self._configs:
            raise BlobNotFound(f"{self._files.label} lists no config {descriptor.digest}")
        return self._files.open(self._configs[descriptor.digest])


def _config_of(entry: Entry) -> Descriptor:
    return Descriptor.make(media_types.OCI_CONFIG, entry.config_digest, entry.config_size)


def _raise(position: int, error: OciLayoutError) -> None:
    raise error


class DockerImages:
    """The images that manifest.json lists, as OCI manifests made here."""

    absent: Collection[Digest] = frozenset()

    def __init__(
        self,
        files: Files,
        entries: list[Entry],
        on_refusal: Callable[[int, OciLayoutError], None] = _raise,
    ) -> None:
        """Raises InvalidDocument or InvalidArchive.

        `on_refusal` is told the position of an entry that cannot be read, and why; it may let the
        others be read.
        """
        self._files = files
        self._documents = MemoryBlobs()
        self._configs: dict[Digest, str] = {}
        self._layers: dict[Digest, _Layer] = {}
        self._described: dict[tuple[str, Digest], Descriptor] = {}
        described: list[Descriptor] = []
        for position, entry in enumerate(entries):
            try:
                described.extend(self._image(entry))
            except OciLayoutError as error:
                on_refusal(position, error)
        self.index = Index.of(described)

    @property
    def made_layers(self) -> Collection[Digest]:
        """The layers of all images: no manifest of another's making lists them."""
        return self._layers.keys()

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A layer, or a document that was made here; raises BlobNotFound."""
        layer = self._layers.get(descriptor.digest)
        if layer is None:
            config = self._configs.get(descriptor.digest)
            return self._open(config) if config else self._documents.open_blob(descriptor)
        content = self._open(layer.member)
        if layer.codec.name == "none":
            return content
        size, again = self._files.size(layer.member), self._open(layer.member)
        return cast(BinaryIO, _CheckedLayer(content, size, again, layer))

    def open_unchecked(self, descriptor: Descriptor) -> BinaryIO:
        """The same, but a compressed layer is not checked: whoever reads it does that."""
        layer = self._layers.get(descriptor.digest)
        return self.open_blob(descriptor) if layer is None else self._open(layer.member)

    def _image(self, entry: Entry) -> list[Descriptor]:
        config = read_config_of(self._files, entry)
        if len(config.diff_ids) != len(entry.layers):
            raise InvalidArchive(
                f"{self._files.label}: {MANIFEST} lists {len(entry.layers)} layers for image "
                f"{entry.config_digest}, its config {len(config.diff_ids)} diff ids"
            )
        for diff_id in config.diff_ids:
            if not diff_id.verifiable:
                raise InvalidDocument(f"{self._files.label}: diff id {diff_id} cannot be verified")
        self._configs[entry.config_digest] = entry.config_path
        layers = [
            self._layer(member, diff_id)
            for member, diff_id in zip(entry.layers, config.diff_ids, strict=True)
        ]
        manifest = Manifest.of(media_types.OCI_MANIFEST, _config_of(entry), layers)
        self._documents.add(manifest.raw)
        platform = None if config.platform.is_unknown else config.platform
        leading = Descriptor.of(media_types.OCI_MANIFEST, manifest.raw, platform=platform)
        return names.renamed(leading, entry.names)

    def _layer(self, member: str, diff_id: Digest) -> Descriptor:
        known = self._described.get((member, diff_id))
        if known is not None:
            return known
        try:
            with self._open(member) as content:
                codec = codec_of(content.read(8))
        except DanglingLink as error:
            raise InvalidArchive(f"{error}, and {MANIFEST} names it as a layer") from None
        except BlobNotFound:
            raise InvalidArchive(
                f"{self._files.label}: {MANIFEST} names the layer {member!r}, which is not there"
            ) from None
        if codec.name == "none":
            digest, size = diff_id, self._files.size(member)
        else:
            with self._open(member) as content:
                digest, size = digest_of(content)
        known_layer = self._layers.get(digest)
        others = known_layer.diff_ids if known_layer else frozenset()
        self._layers[digest] = _Layer(member, codec, others | {diff_id})
        described = Descriptor.make(LayerType("oci", codec.name).media_type, digest, size)
        self._described[member, diff_id] = described
        return described

    def _open(self, member: str) -> BinaryIO:
        return self._files.open(member)


class _CheckedLayer(io.RawIOBase):
    """A compressed layer that raises IntegrityError instead of handing over its last bytes, if it
    does not inflate to its diff id."""

    def __init__(self, content: BinaryIO, size: int, again: BinaryIO, layer: _Layer) -> None:
        """`again` is the same content for the check, and `size` its bytes."""
        self._content = content
        self._remaining = size
        self._again = again
        self._layer = layer

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = readinto(self._content, memoryview(buffer))
        if count and count == self._remaining:
            self._check()
        self._remaining -= count
        return count

    def _check(self) -> None:
        layer = self._layer
        expected, *others = sorted(layer.diff_ids)
        with inflated(self._again, layer.codec, f"layer {layer.member!r}") as plain:
            found, _ = digest_of(plain, expected.algorithm)
        if found != expected or others:
            raise IntegrityError(
                f"layer {layer.member!r} inflates to {found}, its config says "
                f"{', '.join(map(str, sorted(layer.diff_ids)))}: the archive is damaged"
            )

    def close(self) -> None:
        self._content.close()
        self._again.close()
        super().close()
