import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pytest

from ocilayout.compression import CODECS, codec_of, deflated, inflated
from ocilayout.copy_engine import transfer
from ocilayout.errors import IntegrityError, InvalidDocument
from ocilayout.graph import read_config, read_document, read_manifest, walk
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import Recode, compress_all, compress_made, keep
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.stores.docker_entries import Entry
from ocilayout.stores.docker_images import DockerImages
from tests.attestations import make_attestation, make_new_attestation
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.memory_destination import MemoryDestination
from tests.snapshots import contents_of
from tests.stores.memory_files import MemoryFiles

GZIP = compress_all("gzip")
LAYERS = [make_layer(text, size=3000) for text in ("base", "app", "more", "last")]


def sent(source: ImageSource, recode: Recode = keep, **options: object) -> MemoryDestination:
    destination = MemoryDestination()
    transfer(source, destination, recode=recode, **options)  # type: ignore[arg-type]
    contents_of(destination.result)
    return destination


def manifests(source: ImageSource) -> Iterator[Manifest]:
    for descriptor in walk(source):
        if descriptor.media_type in media_types.MANIFESTS:
            yield read_manifest(source, descriptor)


def assert_layers_are(source: MemorySource, codec: str) -> None:
    """Layers have the codec that their types say, and inflate to their diff ids."""
    for manifest in manifests(source):
        config = read_config(source, manifest)
        if config is None:
            continue
        assert len(manifest.layers) == len(config.diff_ids)
        for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True):
            kind = layer_type(layer.media_type)
            assert kind is not None
            assert kind.codec == codec
            found = codec_of(source.contents[layer.digest][:8])
            assert found.name == codec
            with inflated(source.open_blob(layer), found, "layer") as plain:
                assert Digest.of(plain.read()) == diff_id


