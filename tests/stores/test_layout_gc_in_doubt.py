"""In doubt gc removes nothing: a layout with garbage, damaged in one way each time."""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ocilayout.errors import OciLayoutError
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.stores.layout_gc import collect_garbage
from tests.image_files import blob_file, flip_a_byte, write_layout
from tests.images import (
    Made,
    encode,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import unchanged

Spoiler = Callable[[Path], object]
AMD64 = make_image()
ARM64 = make_image("linux/arm64")
INNER = make_index(AMD64, ARM64)
UNKNOWN = make_blob("application/vnd.example.future+json", b'{"future":true}')
LISTED = (INNER.named("registry.example/app:v1"), UNKNOWN)
GARBAGE = make_image(layers=[make_layer("nobody's")])
REFUSED = 77
OCI = media_types.OCI_MANIFEST


def make_layout(folder: Path, *listed: Made) -> Path:
    source = make_source(*(listed or LISTED))
    source.contents |= GARBAGE.contents
    return write_layout(folder / "layout", source)


def index(raw: bytes) -> Spoiler:
    return lambda layout: (layout / "index.json").write_bytes(raw)


def edited(edit: Callable[[dict[str, Any]], object]) -> Spoiler:
    def spoil(layout: Path) -> None:
        fields = json.loads((layout / "index.json").read_bytes())
        edit(fields)
        (layout / "index.json").write_bytes(encode(fields))

    return spoil


def respelt(old: bytes, new: bytes) -> Spoiler:
    def spoil(layout: Path) -> None:
        raw = (layout / "index.json").read_bytes()
        assert old in raw
        (layout / "index.json").write_bytes(raw.replace(old, new, 1))

    return spoil


def listing(*descriptors: object) -> Spoiler:
    return index(encode({"schemaVersion": 2, "manifests": descriptors}))


def file_of(descriptor: Descriptor, spoil: Callable[[Path], object]) -> Spoiler:
    return lambda layout: spoil(blob_file(layout, descriptor))


def holding(media_type: str, raw: bytes) -> Spoiler:
    """A document that hashes to its name, but is not what its descriptor says."""

    def spoil(layout: Path) -> None:
        made = make_blob(media_type, raw)
        blob_file(layout, made.descriptor).write_bytes(raw)
        listing(dict(made.descriptor.fields))(layout)

    return spoil


def moved_out(name: str) -> Spoiler:
    def spoil(layout: Path) -> None:
        outside = layout.parent / "outside"
        (layout / name).rename(outside)
        (layout / name).symlink_to(outside)

    return spoil


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


def chained(levels: int) -> Spoiler:
    def spoil(layout: Path) -> None:
        made = AMD64
        for _ in range(levels):
            made = make_index(made)
        for digest, content in made.contents.items():
            (layout / digest.blob_path).write_bytes(content)
        listing(dict(made.descriptor.fields))(layout)

    return spoil


def cyclic(layout: Path) -> None:
    """Which no digest can be, so it is damaged."""
    made = make_index(AMD64, annotations={"a": "b"})
    raw = encode({"schemaVersion": 2, "manifests": [dict(made.descriptor.fields)]})
    blob_file(layout, made.descriptor).write_bytes(raw)
    listing(dict(made.descriptor.fields))(layout)


def without_config(raw: bytes) -> Spoiler:
    config = make_blob(media_types.OCI_CONFIG, raw)
    made = make_manifest(config)

    def spoil(layout: Path) -> None:
        for digest, content in made.contents.items():
            (layout / digest.blob_path).write_bytes(content)
        listing(dict(made.descriptor.fields))(layout)

    return spoil


GOOD = {key: AMD64.descriptor.fields[key] for key in ("mediaType", "digest", "size")}
MANIFEST = AMD64.contents[AMD64.descriptor.digest]
DOCUMENTS = {"index": INNER.descriptor, "manifest": AMD64.descriptor, "future": UNKNOWN.descriptor}
CONFIG = Descriptor.parse(json.loads(MANIFEST)["config"], "config")
LAYER = Descriptor.parse(json.loads(MANIFEST)["layers"][0], "layer")

NO_DOCUMENT: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": partial(Path.write_bytes, data=b""),
    "flipped": flip_a_byte,
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a-link": a_link,
    "a-pipe": a_pipe,
    "a-folder": a_folder,
}

