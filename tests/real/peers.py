"""What skopeo, umoci and podman must make of an image file, told from what is in it.

A tool that cannot read something by its nature must refuse it in the words given here: whether it
must follows from the image (its media types, platforms, names), never from trying. The words are
those of skopeo 1.9, umoci 0.4 and podman 4.3.
"""

import json
import platform
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.engines import Podman
from tests.real.readers import Entry, Image, Reading, Saved, read
from tests.real.tools import NATIVE_PLATFORMS, ToolFailed, run_tool

HOST = NATIVE_PLATFORMS[platform.machine()][0]


def skopeo(*arguments: str | Path) -> str:
    return run_tool("skopeo", "--insecure-policy", *arguments)


def umoci(*arguments: str | Path) -> str:
    return run_tool("umoci", *arguments)


def host_image(entry: Entry) -> Image | None:
    """The image that a tool picks by itself: of an index, that of this machine."""
    if not entry.is_index:
        return entry.images[0] if entry.images else None
    return next((image for image in entry.images if image.platform == HOST), None)


# skopeo


def check_with_skopeo(reading: Reading, folder: Path) -> None:
    """`skopeo inspect` and `skopeo copy` of everything that skopeo can name."""
    transport = "oci" if reading.path.is_dir() else "oci-archive"
    for number, entry in enumerate(reading.entries):
        for place, refusal in skopeo_places(reading, entry):
            name = f"{transport}:{reading.path}{place}"
            if refusal:
                with pytest.raises(ToolFailed, match=refusal):
                    skopeo("inspect", "--raw", name)
                continue
            assert json.loads(skopeo("inspect", "--raw", name))["schemaVersion"] == 2
            check_inspection(entry, name)
            check_copy(entry, name, folder / f"entry-{number}")
    for number, item in enumerate(reading.saved):
        check_saved_with_skopeo(reading, item, folder / f"saved-{number}")


def skopeo_places(reading: Reading, entry: Entry) -> Iterator[tuple[str, str]]:
    """What follows the path, and with which words it is refused, if it is."""
    if not entry.ref_names:
        several = sum(each.descriptors for each in reading.entries) > 1
        yield "", "choose an image" if several else ""
    for name in sorted(entry.ref_names):
        # Names lead to OCI's media types only.
        yield f":{name}", "no descriptor found" if "docker" in entry.media_type else ""


def check_inspection(entry: Entry, name: str) -> None:
    picked = host_image(entry)
    if picked:
        inspected = json.loads(skopeo("inspect", name))
        assert inspected["Digest"] == entry.digest
        assert inspected["Architecture"] == picked.platform.split("/")[1]
        return
    # In an index of artifacts nothing has a platform, and so skopeo picks the first.
    foreign = entry.is_index and entry.images
    refusal = "no image found in manifest list" if foreign else "operation on artifact"
    with pytest.raises(ToolFailed, match=refusal):
        skopeo("inspect", name)


def check_copy(entry: Entry, name: str, folder: Path) -> None:
    copy = ["copy", "--quiet", "--all", name, f"dir:{folder}"]
    if entry.missing:
        with pytest.raises(ToolFailed, match="no such file or directory"):
            skopeo(*copy)
        return
    skopeo(*copy)
    [copied] = read(folder).entries
    # Not the digest of an index: skopeo 1.9 drops what it does not know, as artifactType.
    assert (copied.images, copied.others) == (entry.images, entry.others)


def check_saved_with_skopeo(reading: Reading, item: Saved, folder: Path) -> None:
    number = reading.saved.index(item)
    place = f":{min(item.repo_tags)}" if item.repo_tags else f":@{number}"
    name = f"docker-archive:{reading.path}{place}"
    assert json.loads(skopeo("inspect", name))["Architecture"] == item.platform.split("/")[1]
    skopeo("copy", "--quiet", name, f"dir:{folder}")
    assert read(folder).images == {(item.config, item.diff_ids)}


# umoci


def check_with_umoci(reading: Reading, folder: Path) -> None:
    """`umoci ls`, and `umoci unpack` of every tag."""
    layout = reading.path if reading.path.is_dir() else unpacked(reading.path, folder / "layout")
    tags = [(tag, entry) for entry in reading.entries for tag in sorted(entry.ref_names)]
    assert sorted(umoci("ls", "--layout", layout).split()) == sorted(tag for tag, _ in tags)
    for number, (tag, entry) in enumerate(tags):
        bundle = folder / f"bundle-{number}"
        unpack = ["unpack", "--image", f"{layout}:{tag}", str(bundle)]
        if refusal := umoci_refusal(entry):
            with pytest.raises(ToolFailed, match=refusal):
                umoci(*unpack)
        else:
            umoci(*unpack)
            assert (bundle / "rootfs").is_dir()


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


def umoci_refusal(entry: Entry) -> str:
    """With which words, if any: umoci knows single images of OCI's gzip layers, and no choice."""
    if "docker" in entry.media_type:
        return "not implemented"
    if len(entry.images) + len(entry.others) > 1:
        return "tag is ambiguous"
    if not entry.images:
        return "config blob is not correct mediatype"
    [image] = entry.images
    return "is not correct mediatype" if "zstd" in image.codecs else ""


# podman


def check_with_podman(reading: Reading, podman: Podman) -> None:
    """`podman load`, which must bring exactly these ids and names."""
    expected = podman_expects(reading)
    if not expected:
        with pytest.raises(ToolFailed, match="does not match any of the supported image formats"):
            podman.load(reading.path)
        return
    podman.load(reading.path)
    ids = podman.podman("images", "--all", "--quiet", "--no-trunc").split()
    assert set(ids) == {config for config, _ in expected}
    if reading.path.is_dir():
        # podman names what it loads from a folder after the folder.
        return
    named = {name: config for config, names in expected for name in names if "/" in name}
    assert named.items() <= podman.images().items()


def podman_expects(reading: Reading) -> list[tuple[str, frozenset[str]]]:
    """Image ids with their names: of the one entry of an index.json, or else of manifest.json."""
    if sum(entry.descriptors for entry in reading.entries) == 1:
        [entry] = reading.entries
        if image := host_image(entry):
            return [(image.config, entry.names)]
    return [(item.config, item.repo_tags) for item in reading.saved]
