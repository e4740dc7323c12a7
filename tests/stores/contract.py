"""What every store holds to, tested once and inherited by each."""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import BlobNotFound, DestinationExists, IntegrityError
from ocilayout.graph import walk
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores import open_destination, open_source
from tests.attestations import make_attestation
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.snapshots import contents_of, names_in, snapshot
from tests.stores.breaking_source import BreakingSource

EMPTY = "application/vnd.oci.empty.v1+json"
NAME = "registry.example/app:v1"


class PlaceContract:
    """Holds one image at least; a subclass says where."""

    transport: ClassVar[str]
    output: ClassVar[str] = "out.tar"

    def left(self, folder: Path) -> Mapping[str, bytes | None]:
        """What an output that failed has left behind; the next one begins without it."""
        return snapshot(folder)

    def place(self, folder: Path) -> str:
        return f"{self.transport}:{folder / self.output}"

    def open_destination(
        self, folder: Path, options: DestinationOptions | None = None
    ) -> AbstractContextManager[ImageDestination]:
        return open_destination(self.place(folder), options)

    def open_source(self, folder: Path) -> AbstractContextManager[ImageSource]:
        return open_source(self.place(folder))

    def write(
        self, folder: Path, source: ImageSource, options: DestinationOptions | None = None
    ) -> Path:
        with self.open_destination(folder, options) as destination:
            transfer(source, destination)
        return folder / self.output

    def write_and_then(self, folder: Path, act: Callable[[], object]) -> None:
        """Commit an image, and do something before the destination is left."""
        with self.open_destination(folder) as destination:
            transfer(make_source(make_image()), destination)
            act()

    @pytest.mark.parametrize("family", ["oci", "docker"])
    @pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
    def test_what_was_committed_is_read_back_byte_for_byte(
        self, tmp_path: Path, family: str, codec: str
    ) -> None:
        made = make_image(codec=codec, family="oci" if family == "oci" else "docker")
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            assert [entry.digest for entry in read.index.children] == [made.descriptor.digest]
            assert contents_of(read) == made.contents

    def test_an_index_with_attestations_is_read_back_byte_for_byte(self, tmp_path: Path) -> None:
        made = make_attested_index()
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            assert [entry.digest for entry in read.index.children] == [made.descriptor.digest]
            assert contents_of(read) == made.contents

    def test_leaves_of_any_type_size_and_algorithm_are_read_back(self, tmp_path: Path) -> None:
        made = make_odd_image()
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == made.contents

    def test_a_layer_that_stands_twice_is_put_once(self, tmp_path: Path) -> None:
        layer = make_layer("again")
        made = make_image(layers=[layer, layer])
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == made.contents

    def test_a_blob_is_there_once_it_was_put(self, tmp_path: Path) -> None:
        content = b"a blob"
        blob = Descriptor.of("application/example", content)
        other = Descriptor.of("application/example", b"another")
        with self.open_destination(tmp_path) as destination:
            assert not destination.has_blob(blob)
            destination.put_blob(blob, io.BytesIO(content))
            assert destination.has_blob(blob)
            assert not destination.has_blob(other)

    def test_what_is_not_committed_never_appears(self, tmp_path: Path) -> None:
        source = make_source(make_image())
        with self.open_destination(tmp_path) as destination:
            for digest, content in source.contents.items():
                blob = Descriptor.make("application/example", digest, len(content))
                destination.put_blob(blob, io.BytesIO(content))
        assert self.left(tmp_path) == {}

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
    def test_an_error_after_all_blobs_leaves_nothing(
        self, tmp_path: Path, error: type[BaseException]
    ) -> None:
        def fail() -> None:
            raise error

        with pytest.raises(error):
            self.write_and_then(tmp_path, fail)
        assert self.left(tmp_path) == {}

    def test_one_flipped_byte_in_any_blob_leaves_nothing(self, tmp_path: Path) -> None:
        good = make_source(make_attested_index())
        for digest in good.contents:
            for position in (0, -1):
                spoiled = flipped(good, digest, position)
                with pytest.raises(IntegrityError, match="hashes to"):
                    self.write(tmp_path, spoiled)
                assert self.left(tmp_path) == {}, digest

    @pytest.mark.parametrize("change", [b"", b"more"])
    def test_a_blob_of_another_length_leaves_nothing(self, tmp_path: Path, change: bytes) -> None:
        source = make_source(make_image())
        for digest, content in list(source.contents.items()):
            source.contents[digest] = content + change if change else content[:-1]
            with pytest.raises(IntegrityError, match="promises"):
                self.write(tmp_path, source)
            assert self.left(tmp_path) == {}, digest
            source.contents[digest] = content

    @pytest.mark.parametrize("number", [0, 3, 7])
    def test_an_error_in_one_of_eight_threads_leaves_nothing(
        self, tmp_path: Path, number: int
    ) -> None:
        layers = [make_layer(f"layer {each}", size=100_000) for each in range(8)]
        good = make_source(make_image(layers=layers, codec="none"))
        spoiled = flipped(good, Digest.of(layers[number]), -1)
        with (
            pytest.raises(IntegrityError, match="hashes to"),
            self.open_destination(tmp_path) as destination,
        ):
            transfer(spoiled, destination, jobs=8)
        assert self.left(tmp_path) == {}

    def test_a_blob_that_is_missing_leaves_nothing(self, tmp_path: Path) -> None:
        source = make_source(make_image())
        for digest, content in list(source.contents.items()):
            del source.contents[digest]
            with pytest.raises(BlobNotFound, match=str(digest)):
                self.write(tmp_path, source)
            assert self.left(tmp_path) == {}, digest
            source.contents[digest] = content

    @pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
    def test_content_that_breaks_off_leaves_nothing(
        self, tmp_path: Path, error: type[BaseException]
    ) -> None:
        source = make_source(make_image())
        layer = next(iter(source.contents))
        with pytest.raises(error):
            self.write(tmp_path, BreakingSource(source, layer, error))
        assert self.left(tmp_path) == {}

    def test_what_is_not_there_is_said(self, tmp_path: Path) -> None:
        self.write(tmp_path, make_source(make_image()))
        absent = Descriptor.of("application/example", b"absent")
        with (
            self.open_source(tmp_path) as read,
            pytest.raises(BlobNotFound, match=r"lacks|memory|leads to no"),
        ):
            read.open_blob(absent)

    def test_blobs_are_open_at_the_same_time(self, tmp_path: Path) -> None:
        made = make_image()
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            blobs = {
                digest: read.open_blob(Descriptor.make(EMPTY, digest, len(content)))
                for digest, content in made.contents.items()
                if digest != made.descriptor.digest
            }
            halves = {digest: blob.read(10) for digest, blob in blobs.items()}
            for digest, blob in blobs.items():
                assert halves[digest] + blob.read() == made.contents[digest]
                blob.close()


