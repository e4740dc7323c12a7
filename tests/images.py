"""Images made in memory, and the source that they stand in; `image_files` writes them out."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

import zstandard

from ocilayout.errors import BlobNotFound
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.media_types import Family, LayerType, in_family
from ocilayout.spec.names import renamed
from ocilayout.spec.platform import Platform

Contents = dict[Digest, bytes]
_COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": partial(gzip.compress, mtime=0),
    "zstd": zstandard.compress,
}


@dataclass(frozen=True)
class Made:
    """Something that was made: what leads to it, and every blob that it needs."""

    descriptor: Descriptor
    contents: Contents
    names: tuple[str, ...] = ()

    def named(self, *names: str) -> "Made":
        """The same, as an entry of an index under these names."""
        return Made(self.descriptor, self.contents, names)

    def annotated(self, annotations: Mapping[str, str]) -> "Made":
        """The same, with these annotations on its descriptor."""
        return Made(self.descriptor.with_annotations(annotations), self.contents, self.names)


@dataclass
class MemorySource:
    """An ImageSource; take a blob out of `contents`, or put another there, to spoil it."""

    index: Index
    contents: Contents = field(default_factory=dict)
    absent: frozenset[Digest] = frozenset()
    opened: list[Digest] = field(default_factory=list)
    """Every blob that was opened, in order."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The content; raises BlobNotFound."""
        self.opened.append(descriptor.digest)
        if descriptor.digest not in self.contents:
            raise BlobNotFound(f"{descriptor.digest} is not in memory")
        return io.BytesIO(self.contents[descriptor.digest])


def encode(value: object) -> bytes:
    """JSON that differs from what the package writes: spaces show who encoded a document anew."""
    return json.dumps(value, indent=1).encode()


def make_layer(text: str, size: int = 1) -> bytes:
    """A plain layer with one file, whose name and content are `text`, `size` times."""
    return make_tar({text: text.encode() * size})


def make_tar(files: Mapping[str, bytes], dialect: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar as Python's own writer makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=dialect) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def make_blob(media_type: str, content: bytes) -> Made:
    """A leaf, or a document of bytes of the test's own."""
    return Made(Descriptor.of(media_type, content), {Digest.of(content): content})


def in_sha512(made: Made) -> Made:
    """A leaf or document under the other digest that can be verified."""
    content = made.contents[made.descriptor.digest]
    digest = Digest.of(content, "sha512")
    others = {key: raw for key, raw in made.contents.items() if key != made.descriptor.digest}
    return Made(made.descriptor.edited(digest=str(digest)), {**others, digest: content})


def make_config(platform: str, layers: Sequence[bytes], **fields: object) -> bytes:
    """The config of an image of these plain layers."""
    stated = Platform.parse(platform).to_fields()
    diff_ids = [str(Digest.of(layer)) for layer in layers]
    history = [{"created_by": f"step {number}"} for number, _ in enumerate(layers)]
    rootfs = {"type": "layers", "diff_ids": diff_ids}
    return encode({**stated, "rootfs": rootfs, "history": history, **fields})


def make_image(
    platform: str = "linux/amd64",
    *,
    layers: Sequence[bytes] = (make_layer("base"), make_layer("app")),
    codec: str = "gzip",
    family: Family = "oci",
    **fields: object,
) -> Made:
    """An image of plain `layers`; `fields` are more fields of its manifest, `subject` perhaps."""
    layer_type = LayerType(family, codec).media_type
    config = make_blob(in_family(media_types.OCI_CONFIG, family), make_config(platform, layers))
    blobs = [make_blob(layer_type, _COMPRESS[codec](layer)) for layer in layers]
    made = make_manifest(config, blobs, in_family(media_types.OCI_MANIFEST, family), **fields)
    stated = made.descriptor.edited(platform=Platform.parse(platform).to_fields())
    return Made(stated, made.contents)


def make_manifest(
    config: Made,
    layers: Iterable[Made] = (),
    media_type: str = media_types.OCI_MANIFEST,
    **fields: object,
) -> Made:
    """A manifest of any config and layers: of an artifact, an attestation."""
    parts = [config, *layers]
    children = [dict(part.descriptor.fields) for part in parts]
    stated = {"config": children[0], "layers": children[1:]}
    raw = encode({"schemaVersion": 2, "mediaType": media_type, **stated, **fields})
    return _joined(make_blob(media_type, raw), parts)


def make_index(*members: Made, media_type: str = media_types.OCI_INDEX, **fields: object) -> Made:
    """An index of images, or of indexes; `fields` are more fields of it."""
    manifests = [dict(entry.fields) for member in members for entry in _entries(member)]
    raw = encode({"schemaVersion": 2, "mediaType": media_type, "manifests": manifests, **fields})
    return _joined(make_blob(media_type, raw), members)


def make_source(*tops: Made, absent: Iterable[Digest] = ()) -> MemorySource:
    """A source whose index lists `tops` under their names."""
    made = make_index(*tops)
    raw = made.contents.pop(made.descriptor.digest)
    return MemorySource(Index.parse_top(raw, "index.json"), made.contents, frozenset(absent))


def _entries(made: Made) -> list[Descriptor]:
    return renamed(made.descriptor, made.names) if made.names else [made.descriptor]


def _joined(made: Made, parts: Iterable[Made]) -> Made:
    contents = {digest: raw for part in parts for digest, raw in part.contents.items()}
    return Made(made.descriptor, contents | made.contents)
