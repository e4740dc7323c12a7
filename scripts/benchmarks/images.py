"""The images that jobs work on, each made when the first job asks for it."""

import json
from functools import partial
from pathlib import Path

from scripts.benchmarks.archives import (
    Platform,
    hash_of,
    write_docker_archive,
    write_many_images,
)
from scripts.benchmarks.root_files import write_layers, write_zeros
from scripts.benchmarks.workspace import NAME, Workspace, run_ours

_PARTS = (0.5, 0.25, 0.15, 0.1)
"""What part of an image each of its layers is: a base, and what was put upon it."""
_SEVEN = (
    Platform("386"),
    Platform("amd64"),
    Platform("arm", "v5"),
    Platform("arm", "v7"),
    Platform("arm64", "v8"),
    Platform("ppc64le"),
    Platform("s390x"),
)


def plain_layers(work: Workspace, size: int) -> list[Path]:
    """The layers of the image, as tars."""

    def make(folder: Path) -> None:
        folder.mkdir()
        paths = [folder / f"{position}.tar" for position in range(len(_PARTS))]
        write_layers(paths, [int(size * part) for part in _PARTS])

    return sorted(work.made(f"layers-{size}", make).iterdir())


def docker_plain(work: Workspace, size: int) -> Path:
    """A Docker archive with plain layers, as docker 20.10 saves it."""

    def make(path: Path) -> None:
        layers = plain_layers(work, size)
        write_docker_archive(path, layers, [hash_of(layer) for layer in layers], NAME)

    return work.made(f"docker-plain-{size}.tar", make)


def layout(work: Workspace, size: int, compression: str = "gzip") -> Path:
    """An OCI layout folder."""
    archive = docker_plain(work, size)
    return work.made(
        f"oci-{compression}-{size}",
        lambda path: run_ours("convert", archive, f"oci:{path}", "--compression", compression),
    )


def oci_archive(work: Workspace, size: int) -> Path:
    """An OCI layout in a tar, with gzip layers."""
    return work.made(
        f"oci-archive-{size}.tar",
        lambda path: run_ours("convert", layout(work, size), f"oci-archive:{path}"),
    )


def hybrid(work: Workspace, size: int, compression: str = "gzip") -> Path:
    """A Docker archive with an OCI half, as docker 25 and later save it."""
    return work.made(
        f"hybrid-{compression}-{size}.tar",
        lambda path: run_ours(
            *("convert", docker_plain(work, size), f"docker-archive:{path}"),
            *("--compression", compression),
        ),
    )


def docker_gzip(work: Workspace, size: int) -> Path:
    """A Docker archive with gzip layers and no OCI half, as crane and bazel write it."""

    def make(path: Path) -> None:
        diff_ids = [hash_of(layer) for layer in plain_layers(work, size)]
        write_docker_archive(path, layer_blobs(layout(work, size)), diff_ids, NAME)

    return work.made(f"docker-gzip-{size}.tar", make)


def layer_blobs(folder: Path) -> list[Path]:
    """The layer files of a layout that holds one image."""
    index = json.loads((folder / "index.json").read_bytes())
    manifest = json.loads(_blob(folder, index["manifests"][0]["digest"]).read_bytes())
    return [_blob(folder, layer["digest"]) for layer in manifest["layers"]]


def _blob(folder: Path, digest: str) -> Path:
    return folder / "blobs" / digest.replace(":", "/")


def seven(work: Workspace, size: int) -> list[Path]:
    """Layouts of seven platforms, which together have `size` bytes in plain form."""

    def make(folder: Path) -> None:
        folder.mkdir()
        layers = [folder / f"{position}.layer" for position in range(len(_SEVEN))]
        write_layers(layers, [size // len(_SEVEN)] * len(_SEVEN))
        for position, (layer, platform) in enumerate(zip(layers, _SEVEN, strict=True)):
            archive = folder / f"{position}.tar"
            write_docker_archive(archive, [layer], [hash_of(layer)], NAME, platform)
            run_ours("convert", archive, f"oci:{folder / str(position)}", "--compression", "gzip")
            archive.unlink()
            layer.unlink()

    return sorted(work.made(f"seven-{size}", make).iterdir())


def many_images(work: Workspace, images: int) -> Path:
    """A layout of so many small images."""
    make = partial(write_many_images, images=images, layers=2)
    return work.made(f"images-{images}", make)


def many_layers(work: Workspace, layers: int) -> Path:
    """A layout of one image with so many small layers."""
    make = partial(write_many_images, images=1, layers=layers)
    return work.made(f"image-of-{layers}-layers", make)


def zeros(work: Workspace, size: int) -> Path:
    """A Docker archive of one plain layer, whose zeros take no room on the disk."""

    def make(path: Path) -> None:
        layer = path.with_name(f"{path.name}.layer")
        write_zeros(layer, size)
        write_docker_archive(path, [layer], [hash_of(layer)], NAME)
        layer.unlink()

    return work.made(f"zeros-{size}.tar", make)