class StoreContract(PlaceContract):
    """Is a file or a folder."""

    def test_equal_input_is_equal_output(self, tmp_path: Path) -> None:
        source = make_source(make_attested_index().named(NAME))
        first, second = tmp_path / "first", tmp_path / "second"
        for folder in (first, second):
            folder.mkdir()
            self.write(folder, source)
        assert snapshot(first) == snapshot(second)

    @pytest.mark.parametrize("replace", [False, True])
    def test_a_folder_with_other_things_in_it_is_left_alone(
        self, tmp_path: Path, replace: bool
    ) -> None:
        output = tmp_path / self.output
        output.mkdir()
        (output / "diary").write_text("mine")
        before = snapshot(tmp_path)
        with pytest.raises(DestinationExists, match=str(output)):
            self.write(tmp_path, make_source(make_image()), DestinationOptions(replace=replace))
        assert snapshot(tmp_path) == before

    def test_a_file_is_not_replaced_unless_asked(self, tmp_path: Path) -> None:
        output = tmp_path / self.output
        output.write_text("mine")
        with pytest.raises(DestinationExists, match=str(output)):
            self.write(tmp_path, make_source(make_image()))
        assert snapshot(tmp_path) == {self.output: b"mine"}

    def test_a_link_that_leads_nowhere_is_not_written_through(self, tmp_path: Path) -> None:
        (tmp_path / self.output).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(DestinationExists):
            self.write(tmp_path, make_source(make_image()))
        assert not (tmp_path / "elsewhere").exists()

    def test_what_eight_threads_copy_is_read_back(self, tmp_path: Path) -> None:
        layers = [make_layer(f"layer {each}", size=100_000) for each in range(20)]
        made = make_image(layers=layers, codec="none")
        with self.open_destination(tmp_path) as destination:
            report = transfer(make_source(made), destination, jobs=8)
        assert [blob.digest for blob in report.copied] == list(made_order(made))
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == made.contents


