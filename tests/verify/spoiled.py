"""For each code that verifying knows, a place that shows it."""

import gzip
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zstandard

from ocilayout.graph import MAX_LEVELS
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import LayerType
from tests.attestations import make_cosign_signature
from tests.hostile.tars import header
from tests.image_files import (
    blob_file,
    flip_a_byte,
    layout_files,
    write_layout,
)
from tests.images import (
    Made,
    encode,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
    make_tar,
)
from tests.rootfs.layer_tars import file
from tests.rootfs.layer_tars import layer as layer_of

Builder = Callable[[Path], Path]
NAME = "registry.example/app:v1"
OTHER_NAME = "registry.example/app:v2"
REF_NAME = "org.opencontainers.image.ref.name"
PLAIN, GZIP = (LayerType("oci", codec).media_type for codec in ("none", "gzip"))
NOWHERE = Digest.of(b"nowhere")
LAYER = make_layer("base")


def listed(*tops: Made) -> Builder:
    """A layout that lists these."""
    return lambda folder: write_layout(folder / "layout", make_source(*tops))


def then(build: Builder, spoil: Callable[[Path], object]) -> Builder:
    """A place, spoiled."""

    def built(folder: Path) -> Path:
        place = build(folder)
        spoil(place)
        return place

    return built


def image(name: str = NAME, **fields: Any) -> Made:
    """A sound image of one layer."""
    return make_image(layers=[LAYER], **fields).named(name)


def of_parts(
    layer: Made, diff_id: bytes = LAYER, *, layers: int = 1, config: bytes | None = None
) -> Made:
    """An image of a layer that is what a test needs."""
    raw = make_config("linux/amd64", [diff_id]) if config is None else config
    return make_manifest(make_blob(media_types.OCI_CONFIG, raw), [layer] * layers).named(NAME)


def without(made: Made, media_type: str) -> Made:
    """The same, but what has this media type in its manifest is not there."""
    fields = json.loads(made.contents[made.descriptor.digest])
    parts = [fields["config"], *fields["layers"]]
    gone = {part["digest"] for part in parts if part["mediaType"] == media_type}
    kept = {digest: raw for digest, raw in made.contents.items() if str(digest) not in gone}
    return Made(made.descriptor, kept, made.names)


def without_layers() -> Made:
    """An image of no layers, as Go writes it."""
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", []))
    fields = {
        "schemaVersion": 2,
        "mediaType": "",
        "config": config.descriptor.fields,
        "layers": None,
        "annotations": None,
    }
    top = make_blob(media_types.OCI_MANIFEST, encode(fields))
    return Made(top.descriptor, {**top.contents, **config.contents}, (NAME,))


def with_config_type(media_type: str) -> Made:
    """A sound image, but for what it says of its config."""
    config = make_blob(media_type, make_config("linux/amd64", [LAYER]))
    return make_manifest(config, [make_blob(PLAIN, LAYER)]).named(NAME)


def of_layers(*layers: bytes, history: int | None = None) -> Made:
    """An image of plain layers, with so many steps of history."""
    steps = [{"created_by": "step"}] * (len(layers) if history is None else history)
    config = make_config("linux/amd64", layers, history=steps)
    blobs = [make_blob(PLAIN, layer) for layer in layers]
    return make_manifest(make_blob(media_types.OCI_CONFIG, config), blobs).named(NAME)


def nydus() -> Made:
    """An image whose layer is a part of a nydus file system."""
    blob = make_blob("application/vnd.oci.image.layer.nydus.blob.v1", b"chunks")
    part = blob.annotated({"containerd.io/snapshot/nydus-blob": "true"})
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [LAYER, b"chunks"]))
    return make_manifest(config, [make_blob(PLAIN, LAYER), part]).named(NAME)


def with_sha512() -> Made:
    """A sound image whose layer is named by its sha512."""
    digest = Digest.of(LAYER, "sha512")
    layer = Made(Descriptor.make(PLAIN, digest, len(LAYER)), {digest: LAYER})
    return of_parts(layer)