CASES: dict[str, Spoiler] = {
    "index-empty": index(b""),
    "index-null": index(b"null"),
    "index-array": index(b"[]"),
    "index-object": index(b"{}"),
    "index-garbage": index(b"\0\1"),
    "index-zeros": index(bytes(300)),
    "index-missing": lambda layout: (layout / "index.json").unlink(),
    "index-cut": lambda layout: index((layout / "index.json").read_bytes()[:-1])(layout),
    "index-twice": lambda layout: index((layout / "index.json").read_bytes() * 2)(layout),
    "index-with-mark": lambda layout: index(b"\xef\xbb\xbf" + (layout / "index.json").read_bytes())(
        layout
    ),
    "index-utf-16": lambda layout: index(
        (layout / "index.json").read_bytes().decode().encode("utf-16")
    )(layout),
    "index-is-a-manifest": index(MANIFEST),
    "index-and-manifest": edited(lambda fields: fields.update(layers=[], config={})),
    "index-of-another-type": edited(lambda fields: fields.update(mediaType=OCI)),
    "index-of-version-1": edited(lambda fields: fields.update(schemaVersion=1)),
    "index-too-large": lambda layout: index(
        (layout / "index.json").read_bytes() + b" " * (4 << 20)
    )(layout),
    "manifests-null": edited(lambda fields: fields.update(manifests=None)),
    "manifests-missing": edited(lambda fields: fields.pop("manifests")),
    "manifests-object": edited(lambda fields: fields.update(manifests={})),
    "manifests-of-null": listing(None),
    "manifests-of-numbers": listing(5),
    "manifests-in-another-case": respelt(b'"manifests"', b'"Manifests"'),
    "manifests-in-both-cases": respelt(b'"manifests"', b'"Manifests": [], "manifests"'),
    "manifests-twice": respelt(b'"manifests"', b'"manifests": [], "manifests"'),
    "digest-in-another-case": respelt(b'"digest"', b'"Digest"'),
    "digest-missing": listing({key: GOOD[key] for key in ("mediaType", "size")}),
    "digest-a-path": listing({**GOOD, "digest": "sha256:../../etc/passwd"}),
    "digest-too-short": listing({**GOOD, "digest": "sha256:abc"}),
    "digest-in-capitals": listing({**GOOD, "digest": str(GOOD["digest"]).upper()}),
    "digest-of-blake3": listing({**GOOD, "digest": "blake3:0123"}, GOOD),
    "size-wrong": listing({**GOOD, "size": 5}),
    "size-negative": listing({**GOOD, "size": -1}),
    "size-a-text": listing({**GOOD, "size": "5"}),
    "size-huge": listing({**GOOD, "size": 2**62}),
    "type-missing": listing({key: GOOD[key] for key in ("digest", "size")}),
    "type-of-an-index": listing({**GOOD, "mediaType": media_types.OCI_INDEX}),
    "described-in-two-ways": listing(GOOD, {**GOOD, "mediaType": "application/vnd.oci.empty"}),
    "version-2": lambda layout: (layout / "oci-layout").write_text('{"imageLayoutVersion":"2"}'),
    "marker-empty": lambda layout: (layout / "oci-layout").write_text(""),
    "manifest-null": holding(OCI, b"null"),
    "manifest-a-layer": holding(OCI, make_layer("tar")),
    "manifest-without-layers": holding(OCI, b'{"schemaVersion":2}'),
    "manifest-with-null": holding(OCI, encode({**json.loads(MANIFEST), "layers": None})),
    "manifest-and-index": holding(OCI, encode({**json.loads(MANIFEST), "manifests": []})),
    "config-null": without_config(b"null"),
    "config-a-layer": without_config(make_layer("tar")),
    "chain-too-long": chained(40),
    "cycle": cyclic,
    "blobs-a-link": moved_out("blobs"),
    "sha256-a-link": moved_out("blobs/sha256"),
    "index-a-link": moved_out("index.json"),
    "index-a-pipe": lambda layout: a_pipe(layout / "index.json"),
    "manifest-json-too-large": lambda layout: (layout / "manifest.json").write_bytes(
        bytes(5 << 20)
    ),
    **{
        f"{document}-{name}": file_of(descriptor, spoil)
        for document, descriptor in DOCUMENTS.items()
        for name, spoil in NO_DOCUMENT.items()
    },
    "config-missing": file_of(CONFIG, Path.unlink),
    "layer-missing": file_of(LAYER, Path.unlink),
    "layer-shorter": file_of(LAYER, lambda path: path.write_bytes(path.read_bytes()[:-1])),
    "layer-empty": file_of(LAYER, partial(Path.write_bytes, data=b"")),
    "layer-a-pipe": file_of(LAYER, a_pipe),
    "config-flipped": file_of(CONFIG, flip_a_byte),
    "config-empty": file_of(CONFIG, partial(Path.write_bytes, data=b"")),
    "config-a-pipe": file_of(CONFIG, a_pipe),
    "layer-a-link": file_of(LAYER, a_link),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_removed(name: str, tmp_path: Path) -> None:
    layout = make_layout(tmp_path)
    CASES[name](layout)
    places = [layout / "blobs", layout.parent / "outside"]
    before = [state(place) for place in places]
    with pytest.raises(OciLayoutError):
        collect_garbage(layout, ingest=True, attestations="drop")
    assert [state(place) for place in places] == before


def test_all_of_this_would_be_removed_if_it_were_sound(tmp_path: Path) -> None:
    layout = make_layout(tmp_path)
    assert len(collect_garbage(layout).blobs) == len(GARBAGE.contents - AMD64.contents.keys())


def state(folder: Path) -> list[tuple[str, int, int]]:
    """What is there, without opening what may be a pipe."""
    return [
        (str(path), path.lstat().st_mode, path.lstat().st_size)
        for path in [folder, *sorted(folder.rglob("*"))]
        if os.path.lexists(path)
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(
    "part", ["index.json", "blobs", "blobs/sha256", "manifest", "layer", "garbage", ""]
)
def test_what_cannot_be_read_or_written_is_no_reason_to_remove_the_rest(
    tmp_path: Path, part: str
) -> None:
    blobs = {"manifest": AMD64.descriptor, "layer": LAYER, "garbage": GARBAGE.descriptor}
    layout = make_layout(tmp_path)
    for path in [tmp_path, layout, *layout.rglob("*")]:
        os.chown(path, 1000, 1000)
    for parent in tmp_path.parents[:2]:
        parent.chmod(0o755)
    path = blob_file(layout, blobs[part]) if part in blobs else layout / part
    path.chmod(0o555 if not part else 0o000)
    with unchanged(layout):
        child = multiprocessing.get_context("fork").Process(target=_as_nobody, args=(layout,))
        child.start()
        child.join()
        (layout / "index.json.lock").unlink(missing_ok=True)
    assert child.exitcode == REFUSED


def _as_nobody(layout: Path) -> None:
    os.setgroups([])
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    try:
        collect_garbage(layout)
    except (OSError, OciLayoutError):
        sys.exit(REFUSED)
