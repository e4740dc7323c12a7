"""What holds where several threads copy, or where a blob has to be sent again."""

import gzip
import io
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

import pytest
import zstandard

from ocilayout.copy_engine import missing_blobs, transfer
from ocilayout.errors import IntegrityError, RegistryFailed, TransferBroken
from ocilayout.graph import is_document, walk
from ocilayout.recode_policy import compress_all
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.streams import Progress
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
from tests.shared_destination import SharedDestination
from tests.snapshots import contents_of

LAYERS = [make_layer(f"layer {number}", size=3000) for number in range(8)]


@pytest.fixture
def source() -> MemorySource:
    return make_source(make_image(layers=LAYERS))


@pytest.fixture(autouse=True)
def no_thread_outlives_the_call() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def leaves(source: MemorySource) -> list[Descriptor]:
    return [blob for blob in walk(source) if not is_document(blob)]


def together(count: int) -> Callable[[Descriptor], None]:
    """Lets leaves pass only `count` at a time."""
    barrier = threading.Barrier(count)

    def wait(blob: Descriptor) -> None:
        if not is_document(blob):
            barrier.wait(timeout=10)

    return wait


@pytest.mark.parametrize(("jobs", "at_once"), [(3, 3), (64, 3)])
def test_as_many_leaves_are_put_at_a_time_as_there_are_jobs(
    source: MemorySource, jobs: int, at_once: int
) -> None:
    destination = SharedDestination(trouble=together(at_once))
    transfer(source, destination, jobs=jobs)
    assert contents_of(destination.result) == source.contents


def test_documents_are_put_at_a_time_but_after_what_they_lead_to() -> None:
    members = [make_image(f"linux/arm64/v{number}", layers=[]) for number in range(3)]
    index = make_index(*members)
    manifests = {member.descriptor.digest for member in members}
    barrier = threading.Barrier(3)

    def trouble(blob: Descriptor) -> None:
        if blob.digest in manifests:
            barrier.wait(timeout=10)

    destination = SharedDestination(trouble=trouble)
    source = make_source(make_index(index, *members))
    report = transfer(source, destination, jobs=4)
    put = [blob.digest for blob in destination.put if is_document(blob)]
    assert set(put[:3]) == manifests
    assert put[3] == index.descriptor.digest
    assert [blob.digest for blob in report.copied if is_document(blob)][:3] == [
        member.descriptor.digest for member in members
    ]


def test_a_destination_that_is_not_shared_is_given_one_at_a_time(source: MemorySource) -> None:
    threads: set[int] = set()

    class Alone(MemoryDestination):
        def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
            threads.add(threading.get_ident())
            super().put_blob(descriptor, content)

    destination = Alone()
    transfer(source, destination, jobs=8)
    assert threads == {threading.get_ident()}
    assert [blob.digest for blob in leaves(source)] == destination.leaves


def test_reports_do_not_depend_on_who_is_first(source: MemorySource) -> None:
    here = [blob.digest for blob in leaves(source)[::3]]
    places = {blob.digest: place for place, blob in enumerate(leaves(source))}

    def later_ones_are_faster(blob: Descriptor) -> None:
        time.sleep(0.01 * (len(places) - places.get(blob.digest, 0)))

    threads = transfer(source, SharedDestination(here, trouble=later_ones_are_faster), jobs=8)
    alone = transfer(source, MemoryDestination(here))
    assert threads.copied == alone.copied
    assert threads.skipped == alone.skipped != []


@pytest.mark.parametrize("codec", ["zstd", "none"])
def test_layers_that_are_compressed_anew_are_the_same(
    tmp_path: Path, source: MemorySource, codec: str
) -> None:
    recode = compress_all(codec)
    alone, shared = MemoryDestination(), SharedDestination()
    first = transfer(source, alone, recode=recode, scratch=tmp_path)
    again = transfer(source, shared, recode=recode, scratch=tmp_path, jobs=4)
    assert contents_of(shared.result) == contents_of(alone.result)
    assert again.copied == first.copied
    assert list(again.changed.items()) == list(first.changed.items())


@pytest.mark.parametrize("jobs", [1, 4])
def test_two_layers_that_become_one_are_put_once(tmp_path: Path, jobs: int) -> None:
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [LAYERS[0]] * 2))
    layers = [
        make_blob(f"{media_types.OCI_LAYER}+zstd", zstandard.compress(LAYERS[0])),
        make_blob(f"{media_types.OCI_LAYER}+gzip", gzip.compress(LAYERS[0])),
    ]
    source = make_source(make_manifest(config, layers))
    destination = SharedDestination()
    report = transfer(source, destination, recode=compress_all("none"), scratch=tmp_path, jobs=jobs)
    assert destination.contents[Digest.of(LAYERS[0])] == LAYERS[0]
    assert [blob.digest for blob in report.skipped] == [Digest.of(LAYERS[0])]


@pytest.mark.parametrize("error", [OSError, RegistryFailed, KeyboardInterrupt])
def test_an_error_of_one_thread_ends_all(source: MemorySource, error: type[BaseException]) -> None:
    broken = leaves(source)[4].digest

    def fail(blob: Descriptor) -> None:
        if blob.digest == broken:
            raise error("the fourth")

    destination = SharedDestination(trouble=fail)
    with pytest.raises(error, match="the fourth"):
        transfer(source, destination, jobs=8)
    assert destination.committed is None


