"""Archives: their members, their links, their documents and what is around them."""

from collections.abc import Iterator

from tests.images import encode, make_image
from tests.real.kinds.files import (
    LAYERS,
    NAME,
    Kind,
    Link,
    Members,
    docker_files,
    edited,
    oci_files,
)
from tests.real.kinds.layers import CODECS, hybrid_files

_SUFFIXES = {"gzip": ".gz", "zstd": ".zst", "bzip2": ".bz2", "xz": ".xz"}


def kinds() -> Iterator[Kind]:
    """Forms of archives and directories."""
    image = make_image().named(NAME)
    forms = {
        "docker": list(docker_files().items()),
        "oci": list(oci_files(image).items()),
        "hybrid": list(hybrid_files(image).items()),
    }
    for form, members in forms.items():
        for codec, suffix in _SUFFIXES.items():
            yield Kind(f"outer-{form}-{codec}", members, f".tar{suffix}", CODECS[codec])
        yield Kind(f"members-{form}-dots", [(f"./{name}", raw) for name, raw in members])
        yield Kind(f"members-{form}-on-top", [(f"image/{name}", raw) for name, raw in members])
        yield Kind(f"members-{form}-directory", members, suffix="")
        yield Kind(f"members-{form}-Directory", members, suffix="")
        yield Kind(
            f"members-{form}-no-end", members, outer=lambda raw: raw.rstrip(b"\0") + b"\0" * 300
        )
    yield from _links()
    yield from _documents()
    yield from _dir()


def _links() -> Iterator[Kind]:
    files = docker_files()
    layer = next(name for name in files if name.endswith("/layer.tar"))
    config = next(iter(files))
    beside = ("other", files[layer])
    links = {
        "relative": Link("../other"),
        "hard": Link("other", is_hard=True),
        "absolute": Link("/other"),
        "itself": Link("layer.tar"),
        "nowhere": Link("../nowhere"),
        "outside": Link("../../other"),
    }
    for label, link in links.items():
        yield Kind(f"links-layer-{label}", [beside, *edited(files, [(layer, link)])])
    for label, is_hard in {"symbolic": False, "hard": True}.items():
        moved = ("real.json", files["manifest.json"])
        linked = edited(files, [("manifest.json", Link("real.json", is_hard))])
        yield Kind(f"links-manifest-{label}", [moved, *linked])
        moved = ("real", files[config])
        yield Kind(
            f"links-config-{label}", [moved, *edited(files, [(config, Link("real", is_hard))])]
        )
    oci = oci_files(make_image().named(NAME))
    for label, is_hard in {"symbolic": False, "hard": True}.items():
        moved = ("real.json", oci["index.json"])
        linked = edited(oci, [("index.json", Link("real.json", is_hard))])
        yield Kind(f"links-index-{label}", [moved, *linked])
    juniper = edited(files, [(layer, Link(f"{layer.rpartition('/')[0]}/other"))])
    yield Kind(
        "links-layer-own-path", [(f"{layer.rpartition('/')[0]}/other", files[layer]), *juniper]
    )


def _documents() -> Iterator[Kind]:
    files, image = docker_files(), make_image().named(NAME)
    manifest = files["manifest.json"]
    oci, both = oci_files(image), hybrid_files(image)
    for label, raw in _spoiled(manifest).items():
        yield Kind(f"documents-manifest-{label}", edited(files, [("manifest.json", raw)]))
    for label, raw in _spoiled(oci["index.json"]).items():
        yield Kind(f"documents-index-{label}", edited(oci, [("index.json", raw)]))
    for label, raw in {"empty": b"[]", "null": b"null"}.items():
        yield Kind(f"documents-manifest-{label}", edited(files, [("manifest.json", raw)]))
        yield Kind(f"documents-hybrid-manifest-{label}", edited(both, [("manifest.json", raw)]))
    for label, raw in _EMPTY.items():
        yield Kind(f"documents-index-{label}", edited(oci, [("index.json", raw)]))
        yield Kind(f"documents-hybrid-index-{label}", edited(both, [("index.json", raw)]))
    yield Kind(
        "documents-manifest-lower-case", edited(files, [("manifest.json", _lowered(manifest))])
    )
    yield Kind("documents-manifest-twice", [("manifest.json", b"[]"), *files.items()])
    yield Kind("documents-manifest-backslashes", _backslashed(files))
    for form, members in {"oci": oci, "hybrid": both}.items():
        yield Kind(f"documents-{form}-no-marker", edited(members, [("oci-layout", None)]))
        marker = encode({"imageLayoutVersion": "2.0.0"})
        yield Kind(f"documents-{form}-marker-2", edited(members, [("oci-layout", marker)]))
        yield Kind(f"documents-{form}-marker-empty", edited(members, [("oci-layout", b"")]))
    yield Kind("documents-nothing", [("readme", b"no image")])
    yield Kind("documents-layer-absent", _lacking(files, "/layer.tar"))
    yield Kind("documents-config-absent", _lacking(files, ".json"))


_EMPTY = {
    "empty": encode({"schemaVersion": 2, "manifests": []}),
    "null-list": encode({"schemaVersion": 2, "manifests": None}),
    "no-list": encode({"schemaVersion": 2}),
}


def _spoiled(raw: bytes) -> dict[str, bytes]:
    return {
        "bom": b"\xef\xbb\xbf" + raw,
        "utf-16": raw.decode().encode("utf-16"),
        "cut": raw[:-20],
        "nul": raw + b"\0",
        "trailing": raw + b"\n{}",
    }


def _lowered(raw: bytes) -> bytes:
    for key in (b"Config", b"RepoTags", b"Layers"):
        raw = raw.replace(b'"' + key, b'"' + key.lower())
    return raw


def _backslashed(files: dict[str, bytes]) -> Members:
    raw = files["manifest.json"].replace(b"/layer.tar", b"\\\\layer.tar")
    return edited(files, [("manifest.json", raw)])


def _lacking(files: dict[str, bytes], suffix: str) -> Members:
    name = next(name for name in files if name.endswith(suffix))
    return edited(files, [(name, None)])


def _dir() -> Iterator[Kind]:
    """Skopeo's directories: blobs called by their hex, and a manifest of one image."""
    image = make_image(layers=LAYERS)
    digest = image.descriptor.digest
    files = {each.encoded: raw for each, raw in image.contents.items() if each != digest}
    files |= {
        "manifest.json": image.contents[digest],
        "version": b"Directory Transport Version: 1.1\n",
    }
    bare = [(name, raw) for name, raw in files.items() if name != "version"]
    for suffix, label in {"": "", ".tar": "-tar"}.items():
        yield Kind(f"dir{label}", list(files.items()), suffix)
        yield Kind(f"dir-no-version{label}", bare, suffix)
