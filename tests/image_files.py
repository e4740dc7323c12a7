"""Images as files on disk: what stores read, and how such files come to harm."""

from collections.abc import Sequence
from pathlib import Path

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from tests.images import MemorySource, encode, make_config, make_layer, make_tar


def write_layout(folder: Path, source: MemorySource) -> Path:
    """The source as a layout folder."""
    for name, content in layout_files(source).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_oci_archive(path: Path, source: MemorySource) -> Path:
    """The source as a tar of a layout."""
    path.write_bytes(make_tar(layout_files(source)))
    return path


def layout_files(source: MemorySource) -> dict[str, bytes]:
    """The files of the source's layout, by name."""
    blobs = {digest.blob_path: content for digest, content in source.contents.items()}
    marker = encode({"imageLayoutVersion": "1.0.0"})
    return {"oci-layout": marker, "index.json": source.index.raw, **blobs}


def write_docker_archive(
    path: Path,
    *names: str,
    platform: str = "linux/amd64",
    layers: Sequence[bytes] = (make_layer("base"), make_layer("app")),
    config: bytes | None = None,
) -> Path:
    """One image as docker save wrote it before version 25: a manifest.json and no layout."""
    raw = make_config(platform, layers) if config is None else config
    files = {f"{Digest.of(raw).encoded}.json": raw}
    files |= {f"{Digest.of(layer).encoded}/layer.tar": layer for layer in layers}
    config_name, *layer_names = files
    entry = {"Config": config_name, "RepoTags": list(names) or None, "Layers": layer_names}
    path.write_bytes(make_tar({**files, "manifest.json": encode([entry])}))
    return path


def blob_file(layout: Path, descriptor: Descriptor) -> Path:
    """Where a layout keeps a blob."""
    return layout / descriptor.digest.blob_path


def flip_a_byte(path: Path, position: int = -1) -> None:
    """Damage one byte of a file, and nothing else: not even its size."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0x01
    path.write_bytes(content)
