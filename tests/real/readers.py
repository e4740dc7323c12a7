"""A second reader of image files, sharing no code with the package that it judges.

Only zstandard and the standard library. Everything that it returns has been hashed: each blob
against its descriptor, each layer, inflated, against the config's diff ids.
"""

import bz2
import gzip
import hashlib
import json
import lzma
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

import zstandard

CHUNK = 1 << 20

INDEX_TYPES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
MANIFEST_TYPES = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
CONFIG_TYPES = {
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
}
NORMAL_VARIANTS = {("arm", ""): "v7", ("arm64", "v8"): ""}


class Files(Protocol):
    """The regular files of a folder or a tar, by their names from its top."""

    def names(self) -> set[str]: ...
    def open(self, name: str) -> IO[bytes]: ...


class FolderFiles:
    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> set[str]:
        return {
            path.relative_to(self.root).as_posix()
            for path in self.root.rglob("*")
            if path.is_file()
        }

    def open(self, name: str) -> IO[bytes]:
        return (self.root / name).open("rb")


class TarFiles:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self.tar = tar
        self.members = {
            member.name.removeprefix("./"): member
            for member in tar.getmembers()
            if not member.isdir()
        }

    def names(self) -> set[str]:
        return set(self.members)

    def open(self, name: str) -> IO[bytes]:
        # Follows the links with which docker 20.10 and skopeo let images share a layer.
        content = self.tar.extractfile(self.members[name])
        assert content is not None, f"{name} is no regular file"
        return content


@contextmanager
def open_files(path: Path) -> Iterator[Files]:
    """A folder, or a tar, whatever it is compressed with outside."""
    if path.is_dir():
        yield FolderFiles(path)
        return
    with ExitStack() as stack:
        content: IO[bytes] = stack.enter_context(path.open("rb"))
        if codec(content) != "none":
            spool = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(opened(content), spool)
            spool.seek(0)
            content = spool
        yield TarFiles(stack.enter_context(tarfile.open(fileobj=content)))


def _unzstd(content: IO[bytes]) -> IO[bytes]:
    frames = zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True)
    return cast(IO[bytes], frames)


Opener = Callable[[IO[bytes]], IO[bytes]]

CODECS: dict[bytes, tuple[str, Opener]] = {
    b"\x1f\x8b": ("gzip", lambda content: cast(IO[bytes], gzip.GzipFile(fileobj=content))),
    b"\x28\xb5\x2f\xfd": ("zstd", _unzstd),
    b"\xfd7zXZ\x00": ("xz", lzma.LZMAFile),
    b"BZh": ("bzip2", bz2.BZ2File),
}


def codec(content: IO[bytes]) -> str:
    """`gzip`, `zstd`, `xz`, `bzip2` or `none`, by the first bytes."""
    start = content.read(6)
    content.seek(0)
    return next((name for magic, (name, _) in CODECS.items() if start.startswith(magic)), "none")


def opened(content: IO[bytes]) -> IO[bytes]:
    """What is inside, whatever it is compressed with."""
    openers = dict(CODECS.values())
    found = codec(content)
    return content if found == "none" else openers[found](content)


def chunks_of(content: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: content.read(CHUNK), b"")


def digest_of(chunks: Iterator[bytes], algorithm: str = "sha256") -> tuple[str, int]:
    hashing, size = hashlib.new(algorithm), 0
    for chunk in chunks:
        hashing.update(chunk)
        size += len(chunk)
    return f"{algorithm}:{hashing.hexdigest()}", size


@dataclass(frozen=True)
class Image:
    """One platform's image."""

    manifest: str
    """Its manifest's digest; empty where a Docker archive has no OCI half."""
    config: str
    platform: str
    diff_ids: tuple[str, ...]
    media_types: tuple[str, ...]
    """The manifest's, the config's and each layer's; empty like `manifest`."""
    codecs: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """What one name, or several that mean the same, leads to."""

    digest: str
    media_type: str
    ref_names: frozenset[str]
    """As `org.opencontainers.image.ref.name` states them, which skopeo and umoci go by."""
    names: frozenset[str]
    """Full names normalized, bare tags as they are."""
    descriptors: int
    """How many lines of index.json say so: one a name."""
    images: tuple[Image, ...]
    others: frozenset[str]
    """Digests of attestations and artifacts."""
    missing: frozenset[str]

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEX_TYPES


