"""Whether an output is sound, found out without the package."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import zstandard

from tests.hostile.images import Fields, blob_path

KNOWN = ("sha256", "sha512")
CHUNK = 1 << 20


def read_files(place: Path) -> dict[str, bytes]:
    """Every file of a layout or a tar, in memory: outputs of these cases are small."""
    if place.is_dir():
        return {
            str(path.relative_to(place)): path.read_bytes()
            for path in place.rglob("*")
            if path.is_file()
        }
    files: dict[str, bytes] = {}
    with tarfile.open(place) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                assert member.name not in files, f"{member.name} is there twice"
                files[member.name] = content.read()
    return files


def problems(files: Mapping[str, bytes], *, sparse: bool = False) -> Iterator[str]:
    """What is wrong with a layout's files, or a Docker archive's."""
    for name, content in files.items():
        parts = name.split("/")
        known = len(parts) == 3 and parts[0] == "blobs" and parts[1] in KNOWN
        if known and hashlib.new(parts[1], content).hexdigest() != parts[2]:
            yield f"{name} is not what its name says"
    if "index.json" in files:
        yield from _unreachable(files, json.loads(files["index.json"]), sparse)
    for entry in [] if sparse else json.loads(files.get("manifest.json", b"[]")):
        for path in (entry["Config"], *(entry["Layers"] or ())):
            if path not in files:
                yield f"manifest.json names {path}, which is absent"


def _unreachable(files: Mapping[str, bytes], index: Fields, sparse: bool) -> Iterator[str]:
    todo, seen = list(_children(index)), set()
    while todo:
        descriptor = todo.pop()
        digest = descriptor["digest"]
        content = files.get(blob_path(digest))
        if content is None:
            if not sparse and "nondistributable" not in descriptor["mediaType"]:
                yield f"{digest} is absent"
            continue
        if len(content) != descriptor["size"]:
            yield f"{digest} has another size than its descriptor says"
        if digest not in seen and _is_document(descriptor):
            todo += _children(json.loads(content))
        seen.add(digest)


def _is_document(descriptor: Fields) -> bool:
    kind = str(descriptor["mediaType"])
    return kind.endswith(("manifest.v1+json", "index.v1+json", "manifest.v2+json"))


def _children(fields: Fields) -> list[Fields]:
    config = [fields["config"]] if "config" in fields else []
    return [*config, *(fields.get("layers") or ()), *(fields.get("manifests") or ())]


def entries(files: Mapping[str, bytes]) -> list[str]:
    """The digests that the index lists."""
    return sorted(entry["digest"] for entry in json.loads(files["index.json"])["manifests"] or ())


def layer_problems(files: Mapping[str, bytes]) -> Iterator[str]:
    """Layers that are not what their config and their media type say."""
    for content in list(files.values()):
        manifest = _image_manifest(content)
        config = json.loads(files.get(blob_path(manifest["config"]["digest"]), b"{}"))
        diff_ids = (config.get("rootfs") or {}).get("diff_ids") or []
        for layer, diff_id in zip(manifest["layers"], diff_ids, strict=False):
            blob = files.get(blob_path(layer["digest"]), b"")
            if _inflated_digest(blob) != diff_id:
                yield f"{layer['digest']} does not inflate to {diff_id}"
            known = "layer.v1.tar" in layer["mediaType"] or "diff.tar" in layer["mediaType"]
            if known and not layer["mediaType"].endswith(_suffix(blob)):
                yield f"{layer['digest']} is labelled {layer['mediaType']}"


def _image_manifest(content: bytes) -> dict[str, Any]:
    nothing: dict[str, Any] = {"config": {"digest": "none:"}, "layers": []}
    if not content.startswith(b"{"):
        return nothing
    fields: dict[str, Any] = json.loads(content)
    return fields if "layers" in fields and "config" in fields else nothing


def _suffix(blob: bytes) -> tuple[str, ...]:
    if blob.startswith(b"\x1f\x8b"):
        return ("gzip",)
    if blob.startswith((b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18")):
        return ("zstd",)
    return (".tar",)


def _inflated_digest(blob: bytes) -> str:
    stream: BinaryIO = io.BytesIO(blob)
    if _suffix(blob) == ("gzip",):
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=stream))
    elif _suffix(blob) == ("zstd",):
        reader = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True)
        stream = cast(BinaryIO, reader)
    total = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        total.update(chunk)
    return f"sha256:{total.hexdigest()}"
