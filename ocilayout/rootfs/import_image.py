"""A root file system as an image: a tar or a folder becomes a layer, with a config made for it.

A tar stays byte for byte the layer that it is, so its diff id is its sha256. A folder is written
as a tar, the same one for the same files. What buildx writes for several platforms, with
`linux_amd64`, `linux_arm64`, ... at its top, becomes an image for each.
"""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, cast

from ocilayout.blobs import MemoryBlobs
from ocilayout.errors import BlobNotFound, InvalidArchive, NotFound, UsageError
from ocilayout.file_kinds import shown
from ocilayout.graph import View
from ocilayout.protocols import ImageSource
from ocilayout.rootfs.changes import Settings, settings_of
from ocilayout.rootfs.folder_source import FolderSource, Ownership
from ocilayout.rootfs.image_forms import image_form
from ocilayout.rootfs.machines import platform_in
from ocilayout.rootfs.plan import Plan
from ocilayout.rootfs.tar_output import write_tar
from ocilayout.rootfs.tar_source import TarSource
from ocilayout.rootfs.tree import Folder, nodes_below
from ocilayout.scratch import scratch_file
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.media_types import LayerType
from ocilayout.spec.platform import Platform
from ocilayout.spooling import (
    STANDARD_INPUT,
    is_file,
    open_input,
    open_spool,
    scratch_folder,
    standard_input,
)
from ocilayout.streams import FileSlice, FileWriter, HashingWriter, copy_stream

MESSAGE = "Imported from -"
"""What docker writes into the history."""
_PLATFORM_FOLDER = re.compile(
    r"(linux|windows|darwin|freebsd|netbsd|openbsd|solaris)(?:\(([0-9.]+)\))?"
    r"_(386|amd64|arm|arm64|loong64|mips|mipsle|mips64|mips64le|ppc64|ppc64le|riscv64|s390x)"
    r"(?:_(v[0-9]+))?",
    re.ASCII,
)
_LATEST_YEAR = int(datetime(9999, 12, 31, tzinfo=timezone.utc).timestamp())

RootfsSource = TarSource | FolderSource


@dataclass(frozen=True)
class _LayerFile:
    file: BinaryIO
    size: int