@dataclass(frozen=True)
class Saved:
    """An item of a Docker archive's manifest.json."""

    repo_tags: frozenset[str]
    config: str
    diff_ids: tuple[str, ...]
    codecs: tuple[str, ...]
    platform: str


@dataclass(frozen=True)
class Reading:
    path: Path
    dialect: str
    entries: tuple[Entry, ...] = ()
    saved: tuple[Saved, ...] = ()

    @property
    def images(self) -> set[tuple[str, tuple[str, ...]]]:
        """Image ids and diff ids: what no conversion may change."""
        by_entry = {
            (image.config, image.diff_ids) for entry in self.entries for image in entry.images
        }
        return by_entry or {(item.config, item.diff_ids) for item in self.saved}

    @property
    def names(self) -> dict[str, frozenset[str]]:
        """For each name the image ids that it leads to."""
        if self.entries:
            return {
                name: frozenset(image.config for image in entry.images)
                for entry in self.entries
                for name in entry.names
            }
        return {name: frozenset({item.config}) for item in self.saved for name in item.repo_tags}

    @property
    def missing(self) -> bool:
        return any(entry.missing for entry in self.entries)


def recognize(files: Files) -> str:
    """`layout`, `hybrid`, `docker`, `dir`, or `other` for what holds no image."""
    names = files.names()
    if "index.json" in names:
        return "hybrid" if "manifest.json" in names else "layout"
    if "manifest.json" in names:
        return "dir" if "version" in names else "docker"
    return "other"


def read(path: Path) -> Reading:
    """Everything that the file or folder holds, verified."""
    with open_files(path) as files:
        dialect = recognize(files)
        entries: Iterable[Entry] = ()
        if dialect == "dir":
            entries = [_read_dir(files)]
        elif dialect in ("layout", "hybrid"):
            entries = _read_layout(files)
        saved = _read_saved(files) if dialect in ("docker", "hybrid") else ()
        return Reading(path, dialect, tuple(entries), tuple(saved))


