"""Files of a layout that are damaged, missing, or not files at all."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    Builder,
    Case,
    Spoiler,
    case,
    folder_of,
    outside,
)
from tests.hostile.images import blob_path, layout


def locate(root: Path, part: str) -> Path:
    """The file of the first layer, the config or the manifest of a good layout."""
    if part in ("index.json", "oci-layout", "blobs", "blobs/sha256"):
        return root / part
    index = json.loads((root / "index.json").read_bytes())
    manifest = root / blob_path(index["manifests"][0]["digest"])
    if part == "manifest":
        return manifest
    fields = json.loads(manifest.read_bytes())
    descriptor = fields["config"] if part == "config" else fields["layers"][0]
    return root / blob_path(descriptor["digest"])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def zero_tail(path: Path) -> None:
    content = path.read_bytes()
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes(len(content) - half))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def trailing_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def last_byte_gone(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def link_outside(path: Path) -> None:
    """The right content, but in a place that nobody named."""
    kept = outside(path_of_input(path)) / "moved"
    shutil.move(path, kept)
    path.symlink_to(kept)


def link_to_secret(path: Path) -> None:
    path.unlink()
    path.symlink_to(outside(path_of_input(path)) / "secret")


def link_inside(path: Path) -> None:
    kept = path.with_name("moved")
    shutil.move(path, kept)
    path.symlink_to("moved")


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def unix_socket(path: Path) -> None:
    path.unlink()
    # The name of a socket has to be short, which that of a blob is not.
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(path.parent)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
    path.with_name("socket").rename(path)


def hard_link(path: Path) -> None:
    os.link(path, path.with_name("also"))


def read_only(path: Path) -> None:
    path.chmod(0o444)


def path_of_input(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.name == "layout").parent


def spoilt(part: str, spoil: Spoiler) -> Builder:
    return folder_of(layout, lambda root: spoil(locate(root, part)))


CONTENT: dict[str, Spoiler] = {
    "empty": empty,
    "zeros": zeros,
    "half-zeros": zero_tail,
    "bit-flipped": flip,
    "one-byte-more": trailing_byte,
    "one-byte-less": last_byte_gone,
}
KIND: dict[str, Spoiler] = {
    "link-outside": link_outside,
    "link-to-secret": link_to_secret,
    "link-to-itself": link_to_itself,
    "fifo": fifo,
    "folder": folder,
    "socket": unix_socket,
    "missing": Path.unlink,
}


def damaged() -> Iterator[Case]:
    for name, spoil in CONTENT.items():
        for part, read in {"layer": ACCEPT, "config": REJECT, "manifest": REJECT}.items():
            # Files that are documents have their bytes checked by every verb; layers are only
            # read where they are copied.
            threat = "a blob of the right name and the wrong content"
            yield case(f"{part}-file-{name}", threat, spoilt(part, spoil), read=read)


def kinds() -> Iterator[Case]:
    for name, spoil in KIND.items():
        for part, read in {"layer": EITHER, "config": REJECT, "manifest": REJECT}.items():
            # What is absent may be absent on purpose, and be listed all the same.
            listed = EITHER if name == "missing" else read
            threat = "a blob that is not a regular file"
            yield case(
                f"{part}-file-{name}", threat, spoilt(part, spoil),
                read=listed, ls=EITHER if name == "missing" else listed, seconds=5,
            )  # fmt: skip


def links() -> Iterator[Case]:
    for part in ("layer", "config", "manifest"):
        threat = "a blob that is a link to another file of the layout"
        yield case(f"{part}-file-link-inside", threat, spoilt(part, link_inside), ACCEPT)
        threat = "a blob that is a link out of the layout, and the user allows that"
        allowed = ("--follow-links",)
        for name, spoil, copy in (
            ("outside", link_outside, ACCEPT),
            ("to-secret", link_to_secret, REJECT),
            ("to-itself", link_to_itself, REJECT),
        ):
            read = EITHER if part == "layer" else REJECT
            yield case(
                f"{part}-file-link-{name}-followed", threat, spoilt(part, spoil), copy,
                read=read, options=allowed, seconds=5,
            )  # fmt: skip


def documents() -> Iterator[Case]:
    threat = "an index.json or oci-layout that is not a regular file"
    for part in ("index.json", "oci-layout"):
        for name in ("link-outside", "link-to-secret", "link-to-itself", "fifo", "folder"):
            yield case(f"{part}-{name}", threat, spoilt(part, KIND[name]), seconds=5)
    yield case("index.json-missing", threat, spoilt("index.json", Path.unlink))
    yield case("index.json-empty", threat, spoilt("index.json", empty))
    yield case("index.json-zeros", threat, spoilt("index.json", zeros))


def folders() -> Iterator[Case]:
    threat = "blobs or blobs/sha256 is a symbolic link"
    for part in ("blobs", "blobs/sha256"):
        for name, spoil in {"link-outside": link_outside, "link-inside": link_inside}.items():
            yield case(f"{part.replace('/', '-')}-{name}", threat, spoilt(part, spoil))


def linked_layout(folder: Path) -> Path:
    folder_of(layout)(folder)
    link = folder / "named-by-the-user"
    link.symlink_to("layout")
    return link


def harmless() -> Iterator[Case]:
    threat = "odd, but legal"
    yield case("the-layout-itself-is-a-link", threat, linked_layout, ACCEPT)
    for name, spoil in {"hard-linked": hard_link, "read-only": read_only}.items():
        yield case(f"layer-{name}", threat, spoilt("layer", spoil), ACCEPT)


def cases() -> Iterator[Case]:
    parts: tuple[Callable[[], Iterator[Case]], ...] = (
        damaged, kinds, links, documents, folders, harmless,
    )  # fmt: skip
    for part in parts:
        yield from part()
