"""Layers, and images of them, by Python's own tar writer; and what is in folders and tars."""

import gzip
import hashlib
import io
import json
import os
import stat
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIME = 1_700_000_000


@dataclass(frozen=True)
class Item:
    """A member of a layer: a file, if `kind` is not another of tarfile's types."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: float = TIME
    device: tuple[int, int] = (0, 0)
    pax: dict[str, str] = field(default_factory=dict)


def file(name: str, content: bytes = b"", **more: Any) -> Item:
    return Item(name, content, **more)


def folder(name: str, **more: Any) -> Item:
    return Item(name, kind=tarfile.DIRTYPE, **{"mode": 0o755, **more})


def symlink(name: str, target: str) -> Item:
    return Item(name, kind=tarfile.SYMTYPE, target=target, mode=0o777)


def hardlink(name: str, target: str) -> Item:
    return Item(name, kind=tarfile.LNKTYPE, target=target)


def device(name: str, kind: bytes = tarfile.CHRTYPE, numbers: tuple[int, int] = (1, 3)) -> Item:
    return Item(name, kind=kind, device=numbers)


def whiteout(name: str) -> Item:
    head, slash, last = name.rpartition("/")
    return Item(f"{head}{slash}.wh.{last}")


def opaque(name: str) -> Item:
    return Item(f"{name}/.wh..wh..opq" if name else ".wh..wh..opq")


def layer(items: Iterable[Item]) -> bytes:
    """A plain layer of these members, in this order."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for item in items:
            member = tarfile.TarInfo(item.name)
            member.type, member.linkname = item.kind, item.target
            member.mode, member.uid, member.gid = item.mode, item.uid, item.gid
            member.mtime, member.pax_headers = item.mtime, item.pax
            member.size = len(item.content)
            member.devmajor, member.devminor = item.device
            tar.addfile(member, io.BytesIO(item.content))
    return out.getvalue()


def write_layout(
    path: Path, images: Mapping[str, Sequence[bytes]], *, codec: str = "gzip", tag: str = "v1"
) -> Path:
    """A layout whose one name leads to the image of each platform, of these plain layers."""
    blobs = path / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(media_type: str, content: bytes) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (blobs / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    members = [
        {**_image(put, platform, layers, codec), "platform": _platform(platform)}
        for platform, layers in images.items()
    ]
    oci = "application/vnd.oci.image"
    if len(members) > 1:
        index = {"schemaVersion": 2, "mediaType": f"{oci}.index.v1+json", "manifests": members}
        members = [put(f"{oci}.index.v1+json", json.dumps(index).encode())]
    top = {**members[0], "annotations": {"org.opencontainers.image.ref.name": tag}}
    (path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [top]}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return path


def _platform(text: str) -> dict[str, str]:
    system, architecture, *variant = text.split("/")
    found = {"os": system, "architecture": architecture}
    return {**found, "variant": variant[0]} if variant else found


def _image(put: Any, platform: str, layers: Sequence[bytes], codec: str) -> dict[str, object]:
    oci = "application/vnd.oci.image"
    suffix = "" if codec == "none" else f"+{codec}"
    diff_ids = [f"sha256:{hashlib.sha256(raw).hexdigest()}" for raw in layers]
    config = {
        **_platform(platform),
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": put(f"{oci}.config.v1+json", json.dumps(config).encode()),
        "layers": [
            put(f"{oci}.layer.v1.tar{suffix}", raw if codec == "none" else gzip.compress(raw))
            for raw in layers
        ],
    }
    found: dict[str, object] = put(f"{oci}.manifest.v1+json", json.dumps(manifest).encode())
    return found


@dataclass(frozen=True)
class Found:
    """A file as it was found, however it was stored."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    content: bytes = b""
    """The digest of a file, the target of a symlink."""
    device: tuple[int, int] = (0, 0)
    same_as: str = ""
    """The first name, in order, of a file that has several."""
    xattrs: tuple[tuple[str, bytes], ...] = ()


_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}
_TAR_KINDS = {
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.CHRTYPE: "character",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}


def files_in_folder(top: Path) -> dict[str, Found]:
    """Every file below a folder."""
    paths = sorted(
        os.path.relpath(os.path.join(where, name), top)
        for where, folders, files in os.walk(top)
        for name in (*folders, *files)
    )
    firsts: dict[tuple[int, int], str] = {}
    return {path: _found(top / path, path, firsts) for path in paths}


def _found(place: Path, path: str, firsts: dict[tuple[int, int], str]) -> Found:
    status = place.lstat()
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    content, same_as, device = b"", "", (0, 0)
    if kind == "file":
        content = hashlib.sha256(place.read_bytes()).digest()
        first = firsts.setdefault((status.st_dev, status.st_ino), path)
        same_as = "" if first == path else first
    elif kind == "symlink":
        content = os.fsencode(os.readlink(place))
    elif kind in {"character", "block"}:
        device = (os.major(status.st_rdev), os.minor(status.st_rdev))
    xattrs = tuple(
        (name, os.getxattr(place, name, follow_symlinks=False))
        for name in sorted(os.listxattr(place, follow_symlinks=False))
        if not name.startswith("security.selinux")
    )
    return Found(
        kind,
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns // 10**9,
        content,
        device,
        same_as,
        xattrs,
    )


def files_in_tar(path: Path) -> dict[str, Found]:
    """Every member of a tar in the same words; of several names the first by order counts."""
    entries: dict[str, Found] = {}
    links: dict[str, str] = {}
    with tarfile.open(path) as tar:
        for member in tar:
            name = os.path.normpath(member.name)
            if member.islnk():
                links[name] = os.path.normpath(member.linkname)
            elif name != ".":
                entries[name] = _member(tar, member)
    return _with_links(entries, links)


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Found:
    kind = _TAR_KINDS.get(member.type, "file")
    content = b""
    if kind == "file":
        opened = tar.extractfile(member)
        assert opened is not None
        content = hashlib.sha256(opened.read()).digest()
    elif kind == "symlink":
        content = os.fsencode(member.linkname)
    device = (member.devmajor, member.devminor) if kind in {"character", "block"} else (0, 0)
    xattrs = tuple(
        (key.removeprefix("SCHILY.xattr."), value.encode("utf-8", "surrogateescape"))
        for key, value in sorted(member.pax_headers.items())
        if key.startswith("SCHILY.xattr.")
    )
    mtime = int(member.mtime // 1)
    return Found(
        kind, member.mode & 0o7777, member.uid, member.gid, mtime, content, device, "", xattrs
    )


def _with_links(entries: dict[str, Found], links: dict[str, str]) -> dict[str, Found]:
    groups: dict[str, list[str]] = {}
    for name, target in links.items():
        groups.setdefault(target, [target]).append(name)
    found = dict(entries)
    for target, names in groups.items():
        first, *others = sorted(names)
        plain = entries[target]
        found[first] = plain
        for name in others:
            found[name] = Found(**{**plain.__dict__, "same_as": first})
    return dict(sorted(found.items()))
