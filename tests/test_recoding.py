import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from ocilayout.compression import CODECS
from ocilayout.crew import Crew
from ocilayout.errors import BlobNotFound, IntegrityError
from ocilayout.recoding import Order, Recoded, Workshop, codec_in, with_codec
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from ocilayout.spec.media_types import OCI_LAYER
from ocilayout.streams import Watch, unwatched
from tests.images import MemorySource, make_layer

LAYERS = [make_layer(f"layer {number}", size=5000) for number in range(8)]
SOURCE = MemorySource(Index.of([]), {Digest.of(layer): layer for layer in LAYERS})


def orders(layers: Sequence[bytes] = LAYERS, codec: str = "gzip", has: str = "none") -> list[Order]:
    return [
        Order(Descriptor.of(OCI_LAYER, layer), CODECS[has], CODECS[codec], Digest.of(layer))
        for layer in layers
    ]


@contextmanager
def recoded(
    scratch: Path,
    wanted: Sequence[Order],
    jobs: int = 4,
    source: MemorySource = SOURCE,
    watch: Watch = unwatched,
) -> Iterator[Iterator[Recoded]]:
    with Workshop(source, scratch, jobs, None, watch) as workshop, Crew() as crew:
        yield workshop.recoded(wanted, crew)


def open_files(folder: Path) -> int:
    """How many scratch files this process holds open."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(folder))
        except FileNotFoundError:
            continue
    return count


def bytes_of(result: Recoded) -> bytes:
    with result.open() as content:
        return content.read()


@pytest.mark.parametrize("jobs", [1, 2, 8, 64])
def test_results_come_in_the_order_of_the_orders(tmp_path: Path, jobs: int) -> None:
    with recoded(tmp_path, orders(codec="none"), jobs) as results:
        assert [bytes_of(result) for result in results] == LAYERS


def test_a_result_is_described_by_its_new_bytes(tmp_path: Path) -> None:
    with recoded(tmp_path, orders(LAYERS[:1], "zstd")) as results:
        result = next(results)
        assert result.descriptor == Descriptor.of(f"{OCI_LAYER}+zstd", bytes_of(result))


def test_a_result_can_be_read_more_than_once(tmp_path: Path) -> None:
    with recoded(tmp_path, orders(LAYERS[:1])) as results:
        result = next(results)
        assert bytes_of(result) == bytes_of(result) != b""


def test_scratch_holds_no_more_than_the_layers_in_flight(tmp_path: Path) -> None:
    with recoded(tmp_path, orders(), jobs=2) as results:
        for result in results:
            assert open_files(tmp_path) <= 4
            result.file.close()
            assert list(tmp_path.iterdir()) == []
    assert open_files(tmp_path) == 0


@pytest.mark.parametrize("taken", [0, 1, 3])
@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_who_leaves_early_leaves_no_scratch(
    tmp_path: Path, taken: int, error: type[BaseException] | None
) -> None:
    def take_some() -> None:
        with recoded(tmp_path, orders()) as results:
            for _ in range(taken):
                next(results)
            if error is not None:
                raise error

    if error is None:
        take_some()
    else:
        with pytest.raises(error):
            take_some()
    assert open_files(tmp_path) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("position", [0, 3, 7])
def test_an_error_of_a_worker_ends_the_others(tmp_path: Path, position: int) -> None:
    contents = dict(SOURCE.contents)
    del contents[Digest.of(LAYERS[position])]
    source = MemorySource(SOURCE.index, contents)
    seen: list[bytes] = []

    def take_all() -> None:
        with recoded(tmp_path, orders(codec="none"), source=source) as results:
            for result in results:
                seen.append(bytes_of(result))

    with pytest.raises(BlobNotFound):
        take_all()
    assert seen == LAYERS[: len(seen)]
    assert len(seen) <= position
    assert open_files(tmp_path) == 0


def test_a_damaged_layer_never_becomes_a_result(tmp_path: Path) -> None:
    contents = {digest: raw[:-1] + b"x" for digest, raw in SOURCE.contents.items()}
    with (
        pytest.raises(IntegrityError, match="hashes to"),
        recoded(tmp_path, orders(), source=MemorySource(SOURCE.index, contents)) as results,
    ):
        next(results)
    assert open_files(tmp_path) == 0


def test_workers_stop_when_nobody_waits_any_more(tmp_path: Path) -> None:
    read: list[int] = []
    watch = lambda blob: nullcontext(read.append)  # noqa: E731
    with recoded(tmp_path, orders(), jobs=1, watch=watch) as results:
        next(results)
    assert sum(read) < sum(map(len, LAYERS))


def test_without_orders_there_are_no_results(tmp_path: Path) -> None:
    with recoded(tmp_path, []) as results:
        assert list(results) == []


def test_scratch_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError),
        recoded(tmp_path / "absent", orders(LAYERS[:1])) as results,
    ):
        next(results)


@pytest.mark.parametrize(("codec", "suffix"), [("gzip", "+gzip"), ("zstd", "+zstd"), ("none", "")])
def test_the_right_label_says_the_codec(codec: str, suffix: str) -> None:
    layer = Descriptor.of("application/vnd.oci.image.layer.v1.tar+gzip", b"content")
    labelled = with_codec(layer, CODECS[codec])
    assert labelled.media_type == OCI_LAYER + suffix
    assert (labelled.digest, labelled.size) == (layer.digest, layer.size)


def test_the_codec_is_told_by_the_bytes() -> None:
    content = b"\x28\xb5\x2f\xfd and more"
    layer = Descriptor.of(f"{OCI_LAYER}+gzip", content)
    source = MemorySource(SOURCE.index, {layer.digest: content})
    assert codec_in(source, layer).name == "zstd"


def test_a_layer_that_inflates_to_something_else_raises(tmp_path: Path) -> None:
    layer = Descriptor.of(OCI_LAYER, LAYERS[0])
    order = Order(layer, CODECS["none"], CODECS["gzip"], Digest.of(LAYERS[1]))
    with (
        pytest.raises(IntegrityError, match="its config says"),
        recoded(tmp_path, [order]) as results,
    ):
        next(results)


def test_a_full_disk_is_an_error_even_where_large_windows_wait_for_each_other(
    tmp_path: Path,
) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from ocilayout.spec.digest import Digest\n"
        "from tests.hostile.zstd_frames import frame, zero_blocks\n"
        "from tests.images import MemorySource\n"
        "from tests.test_recoding import SOURCE, orders, recoded\n"
        "layers = [frame(zero_blocks(count), window_log=27) for count in (100, 101, 102)]\n"
        "contents = {Digest.of(layer): layer for layer in layers}\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "source = MemorySource(SOURCE.index, contents)\n"
        "wanted = orders(layers, 'none', 'zstd')\n"
        "with recoded(Path(sys.argv[1]), wanted, source=source) as results:\n"
        "    next(results)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stderr=subprocess.PIPE,
        timeout=10,
        check=False,
    )
    assert b"OSError" in run.stderr
