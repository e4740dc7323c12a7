"""P4: memory does not grow with what is read, and time no faster than it."""

import hashlib
import io
import itertools
import json
import resource
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.image_files import write_layout
from tests.images import Made, encode, make_image, make_layer, make_source
from tests.torture.measuring import MIB, Cost, cost

GIB = 1024 * MIB
CEILING = 100.0
"""MiB of memory for any input, but for zstd with a wide window."""
ADDRESSES = 1024 * MIB
"""Bytes of address space that suffice: RLIMIT_AS."""
RATIO = 2.5
"""How much longer twice as much may take."""
SLACK = 0.1
"""Seconds that a measurement may be off."""
NAME = "registry.example/large:v1"

LARGE = (
    ("validate", "layout"),
    ("convert", "layout", "oci-archive:-"),
    ("convert", "layout", "oci:linked", "--link"),
)


def large_layout(folder: Path, size: int) -> Path:
    """An image whose one plain layer holds one sparse file of `size` bytes; it takes no room."""
    layout = folder / "layout"
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    digest, length = _sparse_layer(blobs, size)
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [digest]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _add(blobs, "application/vnd.oci.image.config.v1+json", config),
        "layers": [_stated("application/vnd.oci.image.layer.v1.tar", digest, length)],
    }
    entry = _add(blobs, str(manifest["mediaType"]), manifest)
    entry["annotations"] = {"io.containerd.image.name": NAME}
    (layout / "index.json").write_bytes(encode({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
    return layout


def _sparse_layer(blobs: Path, size: int) -> tuple[str, int]:
    member = tarfile.TarInfo("zeros")
    member.size = size
    head = member.tobuf(tarfile.PAX_FORMAT)
    length = len(head) + size + (-size % 512) + 1024
    path = blobs / "layer"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(length)
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while chunk := file.read(4 * MIB):
            digest.update(chunk)
    path.rename(blobs / digest.hexdigest())
    return f"sha256:{digest.hexdigest()}", length


def _add(blobs: Path, media_type: str, document: object) -> dict[str, object]:
    raw = json.dumps(document).encode()
    digest = hashlib.sha256(raw).hexdigest()
    (blobs / digest).write_bytes(raw)
    return _stated(media_type, f"sha256:{digest}", len(raw))


def _stated(media_type: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest, "size": size}


def memory(arguments: tuple[str, ...], folder: Path) -> Cost:
    """A run on what large_layout made, with little address space."""
    return cost(arguments, folder, {resource.RLIMIT_AS: ADDRESSES})


def costly(done: Cost) -> Iterator[str]:
    """What is wrong with what a run took."""
    if done.code != 0:
        yield f"exit code {done.code}, {done.err!r}"
    if done.peak > CEILING:
        yield f"{done.peak:.0f} MiB of memory, {CEILING:.0f} are allowed"


@dataclass(frozen=True)
class Growth:
    """A verb, and what there may be more and more of."""

    name: str
    make: Callable[[int], tuple[Made, ...]]
    counts: tuple[int, ...]
    arguments: tuple[str, ...]


def _entries(count: int) -> tuple[Made, ...]:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(count):
            tar.addfile(tarfile.TarInfo(f"folder-{number % 100}/file-{number}"))
    return (make_image(layers=[out.getvalue()]).named(NAME),)


def _layers(count: int) -> tuple[Made, ...]:
    return (make_image(layers=[make_layer(str(number)) for number in range(count)]).named(NAME),)


def _images(count: int) -> tuple[Made, ...]:
    return tuple(
        make_image(layers=[make_layer(str(number))]).named(f"registry.example/app:{number}")
        for number in range(count)
    )


ENTRIES, LAYERS, IMAGES = (25_000, 50_000, 100_000), (1000, 2000, 4000), (250, 500, 1000)
GROWTHS = (
    Growth("entries: validate", _entries, ENTRIES, ("validate", "layout")),
    Growth("entries: export", _entries, ENTRIES, ("export", "layout", "-")),
    Growth("layers: validate", _layers, LAYERS, ("validate", "layout")),
    Growth("layers: convert", _layers, LAYERS, ("convert", "layout", "oci-archive:-")),
    Growth("images: ls", _images, IMAGES, ("ls", "layout")),
    Growth("images: validate", _images, IMAGES, ("validate", "layout")),
    Growth("images: convert", _images, IMAGES, ("convert", "layout", "oci-archive:-")),
)


def costs(growth: Growth, folder: Path) -> list[Cost]:
    """What each count takes, the start of the program taken off."""
    folder.mkdir(exist_ok=True)
    start = min(cost(("--version",), folder).cpu for _ in range(3))
    found = []
    for count in growth.counts:
        here = folder / str(count)
        write_layout(here / "layout", make_source(*growth.make(count)))
        done = min((cost(growth.arguments, here) for _ in range(2)), key=lambda done: done.cpu)
        found.append(Cost(done.code, done.err, done.cpu - start, done.peak))
    return found


def steeper(found: list[Cost]) -> Iterator[str]:
    """Where twice as much took too much longer, or too much memory."""
    for before, after in itertools.pairwise(found):
        if after.cpu > RATIO * before.cpu + SLACK:
            yield f"twice as much took {after.cpu / before.cpu:.1f} times as long"
    for done in found:
        yield from costly(done)
