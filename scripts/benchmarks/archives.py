"""Image files that ocilayout does not write itself: Docker archives of the old form, and many
small images in one layout."""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHUNK = 1024 * 1024
_PIECE = 16 * 1024
"""Bytes that tarfile copies at a time."""
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Platform:
    """What an image is for."""

    architecture: str = "amd64"
    variant: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """As a config states it."""
        stated = {"architecture": self.architecture, "os": "linux", "variant": self.variant}
        return {key: value for key, value in stated.items() if value}


def write_docker_archive(
    path: Path,
    layers: Sequence[Path],
    diff_ids: Sequence[str],
    name: str,
    platform: Platform = Platform(),
) -> None:
    """Write what docker before 25 saves: configs and layers, and no OCI half."""
    config = _config(diff_ids, platform)
    config_name = f"{_hash(config)}.json"
    members = [f"{position:04}/layer.tar" for position in range(len(layers))]
    with (
        _HollowFile(path, "w") as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for layer, member in zip(layers, members, strict=True):
            tar.add(layer, member, filter=_without_origin)
        _add(tar, config_name, config)
        entry = {"Config": config_name, "RepoTags": [name], "Layers": members}
        _add(tar, "manifest.json", _encode([entry]))


class _HollowFile(io.FileIO):
    """A file in which long zeros take no room on the disk."""

    def write(self, content: Any) -> int:
        if len(content) < _PIECE or content.strip(b"\0"):
            return super().write(content)
        self.seek(len(content), os.SEEK_CUR)
        return len(content)


def hash_of(path: Path) -> str:
    """The digest of a file."""
    found = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while content := file.read(CHUNK):
            found.update(content)
    return f"sha256:{found.hexdigest()}"


def write_many_images(folder: Path, images: int, layers: int) -> None:
    """Write a layout of that many images, each of so many tiny layers of its own."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    entries = []
    for number in range(images):
        manifest = _small_image(blobs, number, layers)
        manifest["annotations"] = {"org.opencontainers.image.ref.name": f"v{number}"}
        entries.append(manifest)
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
    (folder / "index.json").write_bytes(_encode(index))
    (folder / "oci-layout").write_bytes(b'{"imageLayoutVersion":"1.0.0"}')


def _small_image(blobs: Path, number: int, layers: int) -> dict[str, object]:
    described, diff_ids = [], []
    for position in range(layers):
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as tar:
            _add(tar, f"{number}-{position}", b"content")
        described.append(_put(blobs, _LAYER, content.getvalue()))
        diff_ids.append(str(described[-1]["digest"]))
    config = _put(blobs, _CONFIG, _config(diff_ids, Platform()))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": config,
        "layers": described,
    }
    return _put(blobs, _MANIFEST, _encode(manifest))


def _put(blobs: Path, media_type: str, content: bytes) -> dict[str, object]:
    (blobs / _hash(content)).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{_hash(content)}", "size": len(content)}


def _config(diff_ids: Sequence[str], platform: Platform) -> bytes:
    rootfs = {"type": "layers", "diff_ids": list(diff_ids)}
    return _encode({**platform.fields, "config": {}, "rootfs": rootfs})


def _without_origin(member: tarfile.TarInfo) -> tarfile.TarInfo:
    plain = tarfile.TarInfo(member.name)
    plain.size = member.size
    return plain


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    header = tarfile.TarInfo(name)
    header.size = len(content)
    tar.addfile(header, io.BytesIO(content))


def _encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
