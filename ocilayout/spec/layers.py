"""The layers of an image: what its manifest, its config and its history say of each."""

from collections.abc import Iterator
from typing import NamedTuple

from ocilayout.spec.config import HistoryEntry, ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import is_distributable, layer_type


class Layer(NamedTuple):
    """A layer, what its config says of it, and which step of the build made it."""

    descriptor: Descriptor
    diff_id: Digest | None
    history: HistoryEntry | None

    @property
    def codec(self) -> str:
        """How its media type says that it is compressed; the type itself where it is no tar."""
        kind = layer_type(self.descriptor.media_type)
        return self.descriptor.media_type if kind is None else kind.codec

    @property
    def form(self) -> str | None:
        """What form for lazy pulling it has, as its annotations say; None where it has none."""
        for annotation, form in _FORMS.items():
            if annotation in self.descriptor.annotations:
                return form
        return None


def is_foreign(descriptor: Descriptor) -> bool:
    """Whether content is to come from elsewhere: by its media type, or by `urls`."""
    return bool(descriptor.fields.get("urls")) or not is_distributable(descriptor.media_type)


# zstd:chunked first: such a layer may have an eStargz table of contents too.
# Sources: containers/storage, pkg/chunked/internal/minimal (zstd:chunked); stargz-snapshotter,
# docs/estargz.md; nydus-snapshotter, pkg/converter/constant.go.
_FORMS = {
    "io.github.containers.zstd-chunked.manifest-checksum": "zstd:chunked",
    # As podman 4.3.1 writes it.
    "io.containers.zstd-chunked.manifest-checksum": "zstd:chunked",
    "containerd.io/snapshot/stargz/toc.digest": "eStargz",
    "containerd.io/snapshot/nydus-bootstrap": "nydus bootstrap",
    "containerd.io/snapshot/nydus-blob": "nydus blob",
}


def layers_of(manifest: Manifest, config: ImageConfig | None) -> Iterator[Layer]:
    """The layers, lowest first; diff ids and history where their number fits."""
    diff_ids = config.diff_ids if config else ()
    steps = [step for step in config.history if not step.empty_layer] if config else []
    for position, descriptor in enumerate(manifest.layers):
        yield Layer(
            descriptor,
            diff_ids[position] if len(diff_ids) == len(manifest.layers) else None,
            steps[position] if len(steps) == len(manifest.layers) else None,
        )