@pytest.mark.parametrize("wanted", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
def test_layers_have_the_codec_that_was_asked_for(tmp_path: Path, codec: str, wanted: str) -> None:
    image = make_image(codec=codec, layers=LAYERS)
    destination = sent(make_source(image), compress_all(wanted), scratch=tmp_path)
    assert_layers_are(destination.result, wanted)
    if codec == wanted:
        assert destination.contents == image.contents


def test_configs_keep_their_bytes(tmp_path: Path) -> None:
    image = make_image()
    destination = sent(make_source(image), compress_all("zstd"), scratch=tmp_path)
    (config,) = (read_config(destination.result, m) for m in manifests(destination.result))
    (before,) = (read_config(make_source(image), m) for m in manifests(make_source(image)))
    assert config == before


def test_everything_above_leads_to_the_new_digests(tmp_path: Path) -> None:
    index = make_index(make_image(), make_image("linux/arm64")).named("app:v1")
    source = make_source(index)
    destination = MemoryDestination()
    report = transfer(source, destination, recode=compress_all("zstd"), scratch=tmp_path)
    contents_of(destination.result)
    assert report.source is destination.committed
    assert index.descriptor.digest in report.changed
    for old, new in report.changed.items():
        assert old in source.contents
        assert new.digest in destination.contents
        assert len(destination.contents[new.digest]) == new.size


@pytest.mark.parametrize("make", [make_attestation, make_new_attestation])
def test_attestations_speak_of_the_new_image(tmp_path: Path, make: type) -> None:
    image = make_image()
    source = make_source(make_index(make(image), image))
    found = sent(source, compress_all("zstd"), scratch=tmp_path).result
    attestation, new = read_document(found, found.index.children[0]).children
    assert attestation.annotations["vnd.docker.reference.digest"] == str(new.digest)
    subject = read_document(found, attestation).subject
    assert subject is None or subject.digest == new.digest


def test_a_layer_that_several_images_share_is_compressed_once(tmp_path: Path) -> None:
    images = [make_image(platform, layers=LAYERS) for platform in ("linux/amd64", "linux/386")]
    destination = sent(make_source(*images), compress_all("zstd"), scratch=tmp_path)
    assert len(destination.leaves) == len(LAYERS) + 2


@pytest.mark.parametrize("wanted", ["gzip", "zstd", "none"])
def test_bytes_and_order_do_not_depend_on_jobs(tmp_path: Path, wanted: str) -> None:
    codec = "gzip" if wanted == "zstd" else "zstd"
    source = make_source(make_image(codec=codec, layers=LAYERS))
    results = [
        sent(source, compress_all(wanted), scratch=tmp_path, jobs=jobs) for jobs in (1, 2, 4)
    ]
    assert results[0].contents == results[1].contents == results[2].contents
    assert results[0].put == results[1].put == results[2].put


def test_levels_differ(tmp_path: Path) -> None:
    layer = b"".join(make_layer(f"{number}", size=number) for number in range(300))
    source = make_source(make_image(layers=[layer], codec="none"))
    sizes = [
        sum(map(len, sent(source, GZIP, scratch=tmp_path, level=level).contents.values()))
        for level in (1, 9)
    ]
    assert sizes[0] > sizes[1]


def test_a_layer_that_lies_about_its_codec_gets_the_right_label(tmp_path: Path) -> None:
    wrong = mislabelled(make_image(codec="gzip", layers=LAYERS), "zstd")
    destination = sent(make_source(wrong), GZIP, scratch=tmp_path)
    assert_layers_are(destination.result, "gzip")
    assert set(destination.leaves) == set(leaves_of(wrong))


def test_a_layer_that_lies_about_its_codec_is_not_compressed_twice(tmp_path: Path) -> None:
    wrong = mislabelled(make_image(codec="gzip", layers=LAYERS), "none")
    assert_layers_are(
        sent(make_source(wrong), compress_all("zstd"), scratch=tmp_path).result, "zstd"
    )


def test_labels_stay_where_layers_are_kept() -> None:
    wrong = mislabelled(make_image(codec="gzip"), "none")
    assert sent(make_source(wrong)).contents == wrong.contents


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_a_layer_that_is_not_its_diff_id_is_refused(tmp_path: Path, codec: str) -> None:
    good = make_image(codec=codec, layers=LAYERS[:1])
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[1:2]))
    (layer,) = (d for d in walk(make_source(good)) if layer_type(d.media_type))
    packed = Made(layer, {layer.digest: good.contents[layer.digest]})
    destination = MemoryDestination()
    with pytest.raises(IntegrityError, match="inflates to"):
        transfer(
            make_source(make_manifest(config, [packed])),
            destination,
            recode=compress_all("none"),
            scratch=tmp_path,
        )
    assert destination.committed is None


def test_counts_that_differ_are_refused(tmp_path: Path) -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS))
    image = make_manifest(config, [make_blob(media_types.OCI_LAYER, LAYERS[0])])
    with pytest.raises(InvalidDocument, match="1 layers, but its config counts 4"):
        transfer(make_source(image), MemoryDestination(), recode=GZIP, scratch=tmp_path)


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        "application/vnd.in-toto+json",
        "application/vnd.unheard-of",
    ],
)
def test_what_is_no_layer_tar_is_never_touched(tmp_path: Path, media_type: str) -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[:1]))
    image = make_manifest(config, [make_blob(media_type, LAYERS[0])])
    assert sent(make_source(image), GZIP, scratch=tmp_path).contents == image.contents


def test_layers_of_artifacts_are_never_touched(tmp_path: Path) -> None:
    config = make_blob("application/vnd.example.config", b"{}")
    artifact = make_manifest(config, [make_blob(media_types.OCI_LAYER, LAYERS[0])])
    assert sent(make_source(artifact), GZIP, scratch=tmp_path).contents == artifact.contents


@pytest.mark.parametrize("codec", ["none", "gzip"])
def test_a_damaged_layer_is_refused_and_nothing_is_committed(tmp_path: Path, codec: str) -> None:
    source = make_source(make_image(codec=codec, layers=LAYERS))
    layer = next(d.digest for d in walk(source) if layer_type(d.media_type))
    source.contents[layer] = source.contents[layer][:-1] + b"\x7f"
    destination = MemoryDestination()
    with pytest.raises(IntegrityError):
        transfer(source, destination, recode=compress_all("zstd"), scratch=tmp_path, jobs=4)
    assert destination.committed is None
    assert list(tmp_path.iterdir()) == []


