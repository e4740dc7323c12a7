"""What a run that is ended leaves behind is noted where it comes to be."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from ocilayout import remains
from ocilayout.compression import CODECS
from ocilayout.copy_engine import transfer
from ocilayout.errors import RegistryFailed
from ocilayout.outputs import open_output
from ocilayout.protocols import ImageSource
from ocilayout.spec.digest import Digest
from ocilayout.stores import layout_gc, open_destination
from ocilayout.stores.in_place import edited_in_place
from ocilayout.transforms.tag import tag
from tests.image_files import write_layout
from tests.images import Made, make_blob, make_image, make_layer, make_source
from tests.servers.faults import Fault, answering
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.snapshots import unchanged

FIRST = make_image(layers=[make_layer("first")])
SECOND = make_image(layers=[make_layer("second"), make_layer("third")])


@pytest.fixture(autouse=True)
def _nothing_yet() -> Iterator[None]:
    remains.forget()
    yield
    remains.forget()


def said() -> list[str]:
    return [text for text, _ in remains.kept()]


def add_and_be_ended(place: str, made: Made, *digests: Digest) -> None:
    """Put these blobs of an image there, and be ended before it is committed."""
    source = make_source(made)
    with suppress(KeyboardInterrupt), open_destination(place) as destination:
        for digest in digests:
            blob = make_blob("application/octet-stream", made.contents[digest]).descriptor
            destination.put_blob(blob, source.open_blob(blob))
        raise KeyboardInterrupt


def end_at_once(output: AbstractContextManager[object]) -> None:
    with suppress(KeyboardInterrupt), output:
        raise KeyboardInterrupt


def test_a_layout_that_nobody_else_uses_gets_its_blobs_taken_back(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(FIRST.named("app:1")))
    with unchanged(layout):
        add_and_be_ended(f"oci:{layout}", SECOND, *SECOND.contents)
    assert said() == []


def test_blobs_stay_in_a_layout_that_another_process_uses(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(FIRST.named("app:1")))
    other = os.open(layout, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_SH)
    add_and_be_ended(f"oci:{layout}", SECOND, *SECOND.contents)
    os.close(other)
    size = sum(map(len, SECOND.contents.values()))
    assert remains.kept() == [(f"4 blobs stay in {layout}", size)]


def test_what_was_committed_before_it_was_ended_stays(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(FIRST.named("app:1")))
    with suppress(KeyboardInterrupt), open_destination(f"oci:{layout}") as destination:
        transfer(make_source(SECOND.named("app:2")), destination)
        raise KeyboardInterrupt
    assert said() == [f"{layout} was written", f"4 blobs stay in {layout}"]


def test_a_new_layout_or_tar_leaves_nothing(tmp_path: Path) -> None:
    for place in ("oci:new", "docker-archive:new.tar", "oci-archive:new.tar", "dir:new"):
        transport, _, name = place.partition(":")
        path = f"{transport}:{tmp_path / name}"
        end_at_once(open_destination(path))
    assert said() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick_retries", "nobodys_logins")
def test_blobs_that_a_registry_took_stay() -> None:
    config, layer = list(FIRST.contents)[:2]
    with running(OciRegistry()) as registry:
        add_and_be_ended(f"docker://{registry.host}/team/app", FIRST, config, layer)
        size = len(FIRST.contents[config]) + len(FIRST.contents[layer])
        assert remains.kept() == [(f"2 blobs stay in {registry.host}/team/app", size)]


@pytest.mark.usefixtures("quick_retries", "nobodys_logins")
def test_tags_that_a_registry_took_stay() -> None:
    source = make_source(FIRST.named("one", "two"))
    with running(OciRegistry()) as registry:
        registry.faults.append(Fault("PUT", "/manifests/two", answering(500), times=None))
        place = f"{registry.host}/team/app"
        with suppress(RegistryFailed), open_destination(f"docker://{place}") as destination:
            transfer(source, destination)
        assert f"{place}:one was pushed" in said()
        assert f"{place}:two was pushed" not in said()


def test_of_blobs_that_nothing_refers_to_some_are_removed_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = write_layout(tmp_path / "layout", make_source(FIRST.named("app:1")))
    for text in ("a", "b", "c"):
        blob = make_blob("application/octet-stream", text.encode())
        (layout / blob.descriptor.digest.blob_path).write_text(text)
    unlink, calls = os.unlink, []

    def second_interrupts(*arguments: object, **options: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        unlink(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", second_interrupts)
    with pytest.raises(KeyboardInterrupt):
        layout_gc.collect_garbage(layout)
    assert said() == [f"1 of 3 blobs were removed from {layout}"]


def test_what_a_pipe_got_cannot_be_taken_back() -> None:
    reading, writing = os.pipe()
    path = Path(f"/dev/fd/{writing}")
    end_at_once(open_output(path, CODECS["none"], replace=False))
    os.close(reading)
    os.close(writing)
    assert said() == [f"what {path} got is not complete"]


def test_a_place_that_was_edited_stays_so(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(FIRST.named("app:1")))

    def named(source: ImageSource, label: str) -> ImageSource:
        return tag(source, source.index.children[0], ["app:2"])

    with edited_in_place(str(layout), named, dry_run=True):
        assert said() == []
    with edited_in_place(str(layout), named):
        assert said() == [f"{layout} was edited"]


@pytest.mark.parametrize("transport", ["oci", "oci-archive", "docker-archive", "dir"])
def test_an_output_that_is_complete_stays(tmp_path: Path, transport: str) -> None:
    source = make_source(FIRST.named("app:1"))
    with open_destination(f"{transport}:{tmp_path / 'out'}") as destination:
        transfer(source, destination)
        assert said() == []
    assert said() == [f"{tmp_path / 'out'} was written"]
