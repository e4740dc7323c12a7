"""Archives by their members, so that each can be another than any tool would write it."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ocilayout.spec.digest import Digest
from tests.image_files import layout_files
from tests.images import Made, encode, make_source

Members = dict[str, bytes | tuple[bytes, str]]
"""Content by name; a type flag and a target for a link."""


def docker_members(config: bytes, layers: Sequence[bytes], names: Sequence[str]) -> Members:
    """What docker saved before version 25, with these RepoTags."""
    members: Members = {f"{Digest.of(config).encoded}.json": config}
    members |= {f"{Digest.of(layer).encoded}/layer.tar": layer for layer in layers}
    config_name, *layer_names = members
    entry = {"Config": config_name, "RepoTags": list(names) or None, "Layers": layer_names}
    return {**members, "manifest.json": encode([entry])}


def layout_members(*tops: Made) -> Members:
    """A layout of these images."""
    return dict(layout_files(make_source(*tops)))


def hybrid_members(*tops: Made, saved: Sequence[Made] | None = None) -> Members:
    """A layout with a manifest.json that lists `saved`, or the same images."""
    listed = tops if saved is None else saved
    members = dict(layout_files(make_source(*tops, *listed)))
    members["index.json"] = layout_files(make_source(*tops))["index.json"]
    return {**members, "manifest.json": encode([_entry(made) for made in listed])}


def _entry(made: Made) -> dict[str, object]:
    manifest = json.loads(made.contents[made.descriptor.digest])
    config, *layers = (
        f"blobs/{part['digest'].replace(':', '/')}"
        for part in (manifest["config"], *manifest["layers"])
    )
    return {"Config": config, "RepoTags": list(made.names), "Layers": layers}


def write_members(path: Path, members: Mapping[str, bytes | tuple[bytes, str]]) -> Path:
    """The members as a tar, in their order."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                member.type, member.linkname = content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path
