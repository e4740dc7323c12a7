"""The file system of images, or a part of it, out of them: as a tar, a folder or one file.

Several platforms stand in folders of their own, named as buildx does: `linux_arm64`,
`linux_arm_v7`.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ocilayout import notices
from ocilayout.compression import CODECS
from ocilayout.errors import (
    AmbiguousName,
    CannotHold,
    DestinationExists,
    InvalidDocument,
    NotFound,
    PlatformConflict,
)
from ocilayout.graph import leads_to_build_cache, platform_of
from ocilayout.outputs import is_stream, is_tar_name, open_output, outer_codec
from ocilayout.partial import partial_folder
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_below
from ocilayout.rootfs.flatten import FlatImage, flatten
from ocilayout.rootfs.folder_output import shown, write_folder
from ocilayout.rootfs.plan import Plan
from ocilayout.rootfs.tar_output import write_tar
from ocilayout.rootfs.tree import Folder, Node
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import BUILD_CACHE, Manifest
from ocilayout.spec.platform import Platform
from ocilayout.streams import Progress, Writable, ignore

Form = Literal["file", "folder", "tar"]
_FOLDER_NAME = re.compile(r"[A-Za-z0-9._()-]+", re.ASCII)


@dataclass(frozen=True)
class Exported:
    """One image with what is to be exported of it."""

    platform: Platform
    descriptor: Descriptor
    image: FlatImage
    part: Node
    name: bytes
    """The last name of the part's path; empty for the top."""
    folder: bytes
    """Where it goes among the other platforms; empty where there are none."""

    @property
    def top(self) -> Folder:
        """What is written: the part if it is a folder, else a folder with the part in it."""
        if isinstance(self.part, Folder):
            return self.part
        around = Folder()
        around.children[self.name] = self.part
        return around

    @property
    def plan(self) -> Plan:
        """What is written, in its order."""
        return Plan.of(self.image, self.top, self.folder)


def images_of(source: ImageSource) -> list[tuple[Descriptor, Platform, Manifest]]:
    """The container images that a source leads to, without its artifacts and attestations.

    Raises CannotHold where there is none.
    """
    found = [
        (descriptor, platform_of(source, descriptor) or Platform("", ""), manifest)
        for descriptor, manifest in images_below(source, source.index.children)
    ]
    if not found:
        raise CannotHold("there is no container image here, so no file system", _caches(source))
    return found


def _caches(source: ImageSource) -> str:
    """What to say of build caches that were taken for images."""
    is_cache = any(leads_to_build_cache(source, child) for child in source.index.children)
    return f"it is {BUILD_CACHE}, no image" if is_cache else ""


def flattened(source: ImageSource, *paths: str, on_bytes: Progress = ignore) -> list[Exported]:
    """The images of a source with the part of each that stands at `paths`, through symlinks.

    Without a path that is everything; of several paths each keeps its place in the image. Raises
    CannotHold where there is no image, NotFound where an image has no such file, PlatformConflict
    where two images are for one platform, and what flattening raises.
    """
    images = images_of(source)
    wanted = {_cleaned(path): path for path in paths or ("/",)}
    found: list[Exported] = []
    for descriptor, platform, manifest in images:
        folder = _folder_name(platform, descriptor) if len(images) > 1 else b""
        for other in found:
            if other.folder == folder:
                raise PlatformConflict(
                    f"{other.descriptor.digest} and {descriptor.digest} are both for {platform}: "
                    "pick one by @DIGEST"
                )
        image = flatten(source, manifest, on_bytes)
        parts: dict[bytes, Node] = {}
        for clean, path in wanted.items():
            part = image.tree.find(clean)
            if part is None:
                raise NotFound(f"image {descriptor.digest} ({platform}) has no file {path!r}")
            parts[clean] = part
        name, part = _joined(image, parts)
        found.append(Exported(platform, descriptor, image, part, name, folder))
    return found


def _joined(image: FlatImage, parts: Mapping[bytes, Node]) -> tuple[bytes, Node]:
    """The parts at these paths as one, and its last name: one by itself, several in a folder."""
    if len(parts) == 1:
        [(path, part)] = parts.items()
        return path.rpartition(b"/")[2], part
    top = Folder(image.tree.root.attributes)
    for path, part in sorted(parts.items()):
        if not path:
            return b"", part
        outer = [path[:end] for end, letter in enumerate(path) if letter == ord("/")]
        # What stands in another part comes with it.
        if not any(folder in parts for folder in outer):
            _place(image, top, path, part)
    return b"", top