class Endless(io.RawIOBase):
    """Content that goes on until the thread that reads it is told to stop."""

    def __init__(self, begun: threading.Barrier) -> None:
        self._begun: threading.Barrier | None = begun

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if self._begun is not None:
            self._begun.wait(timeout=10)
            self._begun = None
        time.sleep(0.001)
        buffer[:1] = b"x"
        return 1


class EndlessSource(MemorySource):
    """Two leaves without end, which begin together with what `begun` waits for."""

    begun: threading.Barrier

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.size == SIZE:
            return cast(BinaryIO, Endless(self.begun))
        return super().open_blob(descriptor)


SIZE = 1 << 40


def endless_source(begun: threading.Barrier) -> EndlessSource:
    config = make_blob("application/vnd.example.config", b"{}")
    endless = [
        Made(Descriptor.make("application/x-endless", Digest.of(text), SIZE), {})
        for text in (b"a", b"b")
    ]
    made = make_source(make_manifest(config, [make_blob("text/plain", b"last"), *endless]))
    source = EndlessSource(made.index, made.contents)
    source.begun = begun
    return source


def test_others_stop_reading_soon_after_an_error() -> None:
    begun = threading.Barrier(3)

    def fail(blob: Descriptor) -> None:
        if blob.media_type == "text/plain":
            begun.wait(timeout=10)
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        transfer(endless_source(begun), SharedDestination(trouble=fail), jobs=4)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT is what Python makes of it by itself."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_a_signal_ends_all_whichever_thread_it_arrives_in() -> None:
    begun = threading.Barrier(3)

    def interrupt(blob: Descriptor) -> None:
        if blob.media_type == "text/plain":
            begun.wait(timeout=10)
            signal.raise_signal(signal.SIGINT)

    destination = SharedDestination(trouble=interrupt)
    with pytest.raises(KeyboardInterrupt):
        transfer(endless_source(begun), destination, jobs=4)
    assert destination.committed is None


@pytest.mark.parametrize("jobs", [1, 4])
def test_what_is_missing_is_asked_of_a_shared_destination_by_threads(
    source: MemorySource, jobs: int
) -> None:
    blobs = list(walk(source))
    # Ten blobs, so that none waits alone: eight layers, a config, a manifest.
    pairs = threading.Barrier(2 if jobs > 1 else 1)

    def ask(blob: Descriptor) -> None:
        pairs.wait(timeout=10)

    destination = SharedDestination([blobs[3].digest], asked=ask)
    assert missing_blobs(source, destination, jobs=jobs) == blobs[:3] + blobs[4:]


class Breaking(MemoryDestination):
    """Breaks off each blob twice in the middle, and then takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.tries: dict[Digest, int] = {}

    def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
        tries = self.tries[descriptor.digest] = self.tries.get(descriptor.digest, 0) + 1
        if tries < 3:
            content.read(descriptor.size // (3 - tries))
            raise TransferBroken("cut")
        super().put_blob(descriptor, content)


@pytest.mark.parametrize("recode", [None, "zstd"])
def test_a_transfer_that_breaks_is_begun_again(
    tmp_path: Path, source: MemorySource, recode: str | None
) -> None:
    destination = Breaking()
    seen: list[int] = []

    @contextmanager
    def watch(blob: Descriptor) -> Iterator[Progress]:
        seen.append(0)

        def advance(count: int) -> None:
            assert count > 0
            seen[-1] += count

        yield advance
        assert seen[-1] == blob.size

    options = {} if recode is None else {"recode": compress_all(recode), "scratch": tmp_path}
    report = transfer(source, destination, watch=watch, **options)  # type: ignore[arg-type]
    assert set(destination.tries.values()) == {3}
    assert len(report.copied) == len(destination.contents)
    contents_of(destination.result)
    assert sum(seen) == sum(map(len, source.contents.values()))


def test_what_is_sent_again_is_verified_again(source: MemorySource) -> None:
    layer = leaves(source)[1].digest

    class Spoiling(Breaking):
        def put_blob(self, descriptor: Descriptor, content: BinaryIO) -> None:
            if self.tries.get(layer) == 1:
                source.contents[layer] = source.contents[layer][:-1] + b"x"
            super().put_blob(descriptor, content)

    with pytest.raises(IntegrityError, match="hashes to"):
        transfer(source, Spoiling())


def test_a_destination_that_gives_up_is_not_asked_again(source: MemorySource) -> None:
    def give_up(blob: Descriptor) -> NoReturn:
        raise RegistryFailed("no more")

    with pytest.raises(RegistryFailed, match="no more"):
        transfer(source, SharedDestination(trouble=give_up))


@pytest.mark.parametrize("jobs", [1, 8])
def test_what_can_be_mounted_is_neither_read_nor_put(source: MemorySource, jobs: int) -> None:
    elsewhere = [blob.digest for blob in leaves(source)[1:4]]

    class Mounting(SharedDestination):
        def mount_blob(self, descriptor: Descriptor) -> bool:
            assert not self.has_blob(descriptor)
            return descriptor.digest in elsewhere

    report = transfer(source, Mounting(), jobs=jobs)
    assert [blob.digest for blob in report.mounted] == elsewhere
    assert not set(elsewhere) & set(source.opened)
    assert len(report.copied) == len(source.contents) - 3