def docker(layer: bytes = LAYER, **fields: object) -> Builder:
    """A Docker archive without a layout, whose one entry has these fields."""

    def build(folder: Path) -> Path:
        entry: dict[str, Any] = {"Config": "c.json", "RepoTags": [NAME], "Layers": ["l.tar"]}
        entry.update(fields)
        config = make_config("linux/amd64", [LAYER])
        files = {entry["Config"]: config, "l.tar": layer, "manifest.json": encode([entry])}
        return tar_of(files, folder)

    return build


def linked_manifest(folder: Path) -> Path:
    """A Docker archive whose manifest.json is a hard link to another member."""
    files = {
        "c.json": make_config("linux/amd64", [LAYER]),
        "l.tar": LAYER,
        "list": encode([{"Config": "c.json", "RepoTags": [NAME], "Layers": ["l.tar"]}]),
    }
    path = tar_of(files, folder)
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("manifest.json")
        link.type, link.linkname = tarfile.LNKTYPE, "list"
        archive.addfile(link)
    return path


def saved_by_digest(folder: Path) -> Path:
    """Two images in manifest.json, of which index.json lists one."""
    first, second = of_layers(LAYER), of_layers(make_layer("app"))
    entries = []
    for made in (first, second):
        manifest = json.loads(made.contents[made.descriptor.digest])
        paths = [Digest.parse(layer["digest"]).blob_path for layer in manifest["layers"]]
        config = Digest.parse(manifest["config"]["digest"]).blob_path
        entries.append({"Config": config, "RepoTags": None, "Layers": paths})
    source = make_source(Made(first.descriptor, {**first.contents, **second.contents}))
    del source.contents[second.descriptor.digest]
    return tar_of({**layout_files(source), "manifest.json": encode(entries)}, folder)


def absent(made: Made) -> Made:
    """The same, but nothing of it is there."""
    return Made(made.descriptor, {}, made.names)


def edited(name: str, edit: Callable[[Any], object]) -> Callable[[Path], object]:
    """What changes a JSON file of a folder."""

    def spoil(layout: Path) -> None:
        fields = json.loads((layout / name).read_bytes())
        edit(fields)
        (layout / name).write_bytes(encode(fields))

    return spoil


def raw_document(media_type: str, fields: object) -> Made:
    """An entry that leads to a document of any fields."""
    return make_blob(media_type, encode(fields)).named(NAME)


def nested(levels: int) -> Made:
    """An image below so many indexes."""
    made = make_image(layers=[LAYER])
    for _ in range(levels):
        made = make_index(made)
    return made


def tar_of(files: Mapping[str, bytes], folder: Path) -> Path:
    """These files as a tar."""
    path = folder / "image.tar"
    path.write_bytes(make_tar(files))
    return path


def hybrid(
    entries: Callable[[Any], object] = lambda _: None, repositories: object = None
) -> Builder:
    """A layout with a manifest.json, as docker 25 saves it, whose entries were edited."""

    def build(folder: Path) -> Path:
        made = make_image(layers=[LAYER, make_layer("app")]).named(NAME)
        manifest = json.loads(made.contents[made.descriptor.digest])
        entry = {
            "Config": Digest.parse(manifest["config"]["digest"]).blob_path,
            "RepoTags": [NAME],
            "Layers": [Digest.parse(layer["digest"]).blob_path for layer in manifest["layers"]],
        }
        entries(entry)
        files = layout_files(make_source(made))
        files["manifest.json"] = encode([entry])
        if repositories is not None:
            files["repositories"] = encode(repositories)
        return tar_of(files, folder)

    return build


def signature_saved(folder: Path) -> Path:
    """An archive whose manifest.json lists cosign's signature beside the image."""
    made = image()
    tops = [made, make_cosign_signature(made)]
    entries = []
    for top in tops:
        manifest = json.loads(top.contents[top.descriptor.digest])
        config, *layers = (
            Digest.parse(part["digest"]).blob_path
            for part in (manifest["config"], *manifest["layers"])
        )
        entries.append({"Config": config, "RepoTags": [], "Layers": layers})
    files = {**layout_files(make_source(*tops)), "manifest.json": encode(entries)}
    return tar_of(files, folder)


