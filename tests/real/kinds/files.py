"""What the kinds are made of: archives in both forms, from their members."""

import io
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocilayout.spec.digest import Digest
from tests.image_files import layout_files
from tests.images import Made, encode, make_config, make_layer, make_source

LAYERS = (make_layer("base"), make_layer("app"))
NAME = "docker.io/lab/app:1"


@dataclass(frozen=True)
class Link:
    """A member that refers to another one."""

    target: str
    is_hard: bool = False


Members = Sequence[tuple[str, bytes | Link]]


@dataclass(frozen=True)
class Kind:
    """A file that some engine may refuse, or call otherwise than one thinks."""

    name: str
    members: Members
    suffix: str = ".tar"
    outer: Callable[[bytes], bytes] = bytes

    def write(self, directory: Path) -> Path:
        """The file, in a directory; a directory of its own where it has no suffix."""
        path = directory / f"{self.name}{self.suffix}"
        if self.suffix:
            path.write_bytes(self.outer(tar_of(self.members)))
            return path
        for name, content in self.members:
            assert isinstance(content, bytes)
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return path


def tar_of(members: Members) -> bytes:
    """A tar of files and links, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, Link):
                member.type = tarfile.LNKTYPE if content.is_hard else tarfile.SYMTYPE
                member.linkname = content.target
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def docker_files(
    tags: object = (NAME,),
    layers: Sequence[bytes] = LAYERS,
    config: bytes | None = None,
    **fields: object,
) -> dict[str, bytes]:
    """An archive as docker save wrote it before version 25; `fields` are more of its config."""
    raw = make_config("linux/amd64", layers, **fields) if config is None else config
    files = {f"{Digest.of(raw).encoded}.json": raw}
    paths = [
        f"{number}-{Digest.of(layer).encoded}/layer.tar" for number, layer in enumerate(layers)
    ]
    files |= dict(zip(paths, layers, strict=True))
    entry = {"Config": next(iter(files)), "RepoTags": tags, "Layers": paths}
    return {**files, "manifest.json": encode([entry])}


def docker_kind(name: str, tags: object = (NAME,), **fields: object) -> Kind:
    """A Docker archive of one image under these RepoTags."""
    return Kind(name, list(docker_files(tags, **fields).items()))  # type: ignore[arg-type]


def oci_files(*tops: Made, **documents: bytes) -> dict[str, bytes]:
    """A layout of these entries."""
    return layout_files(make_source(*tops)) | documents


def oci_kind(name: str, *tops: Made) -> Kind:
    """An OCI archive of these entries."""
    return Kind(name, list(oci_files(*tops).items()))


def without(made: Made, *digests: Digest) -> Made:
    """The same, lacking these blobs."""
    kept = {digest: raw for digest, raw in made.contents.items() if digest not in digests}
    return Made(made.descriptor, kept, made.names)


def edited(
    members: Mapping[str, bytes], edits: Iterable[tuple[str, bytes | Link | None]]
) -> Members:
    """Members with some replaced, or left out by None."""
    changed: dict[str, bytes | Link | None] = {**members, **dict(edits)}
    return [(name, content) for name, content in changed.items() if content is not None]