def test_annotations_of_the_old_bytes_go(tmp_path: Path) -> None:
    plain = make_blob(media_types.OCI_LAYER, LAYERS[0]).annotated(
        {"containerd.io/snapshot/stargz/toc.digest": "sha256:x", "example": "kept"}
    )
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", LAYERS[:1]))
    found = sent(make_source(make_manifest(config, [plain])), GZIP, scratch=tmp_path).result
    (manifest,) = manifests(found)
    assert manifest.layers[0].annotations == {"example": "kept"}


class TestMadeLayers:
    """Layers whose manifests had to be made: no other tool knows their digests."""

    def source(self, content: bytes, layer: bytes = LAYERS[0]) -> DockerImages:
        config = make_config("linux/amd64", [layer])
        entry = Entry(Digest.of(config), len(config), (), ("l",), (), "c")
        return DockerImages(MemoryFiles({"l": content, "c": config}), [entry])

    @pytest.mark.parametrize("plain", ["none", "gzip", "zstd"])
    def test_plain_ones_become_what_is_asked(self, tmp_path: Path, plain: str) -> None:
        source = self.source(LAYERS[0])
        found = sent(source, compress_made([source], plain=plain), scratch=tmp_path).result
        assert_layers_are(found, plain)

    @pytest.mark.parametrize(
        ("codec", "expected"),
        [("gzip", "gzip"), ("zstd", "zstd"), ("xz", "gzip"), ("bzip2", "gzip")],
    )
    def test_compressed_ones_stay_unless_oci_has_no_type_for_them(
        self, tmp_path: Path, codec: str, expected: str
    ) -> None:
        source = self.source(packed(LAYERS[0], codec))
        destination = sent(source, compress_made([source], plain="gzip"), scratch=tmp_path)
        assert_layers_are(destination.result, expected)
        if codec == expected:
            assert Digest.of(packed(LAYERS[0], codec)) in destination.contents


def packed(content: bytes, codec: str) -> bytes:

    out = io.BytesIO()
    with deflated(out, CODECS[codec]) as writer:
        writer.write(content)
    return out.getvalue()


def leaves_of(image: Made) -> Iterator[Digest]:
    for blob in walk(make_source(image)):
        if blob.media_type not in media_types.DOCUMENTS:
            yield blob.digest


def mislabelled(image: Made, codec: str) -> Made:
    """The image with layers whose media types say another codec."""
    source = make_source(image)
    (manifest,) = manifests(source)
    assert manifest.config is not None
    wrong = media_types.LayerType("oci", codec).media_type
    config = Made(manifest.config, dict(image.contents))
    layers = [
        Made(layer.edited(mediaType=wrong), {layer.digest: image.contents[layer.digest]})
        for layer in manifest.layers
    ]
    made = make_manifest(config, layers)
    del made.contents[manifest.descriptor.digest]
    return made


class _Adopter(MemoryDestination):
    """Takes files by links where it is told to."""

    def __init__(self, adopts: bool) -> None:
        super().__init__()
        self._adopts = adopts
        self.adopted: list[Digest] = []

    def link_blob(self, descriptor: Descriptor, file: BinaryIO) -> bool:
        if self._adopts:
            file.seek(0)
            self.contents[descriptor.digest] = file.read()
            self.adopted.append(descriptor.digest)
        return self._adopts


@pytest.mark.parametrize("adopts", [True, False])
def test_scratch_becomes_the_blob_where_the_destination_can_take_it(
    adopts: bool, tmp_path: Path
) -> None:
    destination = _Adopter(adopts)
    image = make_image()
    transfer(make_source(image), destination, recode=compress_all("zstd"), scratch=tmp_path)
    layers = read_manifest(destination.result, destination.result.index.children[0]).layers
    new = [layer.digest for layer in layers]
    assert destination.adopted == (new if adopts else [])
    put = {blob.digest for blob in destination.put}
    assert put.isdisjoint(new) if adopts else put.issuperset(new)
    for layer in layers:
        assert Digest.of(destination.contents[layer.digest]) == layer.digest