class ManyImagesContract(StoreContract):
    """Holds several images, and their names."""

    def test_names_survive(self, tmp_path: Path) -> None:
        first = make_image(layers=[make_layer("first")])
        second = make_image(layers=[make_layer("second")])
        names = {
            "registry.example/app:v1": first.descriptor.digest,
            "registry.example/app:latest": first.descriptor.digest,
            "docker.io/library/demo:v1": second.descriptor.digest,
        }
        first, second = first.named(*list(names)[:2]), second.named(*list(names)[2:])
        self.write(tmp_path, make_source(first, second))
        with self.open_source(tmp_path) as read:
            assert names_in(read) == names
            assert contents_of(read) == first.contents | second.contents

    def test_images_without_names_stay_without(self, tmp_path: Path) -> None:
        first = make_image(layers=[make_layer("first")])
        second = make_image(layers=[make_layer("second")])
        self.write(tmp_path, make_source(first, second))
        with self.open_source(tmp_path) as read:
            assert names_in(read) == {}
            assert len(read.index.children) == 2

    def test_an_artifact_beside_an_image_survives(self, tmp_path: Path) -> None:
        artifact = make_manifest(make_blob("application/vnd.example.config", b"{}"))
        image = make_image().named(NAME)
        self.write(tmp_path, make_source(image, artifact))
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == image.contents | artifact.contents

    def test_annotations_of_entries_survive(self, tmp_path: Path) -> None:
        stated = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z", "example": "kept"}
        made = make_image().annotated(stated).named(NAME)
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            (entry,) = read.index.children
            assert stated.items() <= entry.annotations.items()


class ArchiveContract(ManyImagesContract):
    """Is a file that one may ask to replace."""

    def test_a_file_is_replaced_when_asked(self, tmp_path: Path) -> None:
        made = make_image()
        (tmp_path / self.output).write_text("mine")
        self.write(tmp_path, make_source(made), DestinationOptions(replace=True))
        assert list(snapshot(tmp_path)) == [self.output]
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == made.contents

    def test_a_file_that_was_to_be_replaced_survives_an_error(self, tmp_path: Path) -> None:
        (tmp_path / self.output).write_text("mine")
        good = make_source(make_image())
        spoiled = flipped(good, next(iter(good.contents)), 0)
        with pytest.raises(IntegrityError):
            self.write(tmp_path, spoiled, DestinationOptions(replace=True))
        assert snapshot(tmp_path) == {self.output: b"mine"}

    def test_a_file_that_appears_meanwhile_is_not_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / self.output
        with pytest.raises(DestinationExists):
            self.write_and_then(tmp_path, lambda: path.write_text("theirs"))
        assert snapshot(tmp_path) == {self.output: b"theirs"}


def made_order(made: Made) -> Iterator[Digest]:
    """Every blob, in the order in which an index leads to it."""
    for blob in walk(make_source(made)):
        yield blob.digest


def flipped(source: MemorySource, digest: Digest, position: int) -> MemorySource:
    """The source with one byte of one blob changed."""
    content = bytearray(source.contents[digest])
    content[position] ^= 0x01
    return MemorySource(source.index, {**source.contents, digest: bytes(content)})


def make_attested_index() -> Made:
    """Two platforms, each with an attestation in BuildKit's classic form."""
    images = [make_image(platform) for platform in ("linux/amd64", "linux/arm64")]
    return make_index(*images, *map(make_attestation, images))


def make_odd_image() -> Made:
    """An image beside whose layers stand an empty blob, one of no known type, and a sha512."""
    image = make_image()
    content = b"hashed twice as long"
    long = Digest("sha512", hashlib.sha512(content).hexdigest())
    leaves = [
        make_blob("application/x-empty", b""),
        make_blob("text/x-unheard-of; charset=utf-8", b"leaf"),
        Made(Descriptor.make("application/octet-stream", long, len(content)), {long: content}),
    ]
    artifact = make_manifest(make_blob(EMPTY, b"{}"), leaves, artifactType="application/x-odd")
    return make_index(image, artifact)
