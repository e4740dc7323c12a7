import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Mapping

import pytest
import zstandard

from ocilayout.capabilities import made_layers
from ocilayout.errors import IntegrityError, InvalidArchive, OciLayoutError
from ocilayout.graph import open_verified, read_manifest
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import OCI_LAYER
from ocilayout.spec.platform import Platform
from ocilayout.stores.docker_entries import Entry
from ocilayout.stores.docker_images import DockerImages
from tests.images import make_config, make_layer
from tests.snapshots import contents_of, names_in
from tests.stores.memory_files import MemoryFiles

BASE, APP = make_layer("base"), make_layer("app", size=2000)
COMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def entry(config: bytes, *layers: str, names: tuple[str, ...] = ()) -> Entry:
    digest = Digest.of(config)
    return Entry(digest, len(config), names, layers, names, f"{digest.encoded}.json")


def images_of(
    files: Mapping[str, bytes], config: bytes, *layers: str, names: tuple[str, ...] = ()
) -> DockerImages:
    """The image of one entry, whose config lies beside `files`."""
    listed = entry(config, *layers, names=names)
    return DockerImages(MemoryFiles({**files, listed.config_path: config}), [listed])


def image(*layers: bytes, platform: str = "linux/amd64") -> DockerImages:
    """One image of plain layers."""
    files = {f"{number}.tar": layer for number, layer in enumerate(layers)}
    return images_of(files, make_config(platform, layers), *files)


def only_manifest(images: DockerImages) -> Manifest:
    (top,) = images.index.children
    return read_manifest(images, top)


def test_the_config_keeps_its_bytes_and_is_the_image_id() -> None:
    config = make_config("linux/arm64", [BASE])
    images = images_of({"l": BASE}, config, "l")
    described = only_manifest(images).config
    assert described == Descriptor.of(media_types.OCI_CONFIG, config)
    assert contents_of(images)[Digest.of(config)] == config


def test_a_plain_layer_is_described_by_its_diff_id() -> None:
    images = image(BASE, APP)
    assert only_manifest(images).layers == tuple(
        Descriptor.of(OCI_LAYER, layer) for layer in (BASE, APP)
    )
    assert contents_of(images)[Digest.of(APP)] == APP


def test_a_plain_layer_is_not_read_to_be_described() -> None:
    class CountingFiles(MemoryFiles):
        def open(self, name: str) -> io.BytesIO:
            content = super().open(name).read()
            return counted(content, read) if name == "l" else io.BytesIO(content)

    read: list[int] = []
    config = make_config("linux/amd64", [APP])
    listed = entry(config, "l")
    DockerImages(CountingFiles({"l": APP, listed.config_path: config}), [listed])
    assert sum(read) < 512 < len(APP)


def counted(content: bytes, read: list[int]) -> io.BytesIO:
    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            read.append(len(found))
            return found

    return Counting(content)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_compressed_layer_stays_as_it_is(codec: str) -> None:
    packed = COMPRESS[codec](APP)
    config = make_config("linux/amd64", [APP])
    images = images_of({"l": packed}, config, "l")
    assert only_manifest(images).layers == (Descriptor.of(f"{OCI_LAYER}+{codec}", packed),)
    assert contents_of(images)[Digest.of(packed)] == packed


def test_its_manifests_are_made_and_that_is_said() -> None:
    packed = gzip.compress(APP)
    config = make_config("linux/amd64", [BASE, APP])
    images = images_of({"a": BASE, "b": packed}, config, "a", "b")
    assert set(made_layers(images)) == {Digest.of(BASE), Digest.of(packed)}


def test_the_platform_is_that_of_the_config() -> None:
    (top,) = image(BASE, platform="linux/arm/v6").index.children
    assert top.platform == Platform("linux", "arm", "v6")


def test_a_config_without_a_platform_gives_none() -> None:
    images = images_of({}, b'{"rootfs":{"type":"layers"}}')
    assert images.index.children[0].platform is None


def test_images_have_all_their_names() -> None:
    config = make_config("linux/amd64", [BASE])
    names = ("registry.example/app:v1", "registry.example/app:v2")
    images = images_of({"l": BASE}, config, "l", names=names)
    assert tuple(names_in(images)) == names
    assert len(set(names_in(images).values())) == 1


def test_an_image_without_layers_is_one() -> None:
    images = image()
    assert only_manifest(images).layers == ()


def test_one_layer_may_stand_several_times() -> None:
    empty = bytes(1024)
    config = make_config("linux/amd64", [empty, BASE, empty])
    images = images_of({"e": empty, "b": BASE}, config, "e", "b", "e")
    digests = [layer.digest for layer in only_manifest(images).layers]
    assert digests == [Digest.of(empty), Digest.of(BASE), Digest.of(empty)]


@pytest.mark.parametrize("layers", [(), ("a",), ("a", "a", "a")])
def test_counts_of_layers_and_diff_ids_that_differ_are_refused(layers: tuple[str, ...]) -> None:
    config = make_config("linux/amd64", [BASE, APP])
    with pytest.raises(InvalidArchive, match=f"{len(layers)} layers .* 2 diff ids"):
        images_of({"a": BASE}, config, *layers)


def test_a_layer_that_is_not_there_is_named() -> None:
    config = make_config("linux/amd64", [BASE])
    with pytest.raises(InvalidArchive, match=r"'absent/layer\.tar', which is not there"):
        images_of({}, config, "absent/layer.tar")


def test_a_plain_layer_that_is_not_its_diff_id_is_damaged() -> None:
    config = make_config("linux/amd64", [BASE])
    images = images_of({"l": BASE[:-1] + b"x"}, config, "l")
    with pytest.raises(IntegrityError, match="hashes to"):
        contents_of(images)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_compressed_layer_ends_in_an_error_unless_it_inflates_to_its_diff_id(
    codec: str,
) -> None:
    config = make_config("linux/amd64", [BASE])
    images = images_of({"l": COMPRESS[codec](APP)}, config, "l")
    (layer,) = only_manifest(images).layers
    with images.open_blob(layer) as content:
        assert len(content.read(layer.size - 1)) == layer.size - 1
        with pytest.raises(IntegrityError, match="inflates to"):
            content.read(1)


@pytest.mark.parametrize("codec", COMPRESS)
def test_a_compressed_layer_that_is_cut_off_is_damaged(codec: str) -> None:
    config = make_config("linux/amd64", [APP])
    images = images_of({"l": COMPRESS[codec](APP)[:-9]}, config, "l")
    with pytest.raises(OciLayoutError, match="layer 'l'"):
        contents_of(images)


@pytest.mark.parametrize("first_is_wrong", [True, False])
def test_each_image_vouches_for_a_compressed_layer_that_two_share(first_is_wrong: bool) -> None:
    configs = [make_config("linux/amd64", [BASE]), make_config("linux/amd64", [APP])]
    order = configs if first_is_wrong else configs[::-1]
    entries = [entry(config, "l") for config in order]
    contents = {item.config_path: config for item, config in zip(entries, order, strict=True)}
    files = MemoryFiles({"l": gzip.compress(APP), **contents})
    with pytest.raises(OciLayoutError):
        contents_of(DockerImages(files, entries))


def test_a_layer_is_read_while_another_is_open() -> None:
    images = image(BASE, APP)
    first, second = only_manifest(images).layers
    with open_verified(images, first) as one, open_verified(images, second) as other:
        assert one.read(100) == BASE[:100]
        assert other.read() == APP
        assert one.read() == BASE[100:]
