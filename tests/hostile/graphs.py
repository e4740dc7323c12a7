"""Graphs that are too deep or circular, and images that are odd but legal."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.hostile.cases import ACCEPT, EITHER, REJECT, SAID, WARN, Case, case, folder_of
from tests.hostile.images import (
    GOOD,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    REMOVED,
    Fields,
    Files,
    blob_path,
    changed,
    digest_of,
    encode,
    index_of,
    layout,
    named,
    put,
    put_image,
    spliced,
)


def marked_files() -> Files:
    return {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def chain(depth: int, width: int = 1) -> Files:
    """Indexes within indexes; `width` descriptors of each lead to the same next one."""
    files = marked_files()
    below = put_image(files)
    for _ in range(depth):
        below = put(files, INDEX_TYPE, encode(index_of(*[below] * width)))
    files["index.json"] = encode(index_of(named(below)))
    return files


def circle() -> Files:
    """Two indexes that name each other, by digests that neither can have."""
    files = marked_files()
    names = ["sha256:" + "a" * 64, "sha256:" + "b" * 64]
    size = len(encode(index_of({"mediaType": INDEX_TYPE, "digest": names[0], "size": 100})))
    links = [{"mediaType": INDEX_TYPE, "digest": name, "size": size} for name in names]
    files[blob_path(names[0])] = encode(index_of(links[1]))
    files[blob_path(names[1])] = encode(index_of(links[0]))
    files["index.json"] = encode(index_of(links[0]))
    return files


def shapes() -> Iterator[Case]:
    threat = "a walk that does not end, or takes exponential time"
    yield case("circle", threat, folder_of(circle))
    yield case("index-1200-deep", threat, folder_of(partial(chain, 1200)), seconds=5)
    yield case("index-33-deep", threat, folder_of(partial(chain, 40)))
    yield case("index-in-index", threat, folder_of(partial(chain, 1)), ACCEPT)
    yield case("index-4-deep", threat, folder_of(partial(chain, 4)), ACCEPT)


def platforms(*architectures: str) -> Files:
    """A nested index of several platforms."""
    files = marked_files()
    members = [
        put_image(files, architecture=architecture)
        | {"platform": {"os": "linux", "architecture": architecture}}
        for architecture in architectures
    ]
    files["index.json"] = encode(
        index_of(named(put(files, INDEX_TYPE, encode(index_of(*members)))))
    )
    return files


def sparse() -> Files:
    """An index of two platforms of which only one is there."""
    files = platforms("amd64", "arm64")
    missing = put_image({}, architecture="arm64")["digest"]
    del files[blob_path(missing)]
    return files


def unknown_entry() -> Files:
    files = layout()
    other = put(files, "application/vnd.example.unknown+json", b'{"layers":null,"manifests":5}')
    files["index.json"] = encode(index_of(named(put_image(files)), other))
    return files


def referrer() -> Files:
    """An artifact that speaks of the image, and fields that no specification knows."""
    files = layout()
    image = named(put_image(files))
    empty = put(files, "application/vnd.oci.empty.v1+json", b"{}")
    subject = {key: image[key] for key in ("mediaType", "digest", "size")}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": "application/vnd.example.note",
        "config": empty,
        "layers": [put(files, "text/plain", b"a note\n")],
        "subject": subject,
        "x-unknown": {"y": [1.5, None, 2**53]},
    }
    note = put(files, MANIFEST_TYPE, encode(manifest)) | {
        "artifactType": "application/vnd.example.note"
    }
    files["index.json"] = encode(index_of(image, note) | {"x-unknown": {"z": 1}})
    return files


def strays() -> Files:
    names = ("README", ".DS_Store", "index.json.lock", "blobs/notes", "blobs/sha256/.tmp-5")
    files = layout() | dict.fromkeys(names, b"stray")
    return files | {"ingest/1/data": b"x", "blobs/sha256/" + "0" * 64: b"a stray blob"}


NULLS: dict[str, Any] = {"Cmd": None, "Labels": None, "Volumes": None, "OnBuild": None}


def foreign() -> Files:
    """A layer that may not be distributed, is absent, and says where it would be."""
    kind = LAYER_TYPE.replace("v1", "nondistributable.v1") + "+gzip"
    urls = ["file:///etc/passwd", "http://127.0.0.1:9/layer", "ftp://outside/x"]

    def encode_manifest(fields: Fields) -> bytes:
        fields["layers"][0] |= {"mediaType": kind, "urls": urls}
        return encode(fields)

    files = layout(manifest=encode_manifest)
    del files[blob_path(digest_of(GOOD[0].blob))]
    return files


def legal() -> Iterator[Case]:
    threat = "odd, but legal"

    def good(name: str, **documents: Any) -> Case:
        return case(name, threat, folder_of(partial(layout, **documents)), ACCEPT)

    yield good("index-without-media-type", index=changed("mediaType", REMOVED))
    yield good("manifest-without-media-type", manifest=changed("mediaType", REMOVED))
    yield good("nulls-in-config", config=changed("config", NULLS))
    yield good("config-section-null", config=changed("config", None))
    yield good("history-absent", config=changed("history", REMOVED))
    yield good("unknown-fields", config=changed("x-unknown", {"deep": [{"er": None}]}))
    labels = {"Version": "1", "version": "2", "": "", "ß": "ſ"}
    yield good("labels-that-differ-in-case", config=changed("config.Labels", labels))
    yield good("annotations-that-differ-in-case", manifest=changed("annotations", labels))
    yield good("white-space", index=lambda fields: b" \r\n\t" + encode(fields) + b"\n\n")
    yield good("emoji", manifest=changed("annotations", {"x": "\U0001f433 é"}))
    yield good("escaped-pair", config=spliced(b'"test"', rb'"\ud83d\udc33"'))
    yield good("unknown-layer-type", manifest=changed("layers.0.mediaType", "application/x-thing"))
    yield good("data-and-urls-empty", manifest=changed("layers.0.urls", []))
    yield case("unknown-entry", threat, folder_of(unknown_entry), ACCEPT, docker=EITHER)
    yield case("referrer", threat, folder_of(referrer), ACCEPT, docker=EITHER)
    yield case("stray-files", threat, folder_of(strays), ACCEPT)
    yield case("two-platforms", threat, folder_of(partial(platforms, "amd64", "arm64")), ACCEPT)
    absent = folder_of(foreign)
    threat = "urls of a layer that is absent are never fetched"
    yield case(
        "foreign-layer", threat, absent, WARN,
        read=ACCEPT, docker=SAID, recode=SAID, incomplete=True,
    )  # fmt: skip
    threat = "an index of which a platform is absent"
    yield case("sparse-refused", threat, folder_of(sparse), REJECT, read=EITHER)
    for choice in ("keep", "prune"):
        options = ("--missing", choice)
        build = folder_of(sparse)
        yield case(
            f"sparse-{choice}", threat, build, ACCEPT,
            read=EITHER, options=options, incomplete=choice == "keep",
        )  # fmt: skip


def cases() -> Iterator[Case]:
    yield from shapes()
    yield from legal()
