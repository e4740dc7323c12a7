"""Tars edited where they are: written anew beside themselves, and renamed.

The kernel copies all that stays. At any instant there is the old archive or the new one.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from ocilayout import notices
from ocilayout.damage import readable
from ocilayout.errors import CannotHold, UsageError
from ocilayout.graph import View, changes, read_bytes, walk
from ocilayout.magic import codec_name
from ocilayout.partial import partial_file
from ocilayout.protocols import ImageSource
from ocilayout.spec import strict_json
from ocilayout.spec.digest import Digest
from ocilayout.stores import docker_archive, oci_archive, skopeo_dir
from ocilayout.stores.below_top import top_directory
from ocilayout.stores.docker_agreement import agreeing
from ocilayout.stores.docker_entries import Entry, read_entries, with_known_keys
from ocilayout.stores.docker_images import DockerImages, ImageIds
from ocilayout.stores.file_names import INDEX, MANIFEST
from ocilayout.stores.in_place import Transform, made
from ocilayout.stores.layout_locks import hold_file
from ocilayout.stores.layout_source import LayoutSource, read_small
from ocilayout.streams import FileSlice, naming
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_file import TarFile, require_tar
from ocilayout.tar_rewriting import TarChanges, rewrite_tar


@contextmanager
def edited_tar(
    place: Path, digest: Digest | None, transform: Transform, lock_timeout: float, dry_run: bool
) -> Iterator[ImageSource]:
    """Edit the images of a tar, of which one may be meant by its digest; what is there now.

    Raises CannotHold where it cannot be edited as it is, UsageError where it is no file.
    """
    # A link stays one: what it leads to is edited.
    path, label = Path(os.path.realpath(place)), str(place)
    with _held(path, label, lock_timeout) as file:
        _refuse_others(file, label)
        files = TarFile(file, label)
        before, entries = _opened(files, digest)
        after = transform(before, label)
        changed = _tar_changes(files, before, after, entries)
        if changed and not dry_run:
            _write(path, file.fileno(), label, changed)
        yield after


@contextmanager
def _held(path: Path, label: str, timeout: float) -> Iterator[BinaryIO]:
    """The file, from when nobody else who edits it holds it.

    Who had to wait finds another file under its name.
    """
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{label} is no regular file: it cannot be edited in place")
            hold_file(cast(BinaryIO, file), timeout, label)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(path), os.fstat(descriptor)):
                    yield cast(BinaryIO, file)
                    return


def _refuse_others(file: BinaryIO, label: str) -> None:
    with naming(label):
        head = os.pread(file.fileno(), BLOCK, 0)
    codec = codec_name(head)
    if codec != "none":
        raise CannotHold(
            f"{label} is compressed with {codec} outside, and an edit would compress it anew: "
            f"ocilayout convert {label} NEW.tar, and edit that"
        )
    rest = FileSlice(file.fileno(), BLOCK, os.fstat(file.fileno()).st_size, label)
    require_tar(head, cast(BinaryIO, rest), label, label)


def _opened(files: TarFile, digest: Digest | None) -> tuple[ImageSource, list[Entry] | None]:
    """The images of a tar, and what its manifest.json lists, if it has one."""
    if docker_archive.recognizes(files):
        entries = read_entries(files)
        if INDEX in files:
            return docker_archive.with_names(LayoutSource(files), entries), entries
        if digest is None or digest in {entry.config_digest for entry in entries}:
            return ImageIds(files, entries), entries
        # As ls shows it. Manifests are made then, and compressed layers hashed.
        return DockerImages(files, entries), entries
    if oci_archive.recognizes(files):
        return LayoutSource(files), None
    # Most tars are images, and start-up counts.
    from ocilayout.stores.unrecognized import tree_refusal

    form = _form(files)
    if form is not None:
        raise CannotHold(
            f"{files.label} is {form}, which is not edited in place: "
            f"ocilayout convert {files.label} NEW.tar, and edit that"
        )
    raise tree_refusal(files, files.label)


def _form(files: TarFile) -> str | None:
    """What images in a tar are called that are read but not edited."""
    if skopeo_dir.recognizes(files):
        return skopeo_dir.dialect(files)
    top = top_directory(files)
    return f"an image in the directory {top}/ of a tar" if top else None


def _tar_changes(
    files: TarFile, before: ImageSource, after: ImageSource, entries: list[Entry] | None
) -> TarChanges:
    new = made(after)
    if new and entries is not None:
        _check_halves(files, entries)
    contents = {blob.digest.blob_path: read_bytes(after, blob) for blob in new}
    if INDEX in files and after.index.raw != read_small(files, INDEX):
        contents[INDEX] = after.index.raw
    if entries is not None:
        contents |= agreeing(files, entries, before, after, changes(after))
    dropped = {digest.blob_path for digest in _unreachable(before, after)}
    if dropped:
        dropped -= {files.resolved(name) for name in files.links()}
        dropped -= _named_by_docker(contents.get(MANIFEST), entries)
    return TarChanges(contents, {path for path in dropped if path in files})


def _check_halves(files: TarFile, entries: list[Entry]) -> None:
    """New documents need an OCI half to stand in, which is what docker reads too."""
    if INDEX not in files:
        raise CannotHold(
            f"{files.label} has no manifests, since no OCI half: "
            f"ocilayout convert {files.label} NEW.tar makes one"
        )
    difference = docker_archive.difference(LayoutSource(files), entries)
    if difference is not None:
        raise CannotHold(
            f"{files.label}: {INDEX} and {MANIFEST} disagree ({difference}): "
            f"ocilayout convert {files.label} NEW.tar settles it"
        )


def _named_by_docker(edited: bytes | None, entries: list[Entry] | None) -> set[str]:
    """The members that manifest.json names."""
    if edited is None:
        return {path for entry in entries or () for path in (entry.config_path, *entry.layers)}
    listed = strict_json.parse(edited, MANIFEST)
    assert isinstance(listed, list)
    return {path for item in listed for path in _paths_in(with_known_keys(item, MANIFEST))}


def _paths_in(item: Mapping[str, Any]) -> Iterator[str]:
    for path in (item["Config"], *(item["Layers"] or ())):
        # As a Docker archive from Windows has it, and as its member may be called.
        yield from {path, path.replace("\\", "/")}


def _unreachable(before: ImageSource, after: ImageSource) -> set[Digest]:
    """What nothing leads to any longer; nothing where not all can be read that is left."""
    tops = {entry.digest for entry in before.index.children}
    if tops <= {entry.digest for entry in after.index.children}:
        return set()
    if readable(after).damage:
        notices.note(
            "what only the dropped image needs stays in the tar: not all of it can be read"
        )
        return set()
    found = readable(View(before, before.index, absent=after.absent)).source
    left = {descriptor.digest for descriptor in walk(after)}
    return {descriptor.digest for descriptor in walk(found)} - left


def _write(path: Path, descriptor: int, label: str, changed: TarChanges) -> None:
    was = os.fstat(descriptor)
    if was.st_nlink > 1:
        notices.note(f"{label} has {was.st_nlink - 1} more hard links, which keep the old content")
    with partial_file(path, replace=True) as (out, publish):
        rewrite_tar(descriptor, label, out, changed)
        with suppress(PermissionError):
            os.fchown(out.fileno(), was.st_uid, was.st_gid)
        with naming(label):
            os.fchmod(out.fileno(), stat.S_IMODE(was.st_mode))
        publish()