def _blob_name(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _load(files: Files, name: str) -> Any:
    with files.open(name) as content:
        return json.load(content)


def _read_layout(files: Files) -> Iterator[Entry]:
    by_digest: dict[str, list[dict[str, Any]]] = {}
    for descriptor in _load(files, "index.json").get("manifests") or []:
        by_digest.setdefault(descriptor["digest"], []).append(descriptor)
    for descriptors in by_digest.values():
        yield _read_entry(files, descriptors, _blob_name)


def _read_dir(files: Files) -> Entry:
    with files.open("manifest.json") as content:
        raw = content.read()
    digest, size = digest_of(iter([raw]))
    descriptor = {"mediaType": json.loads(raw)["mediaType"], "digest": digest, "size": size}

    present = files.names()

    def name_of(blob: str) -> str:
        hex_digits = blob.partition(":")[2]
        child = f"{hex_digits}.manifest.json"
        if blob == digest:
            return "manifest.json"
        return child if child in present else hex_digits

    return _read_entry(files, [descriptor], name_of)


NameOf = Callable[[str], str]


def _read_entry(files: Files, descriptors: list[dict[str, Any]], name_of: NameOf) -> Entry:
    walk = _Walk(files, name_of)
    walk.visit(descriptors[0])
    annotations = [descriptor.get("annotations") or {} for descriptor in descriptors]
    return Entry(
        digest=descriptors[0]["digest"],
        media_type=descriptors[0]["mediaType"],
        ref_names=frozenset(
            each["org.opencontainers.image.ref.name"]
            for each in annotations
            if "org.opencontainers.image.ref.name" in each
        ),
        names=frozenset(name for each in annotations for name in _stated_names(each)),
        descriptors=len(descriptors),
        images=tuple(walk.images),
        others=frozenset(walk.others),
        missing=frozenset(walk.missing),
    )


class _Walk:
    """Everything below one descriptor, each blob hashed on the way."""

    def __init__(self, files: Files, name_of: NameOf) -> None:
        self.files, self.name_of = files, name_of
        self.present = files.names()
        self.images: list[Image] = []
        self.others: set[str] = set()
        self.missing: set[str] = set()

    def visit(self, descriptor: dict[str, Any]) -> None:
        if not self.check(descriptor):
            return
        media_type = descriptor["mediaType"]
        if media_type not in INDEX_TYPES | MANIFEST_TYPES:
            self.others.add(descriptor["digest"])
            return
        document = _load(self.files, self.name_of(descriptor["digest"]))
        if media_type in INDEX_TYPES:
            for child in document["manifests"]:
                self.visit(child)
            return
        self.visit_manifest(descriptor, document)

    def visit_manifest(self, descriptor: dict[str, Any], manifest: dict[str, Any]) -> None:
        parts = [manifest["config"], *manifest["layers"]]
        found = [self.check(part) for part in parts]
        if not all(found):
            return
        if manifest["config"]["mediaType"] not in CONFIG_TYPES or _is_attestation(manifest):
            self.others.add(descriptor["digest"])
            return
        config = _load(self.files, self.name_of(manifest["config"]["digest"]))
        layers = [self.name_of(layer["digest"]) for layer in manifest["layers"]]
        self.images.append(
            Image(
                manifest=descriptor["digest"],
                config=manifest["config"]["digest"],
                platform=_platform(config),
                diff_ids=_checked_diff_ids(self.files, layers, config),
                media_types=(
                    descriptor["mediaType"],
                    *(part["mediaType"] for part in parts),
                ),
                codecs=tuple(_codec(self.files, layer) for layer in layers),
            )
        )

    def check(self, descriptor: dict[str, Any]) -> bool:
        digest, name = descriptor["digest"], self.name_of(descriptor["digest"])
        if name not in self.present:
            self.missing.add(digest)
            return False
        with self.files.open(name) as content:
            found = digest_of(chunks_of(content), digest.partition(":")[0])
        assert found == (digest, descriptor["size"]), f"{name} is {found}, not {descriptor}"
        return True


def _is_attestation(manifest: dict[str, Any]) -> bool:
    types = {layer["mediaType"] for layer in manifest["layers"]}
    return types == {"application/vnd.in-toto+json"}


def _read_saved(files: Files) -> Iterator[Saved]:
    for item in _load(files, "manifest.json"):
        with files.open(item["Config"]) as content:
            raw = content.read()
        config, layers = json.loads(raw), item["Layers"] or []
        yield Saved(
            repo_tags=frozenset(normalize(tag) for tag in item["RepoTags"] or []),
            config=digest_of(iter([raw]))[0],
            diff_ids=_checked_diff_ids(files, layers, config),
            codecs=tuple(_codec(files, layer) for layer in layers),
            platform=_platform(config),
        )


def _checked_diff_ids(files: Files, layers: list[str], config: dict[str, Any]) -> tuple[str, ...]:
    found = []
    for layer in layers:
        with files.open(layer) as content:
            found.append(digest_of(chunks_of(opened(content)))[0])
    assert found == (config["rootfs"]["diff_ids"] or []), f"{layers} are not what the config says"
    return tuple(found)


def _codec(files: Files, name: str) -> str:
    with files.open(name) as content:
        return codec(content)


def _platform(config: dict[str, Any]) -> str:
    return normal_platform(
        "/".join([config["os"], config["architecture"], config.get("variant") or ""])
    )


def normal_platform(text: str) -> str:
    """Platforms are compared with the variant that is meant where none is said."""
    system, architecture, variant = [*text.split("/"), ""][:3]
    variant = NORMAL_VARIANTS.get((architecture, variant), variant)
    return "/".join(part for part in (system, architecture, variant) if part)


def _stated_names(annotations: dict[str, str]) -> list[str]:
    if full := annotations.get("io.containerd.image.name"):
        return [normalize(full)]
    stated = annotations.get("org.opencontainers.image.ref.name", "")
    return [
        normalize(name) if "/" in name or ":" in name else name
        for name in stated.split(",")
        if name
    ]


def normalize(name: str) -> str:
    """`demo` as docker reads it: `docker.io/library/demo:latest`."""
    name = name.partition("@")[0]
    first, slash, rest = name.partition("/")
    if not slash:
        host, path = "docker.io", "library/" + first
    elif "." in first or ":" in first or first == "localhost":
        host, path = first, rest
    else:
        host, path = "docker.io", name
    if host == "docker.io" and "/" not in path:
        path = "library/" + path
    return f"{host}/{path}" + ("" if ":" in path else ":latest")