def _place(image: FlatImage, top: Folder, path: bytes, part: Node) -> None:
    """Put a part at its path below `top`, in folders that look like those of the image."""
    into, end = top, path.find(b"/")
    while end >= 0:
        name, around = path[:end].rpartition(b"/")[2], image.tree.folder(path[:end])
        assert around is not None
        inner = into.children.setdefault(name, Folder(around.attributes))
        assert isinstance(inner, Folder)
        into, end = inner, path.find(b"/", end + 1)
    into.children[path.rpartition(b"/")[2]] = part


def export_to(
    exported: Sequence[Exported],
    target: Path | None,
    *,
    replace: bool = False,
    devices: bool = False,
    on_bytes: Progress = ignore,
) -> Form:
    """Write the files in the form that `target` asks for, which is the answer.

    By its name it is a tar. Else it is a new folder for a folder of the image or for several
    images, and a file, or a place in a folder, for one file. Standard output, which is None, and
    pipes get that file or a tar. Raises UsageError, DestinationExists, PlaceNotFound and OSError.
    """
    is_tar = target is not None and is_tar_name(target)
    if is_one_file(exported) and not is_tar:
        if target is not None and target.is_dir():
            target = target / os.fsdecode(exported[0].name)
        with open_output(target, CODECS["none"], replace=replace) as output:
            export_file(exported, output.content, on_bytes=on_bytes)
            output.finished = True
        return "file"
    codec = CODECS["none"] if target is None else outer_codec(target)
    if target is not None and not (is_tar or is_stream(target)):
        export_folder(exported, target, devices=devices, on_bytes=on_bytes)
        return "folder"
    with open_output(target, codec, replace=replace) as output:
        export_tar(exported, output.content, on_bytes=on_bytes)
        output.finished = True
    return "tar"


def export_tar(exported: Sequence[Exported], out: Writable, *, on_bytes: Progress = ignore) -> None:
    """Write the files as one tar: the same bytes for the same images."""
    write_tar([item.plan for item in exported], out, on_bytes)


def export_folder(
    exported: Sequence[Exported],
    folder: Path,
    *,
    devices: bool = False,
    on_bytes: Progress = ignore,
) -> None:
    """Write the files into a new folder, which appears whole or not at all.

    Devices are left out, and said, unless `devices`. Raises DestinationExists where the folder
    has something in it.
    """
    _refuse_taken(folder)
    plans = [item.plan for item in exported]
    _say_devices(plans, devices)
    attributes = exported[0].top.attributes if len(exported) == 1 else None
    with partial_folder(folder) as (partial, publish):
        write_folder(plans, partial, attributes, devices=devices, on_bytes=on_bytes)
        if not publish():
            raise DestinationExists(f"{folder} appeared while it was written: name another folder")


def export_file(
    exported: Sequence[Exported], out: Writable, *, on_bytes: Progress = ignore
) -> None:
    """Write the content of the one file that is exported; raises AmbiguousName or CannotHold."""
    if len(exported) > 1:
        platforms = ", ".join(str(item.platform) for item in exported)
        raise AmbiguousName(f"there are several images here: pick one by --platform: {platforms}")
    [item] = exported
    if item.part.kind != "file":
        raise CannotHold(f"{shown(item.name)} is a {item.part.kind}, not a file")
    for _, content in item.image.contents([item.part], on_bytes):
        for chunk in content:
            out.write(chunk)


def is_one_file(exported: Sequence[Exported]) -> bool:
    """Whether what is exported is one file of one image."""
    return len(exported) == 1 and exported[0].part.kind == "file"


def _refuse_taken(folder: Path) -> None:
    if folder.is_dir() and not any(os.scandir(folder)):
        return
    if os.path.lexists(folder):
        raise DestinationExists(f"{folder} exists: name a new folder, or an empty one")


def _say_devices(plans: Sequence[Plan], devices: bool) -> None:
    left_out = [shown(path) for plan in plans for path, _ in plan.devices]
    if left_out and not devices:
        notices.note(
            f"{len(left_out)} device files are left out: {notices.some_of(left_out)}: "
            "--devices makes them, as root"
        )


def _cleaned(path: str) -> bytes:
    parts = [part for part in os.fsencode(path).split(b"/") if part not in {b"", b"."}]
    if b".." in parts:
        raise NotFound(f"{path!r} leads out of the image")
    return b"/".join(parts)


def _folder_name(platform: Platform, descriptor: Descriptor) -> bytes:
    normal = platform.normalized
    system = f"{normal.os}({normal.os_version})" if normal.os_version else normal.os
    name = "_".join(part for part in (system, normal.architecture, normal.variant) if part)
    if platform.is_unknown or not _FOLDER_NAME.fullmatch(name):
        raise InvalidDocument(
            f"image {descriptor.digest} does not say for which platform it is: pick one by @DIGEST"
        )
    return name.encode()