@dataclass(frozen=True)
class RootfsBlobs:
    """The layers of imported root file systems, in the files that hold them."""

    files: dict[Digest, _LayerFile] = field(default_factory=dict)

    @property
    def made_layers(self) -> Collection[Digest]:
        """All layers: no manifest of another's making lists them."""
        return self.files.keys()

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A layer; raises BlobNotFound."""
        found = self.files.get(descriptor.digest)
        if found is None:
            raise BlobNotFound(f"{descriptor.digest} is no layer that was imported")
        return cast(BinaryIO, FileSlice(found.file.fileno(), 0, found.size, "a layer"))


@contextmanager
def import_rootfs(
    rootfs: Path | None,
    *,
    platform: Platform | None = None,
    changes: Sequence[str] = (),
    message: str = MESSAGE,
    created: int | None = None,
    ownership: Ownership | None = None,
    scratch: Path | None = None,
) -> Iterator[ImageSource]:
    """The image, or the image for each platform, of a tar or folder; None is standard input.

    `platform` is found out by the programs in it where it is not given; `changes` are docker's
    instructions; `created` is a time in seconds since 1970, by default that of the newest file;
    `ownership` is for folders; `scratch` is the folder for temporary files. Raises UsageError,
    InvalidArchive, NotFound and OSError.
    """
    settings = settings_of(changes)
    with ExitStack() as stack:
        source = _opened(rootfs, ownership, scratch, stack)
        blobs, documents = RootfsBlobs(), MemoryBlobs()
        label = STANDARD_INPUT if rootfs is None else str(rootfs)
        _refuse_image(source, label)
        entries = []
        for part_platform, top in _parts(source, platform, label):
            layer, diff_id = _layer(source, top, blobs, scratch, stack)
            time = _newest(top) if created is None else created
            config = _config(part_platform, diff_id, settings, message, time)
            documents.add(config)
            described = Descriptor.of(media_types.OCI_CONFIG, config)
            manifest = Manifest.of(media_types.OCI_MANIFEST, described, [layer])
            documents.add(manifest.raw)
            entries.append(
                Descriptor.of(media_types.OCI_MANIFEST, manifest.raw, platform=part_platform)
            )
        yield View(blobs, Index.of(entries), documents)


def _opened(
    rootfs: Path | None, ownership: Ownership | None, scratch: Path | None, stack: ExitStack
) -> RootfsSource:
    if rootfs is not None and rootfs.is_dir():
        return FolderSource(rootfs, ownership or Ownership())
    if ownership is not None and (ownership.owner or ownership.mtime is not None):
        raise UsageError("owners and times are set for folders: a tar is imported as it is")
    if rootfs is None:
        return _spooled(standard_input(), STANDARD_INPUT, scratch, stack)
    label = str(rootfs)
    file = open_input(rootfs, stack)
    return _tar(file, label) if is_file(file) else _spooled(file, label, scratch, stack)


def _refuse_image(source: RootfsSource, label: str) -> None:
    form = image_form(source, source.top)
    if form is not None:
        path = "-" if label == STANDARD_INPUT else shown(label)
        raise InvalidArchive(
            f"{label} is {form}, not the root file system of one",
            f"ocilayout load {path} loads it, ocilayout convert {path} DST converts it",
        )


def _spooled(content: BinaryIO, label: str, scratch: Path | None, stack: ExitStack) -> TarSource:
    spool = open_spool(label, scratch, stack)
    copy_stream(content, spool)
    return _tar(spool.file, label)


def _tar(file: BinaryIO, label: str) -> TarSource:
    size = os.fstat(file.fileno()).st_size
    return TarSource.of(file, size, label)


def _parts(
    source: RootfsSource, wanted: Platform | None, label: str
) -> list[tuple[Platform, Folder]]:
    """What is one image each: the whole, or the folders at the top where all are platforms."""
    parts = _platform_folders(source.top)
    if parts:
        fitting = [part for part in parts if wanted is None or part[0].fits(wanted)]
        if not fitting:
            raise NotFound(f"{label} has no folder for {wanted}")
        return fitting
    platform = wanted or platform_in(source, source.top)
    if platform is None:
        raise UsageError(
            f"{label} has no program that tells for which platform it is: say it by "
            "--platform OS/ARCH"
        )
    return [(platform, source.top)]


def _platform_folders(top: Folder) -> list[tuple[Platform, Folder]]:
    parts: list[tuple[Platform, Folder]] = []
    for name in sorted(top.children):
        folder = top.children[name]
        match = _PLATFORM_FOLDER.fullmatch(os.fsdecode(name))
        if match is None or not isinstance(folder, Folder):
            return []
        system, version, architecture, variant = match.groups("")
        parts.append((Platform(system, architecture, variant, version), folder))
    return parts


def _layer(
    source: RootfsSource,
    top: Folder,
    blobs: RootfsBlobs,
    scratch: Path | None,
    stack: ExitStack,
) -> tuple[Descriptor, Digest]:
    """The layer of one image, and its diff id."""
    if isinstance(source, TarSource) and top is source.top:
        blobs.files[source.digest] = _LayerFile(source.file, source.size)
        media_type = LayerType("oci", source.codec.name).media_type
        return Descriptor.make(media_type, source.digest, source.size), source.diff_id
    file = stack.enter_context(scratch_file(scratch or scratch_folder()))
    out = HashingWriter(FileWriter(file.fileno(), "scratch file"))
    write_tar([Plan.of(source, top)], out)
    blobs.files[out.digest] = _LayerFile(file, out.size)
    return Descriptor.make(media_types.OCI_LAYER, out.digest, out.size), out.digest


def _newest(top: Folder) -> int:
    """The time of the newest file: no clock, so that the same files make the same image."""
    times = (node.attributes.mtime // 10**9 for _, node in nodes_below(top))
    return min(max(times, default=0), _LATEST_YEAR)


def _config(
    platform: Platform, diff_id: Digest, settings: Settings, message: str, created: int
) -> bytes:
    time = datetime.fromtimestamp(max(created, 0), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return strict_json.encode(
        {
            **platform.to_fields(),
            "comment": message,
            "created": time,
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [str(diff_id)]},
            "history": [{"created": time, "comment": message}],
        }
    )
