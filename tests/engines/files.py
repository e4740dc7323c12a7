"""Image files that engines differ about, made of the samples."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from ocilayout.spec.platform import Platform
from tests.image_files import layout_files
from tests.images import Made, encode, make_image, make_layer, make_source, make_tar
from tests.program import SAMPLES

OLD = SAMPLES / "docker-20.10-amd64.tar"
HYBRID = SAMPLES / "docker-25-riscv64.tar"
MULTI = SAMPLES / "buildx-multi-attested.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"
AMD64 = Platform("linux", "amd64")
NAME = "docker.io/lab/app:1"
MEMBERS = [make_image(platform) for platform in ("linux/amd64", "linux/386", "linux/arm64")]


Edit = Callable[[str, bytes], bytes | None]


def rewritten(source: Path, target: Path, edit: Edit) -> Path:
    """The tar with each file edited, or left out by None."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member) if member.isfile() else None
            if content is None:
                new.addfile(member)
                continue
            edited = edit(member.name, content.read())
            if edited is not None:
                member.size = len(edited)
                new.addfile(member, io.BytesIO(edited))
    return target


def relisted(tmp_path: Path, edit: Callable[[list[dict[str, object]]], object]) -> Path:
    """The multi-platform sample with other entries in its index.json."""

    def change(name: str, content: bytes) -> bytes:
        if name != "index.json":
            return content
        index = json.loads(content)
        edit(index["manifests"])
        return json.dumps(index).encode()

    return rewritten(MULTI, tmp_path / "image.tar", change)


def write_hybrid(path: Path, *tops: Made, saved: list[Made]) -> Path:
    """A tar with an index.json of `tops`, and a manifest.json of `saved` under their names."""
    entries = []
    for made in saved:
        manifest = json.loads(made.contents[made.descriptor.digest])
        config, *layers = (
            f"blobs/{part['digest'].replace(':', '/')}"
            for part in (manifest["config"], *manifest["layers"])
        )
        entries.append({"Config": config, "RepoTags": list(made.names), "Layers": layers})
    files = {**layout_files(make_source(*tops)), "manifest.json": encode(entries)}
    path.write_bytes(make_tar(files))
    return path


def deep(platform: str, layers: int) -> Made:
    """An image of so many layers."""
    return make_image(platform, layers=[make_layer(str(number)) for number in range(layers)])