def twice(folder: Path) -> Path:
    """A tar with one member twice."""
    files = layout_files(make_source(image()))
    first = make_tar({"index.json": b"{}"})
    path = folder / "image.tar"
    # A header and a block of content, without the zeros that end a tar.
    path.write_bytes(first[:1024] + make_tar(files))
    return path


def cut_off(folder: Path) -> Path:
    """A tar that was not copied to its end."""
    path = folder / "image.tar"
    path.write_bytes(make_tar(layout_files(make_source(image())))[:2000])
    return path


def unreadable(layout: Path) -> None:
    """A layer's file becomes a folder."""
    path = max((layout / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    path.unlink()
    path.mkdir()


def cut_gzip(folder: Path) -> Path:
    """A layer that was cut off before it was hashed."""
    return listed(of_parts(make_blob(GZIP, gzip.compress(LAYER)[:-9])))(folder)


def other_platform() -> Made:
    """An image whose entry states another platform than its config."""
    made = image()
    stated = {"os": "linux", "architecture": "arm64"}
    return Made(made.descriptor.edited(platform=stated), made.contents, (NAME,))


def described_as(made: Made, **fields: object) -> Made:
    """The same, described in another way."""
    return Made(made.descriptor.edited(**fields), made.contents, ())


def unverifiable() -> Made:
    """An image with a layer whose digest nobody can compute."""
    layer = Descriptor.make("text/plain", Digest.parse("rot13+x:abc"), 5)
    config = make_blob(media_types.OCI_EMPTY, b"{}")
    made = make_manifest(config, [Made(layer, {})], artifactType="text/plain")
    return Made(made.descriptor, {**made.contents, layer.digest: b"bytes"}, (NAME,))


def amd64_twice() -> Made:
    """An index of two images for one platform."""
    return make_index(make_image(layers=[LAYER]), make_image(layers=[make_layer("app")]))


FOREIGN = LayerType("oci", "none", distributable=False).media_type
ORPHANED = {"vnd.docker.reference.digest": str(NOWHERE)}
SUBJECT = dict(Descriptor.make(media_types.OCI_MANIFEST, NOWHERE, 7).fields)

SPARSE = header("a", kind=b"S") + bytes(1024)

SPOILED: Mapping[str, Builder] = {
    "place-unreadable": cut_off,
    "place-without-image": lambda folder: tar_of({"etc/passwd": b"", "usr/bin/env": b""}, folder),
    "member-repeated": twice,
    "oci-layout-missing": then(listed(image()), lambda layout: (layout / "oci-layout").unlink()),
    "oci-layout-invalid": then(
        listed(image()), edited("oci-layout", lambda marker: marker.update(imageLayoutVersion="2"))
    ),
    "document-invalid": listed(
        make_blob(media_types.OCI_MANIFEST, b'{"schemaVersion":2,"schemaVersion":2}').named(NAME)
    ),
    "schema-violation": then(
        listed(image()), edited("index.json", lambda index: index.update(schemaVersion=1))
    ),
    "descriptor-invalid": then(
        listed(image()),
        edited("index.json", lambda index: index["manifests"][0].update(data="YW5vdGhlcg==")),
    ),
    "two-in-one": listed(
        raw_document(media_types.OCI_MANIFEST, {"schemaVersion": 2, "manifests": [], "layers": []})
    ),
    "media-type-mismatch": listed(
        raw_document(
            media_types.OCI_MANIFEST,
            {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []},
        )
    ),
    "described-twice": listed(image(), described_as(image(), size=7)),
    "nested-too-deep": listed(nested(MAX_LEVELS + 2)),
    "blob-missing": listed(without(image(), GZIP)),
    "blob-damaged": then(
        listed(image()), lambda layout: flip_a_byte(blob_file(layout, image().descriptor))
    ),
    "blob-unreadable": then(listed(image(codec="none")), unreadable),
    "layer-undecodable": cut_gzip,
    "layer-not-tar": listed(of_parts(make_blob(PLAIN, b"no tar" * 200), b"no tar" * 200)),
    "layer-invalid": listed(of_layers(layer_of([file("../outside", b"x")]))),
    "layer-sparse": listed(of_layers(SPARSE)),
    "layers-conflict": listed(of_layers(layer_of([file("a")]), layer_of([file("a/b")]))),
    "history-too-long": listed(of_layers(LAYER, history=3)),
    "layer-encrypted": listed(of_parts(make_blob(f"{GZIP}+encrypted", b"secret"), b"plain")),
    "layer-nydus": listed(nydus()),
    "layer-type-unknown": listed(of_parts(make_blob("application/tar+gzip", LAYER))),
    "schema-1": listed(
        raw_document(
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            {"schemaVersion": 1, "fsLayers": [{"blobSum": str(NOWHERE)}]},
        )
    ),
    "document-not-followed": listed(
        raw_document("application/vnd.example+json", {"layers": [{"digest": str(NOWHERE)}]})
    ),
    "diff-id-mismatch": listed(of_parts(make_blob(GZIP, gzip.compress(LAYER)), b"another")),
    "layer-count-mismatch": listed(of_parts(make_blob(PLAIN, LAYER), layers=2)),
    "name-ambiguous": listed(image(), make_image().named(NAME)),
    "attestation-invalid": listed(image().annotated({"vnd.docker.reference.digest": "none"})),
    "index-empty-handed": listed(make_index(absent(image())).named(NAME)),
    "manifest-json-invalid": hybrid(lambda entry: entry.update(Config="absent.json")),
    "manifest-json-mismatch": hybrid(lambda entry: entry["Layers"].reverse()),
    "repo-tag-invalid": docker(RepoTags=["app"]),
    "index-json-incomplete": saved_by_digest,
    "config-name-mismatch": docker(Config=f"{NOWHERE.encoded}.json"),
    "member-linked": linked_manifest,
    "zstd-unlabelled": docker(zstandard.compress(LAYER)),
    "manifest-json-artifact": signature_saved,
    "platform-absent": listed(make_index(absent(image()), make_image("linux/arm64")).named(NAME)),
    "platform-mismatch": listed(other_platform()),
    "platform-repeated": listed(amd64_twice()),
    "history-mismatch": listed(of_layers(LAYER, make_layer("app"), history=1)),
    "attestation-orphan": listed(
        make_index(image(), make_image("unknown/unknown").annotated(ORPHANED)).named(NAME)
    ),
    "subject-absent": listed(image(subject=SUBJECT)),
    "digest-unverifiable": listed(unverifiable()),
    "layer-type-mismatch": listed(of_parts(make_blob(PLAIN, gzip.compress(LAYER)))),
    "layer-not-unpacked": listed(
        make_manifest(
            make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [LAYER, b"thing"])),
            [make_blob(PLAIN, LAYER), make_blob("application/x-thing", b"thing")],
        ).named(NAME)
    ),
    "media-types-mixed": listed(
        make_manifest(
            make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [LAYER])),
            [make_blob(LayerType("docker", "none").media_type, LAYER)],
        ).named(NAME)
    ),
    "digest-sha512": listed(with_sha512()),
    "value-blank": listed(without_layers()),
    "config-type-defaulted": listed(with_config_type("application/octet-stream")),
    "layers-empty": listed(make_image(layers=[]).named(NAME)),
    "name-invalid": listed(image().annotated({REF_NAME: "a b"}).named()),
    "names-mismatch": hybrid(lambda entry: entry.update(RepoTags=[OTHER_NAME])),
    "repositories-mismatch": hybrid(repositories={"registry.example/app": {"v2": "0" * 64}}),
    "case-collision": then(listed(image()), lambda layout: (layout / "INDEX.JSON").touch()),
    "name-not-normalized": listed(image().annotated({REF_NAME: "lab/app:v1"}).named()),
    "entry-repeated": listed(image(), image()),
    "layer-not-distributed": listed(without(of_parts(make_blob(FOREIGN, LAYER)), FOREIGN)),
    "blob-unreferenced": then(
        listed(image()),
        lambda layout: (layout / Digest.of(b"x").blob_path).write_bytes(b"x"),
    ),
    "file-stray": then(listed(image()), lambda layout: (layout / "README").touch()),
    "file-temporary": then(listed(image()), lambda layout: (layout / "blobs/x.tmp").touch()),
}
