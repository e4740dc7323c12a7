"""The images in every sample: a layer of text that all share, and a layer with one program."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scripts.samples.archives import DIRECTORY, Member, tar
from scripts.samples.programs import hello_program

CREATED = "2024-01-02T03:04:05Z"
CREATED_UNIX = 1704164645

Json = dict[str, Any]

OS_RELEASE = b"""\
ID=hello
NAME="Hello"
PRETTY_NAME="Hello, a sample image"
VERSION_ID=1
"""
MOTD = b"Two layers, one program, no shell.\n"


@dataclass(frozen=True)
class Image:
    """An image before any tool has packed it: plain layers, and the config's exact bytes."""

    platform: str
    layers: tuple[bytes, ...]
    config: bytes

    @property
    def layer_hexes(self) -> tuple[str, ...]:
        """The digests of the plain layers, as diff ids have them."""
        return tuple(map(sha256, self.layers))


def sha256(content: bytes) -> str:
    """The digest in hex, as blobs are named."""
    return hashlib.sha256(content).hexdigest()


def compact_json(value: object) -> bytes:
    """JSON as Go's json.Marshal spaces it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def indented_json(value: object) -> bytes:
    """JSON as BuildKit writes manifests and indexes."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def base_layer() -> bytes:
    """The layer that the images of all platforms and tools share, as a pulled base would be."""
    return tar(
        (
            Member("etc/", kind=DIRECTORY, mode=0o755, mtime=CREATED_UNIX),
            Member("etc/motd", MOTD, mtime=CREATED_UNIX),
            Member("etc/os-release", OS_RELEASE, mtime=CREATED_UNIX),
        )
    )


def program_layer(platform: str) -> bytes:
    """The layer with /hello, as BuildKit and buildah write it."""
    program = hello_program(platform)
    return tar((Member("hello", program, mode=0o755, mtime=CREATED_UNIX),))


def platform_fields(platform: str) -> Json:
    """The platform as descriptors state it."""
    system, architecture, *variant = platform.split("/")
    fields = {"architecture": architecture, "os": system}
    return {**fields, "variant": variant[0]} if variant else fields


def rootfs(layers: Sequence[bytes]) -> Json:
    """The list of diff ids in a config."""
    return {"type": "layers", "diff_ids": [f"sha256:{sha256(layer)}" for layer in layers]}


def short_name(name: str) -> str:
    """A full name as docker prints it."""
    return name.removeprefix("docker.io/library/")


def repositories(tops: dict[str, str]) -> Json:
    """The file `repositories`: for every repository its tags, and the top layer of each."""
    table: Json = {}
    for name in sorted(tops):
        repository, _, tag = name.rpartition(":")
        table.setdefault(repository, {})[tag] = tops[name]
    return table
