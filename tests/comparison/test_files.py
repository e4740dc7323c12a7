import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ocilayout.comparison.files import FileChange
from ocilayout.comparison.images import compare
from ocilayout.errors import IntegrityError
from ocilayout.rootfs.export import export_folder, flattened
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_image,
    make_manifest,
    make_source,
)
from tests.rootfs import oracle
from tests.rootfs.layer_tars import (
    Found,
    Item,
    device,
    file,
    files_in_folder,
    folder,
    hardlink,
    layer,
    symlink,
    whiteout,
)
from tests.rootfs.stacks import STACK, said

Stack = Sequence[Sequence[Item]]


def image(stack: Stack, codec: str = "none") -> Made:
    return make_image(layers=[layer(items) for items in stack], codec=codec)


def files(before: MemorySource, after: MemorySource) -> Sequence[FileChange]:
    (found,) = compare(before, after, files=True).platforms or [None]
    assert found is not None
    assert found.files is not None
    return found.files


def changes(before: Stack, after: Stack) -> dict[str, tuple[str, ...]]:
    """What differs by path; of what is on one side alone, which side."""
    found = files(make_source(image(before)), make_source(image(after)))
    return {
        change.path.decode(): change.what if change.status == "changed" else (change.status,)
        for change in found
    }


def without_diff_ids(items: Sequence[Item]) -> Made:
    config = b'{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}}'
    made = make_blob(media_types.OCI_LAYER, layer(items))
    return make_manifest(make_blob(media_types.OCI_CONFIG, config), [made])


def test_files_of_layers_without_diff_ids_are_compared() -> None:
    shared = file("a", b"1")
    sides = [make_source(without_diff_ids([shared, file("b", text)])) for text in (b"2", b"3")]
    assert [(change.path, change.what) for change in files(*sides)] == [(b"b", ("content",))]


def test_files_are_added_removed_and_changed() -> None:
    before = [[folder("d"), file("d/a", b"1"), file("b", b"2"), file("c", b"3")]]
    after = [*before, [whiteout("b"), file("d/a", b"11"), file("e", b"4")]]
    assert changes(before, after) == {
        "b": ("removed",),
        "d/a": ("size", "content"),
        "e": ("added",),
    }


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (file("a", mode=0o644), file("a", mode=0o4755), ("mode",)),
        (file("a", uid=1), file("a", uid=2), ("owner",)),
        (file("a", gid=1), file("a", gid=2), ("owner",)),
        (file("a", mtime=1), file("a", mtime=2), ("time",)),
        (file("a", b"x"), file("a", b"y"), ("content",)),
        (file("a", b"x"), file("a", b"yy"), ("size", "content")),
        (file("a"), folder("a", mode=0o644), ("type",)),
        (symlink("a", "b"), symlink("a", "c"), ("target",)),
        (device("a"), device("a", numbers=(1, 5)), ("device",)),
        (device("a"), device("a", tarfile.BLKTYPE), ("type",)),
        (file("a"), file("a", pax={"SCHILY.xattr.user.x": "1"}), ("xattrs",)),
        (folder("a", mode=0o755), folder("a", mode=0o700), ("mode",)),
    ],
)
def test_what_differs_is_named(before: Item, after: Item, what: tuple[str, ...]) -> None:
    assert changes([[before]], [[after]]) == {"a": what}


def test_a_symlink_has_no_mode_of_its_own() -> None:
    odd = Item("a", kind=tarfile.SYMTYPE, target="b", mode=0o644)
    assert changes([[symlink("a", "b")], [file("c")]], [[odd], [file("c", mode=0o600)]]) == {
        "c": ("mode",)
    }


def test_the_top_folder_is_compared() -> None:
    assert changes([[folder("."), file("a")]], [[folder(".", mode=0o700), file("a")]]) == {
        "": ("mode",)
    }


def test_other_hard_links_are_a_difference() -> None:
    linked = [[file("a", b"x"), hardlink("b", "a")]]
    assert changes(linked, [[file("a", b"x"), file("b", b"x")]]) == {"b": ("links",)}


def test_layers_cut_otherwise_are_the_same_files() -> None:
    items = [folder("d"), file("d/a", b"1"), file("b", b"2")]
    assert changes([items], [[item] for item in items]) == {}


def test_the_same_layers_compressed_otherwise_are_the_same_files() -> None:
    stack = [[file("a", b"1")], [file("b", b"2")]]
    assert list(files(make_source(image(stack, "gzip")), make_source(image(stack, "zstd")))) == []


def test_equal_layers_are_not_read() -> None:
    stack = [[file("a", b"1")]]
    before = make_source(make_image(layers=[layer(stack[0])], codec="none"))
    made = make_image(layers=[layer(stack[0])], codec="none", annotations={"a": "b"})
    after = make_source(made)
    for source in (before, after):
        source.contents[Digest.of(layer(stack[0]))] = b"damaged"
    assert list(files(before, after)) == []


def test_a_layer_that_was_changed_is_refused() -> None:
    before, after = make_source(image([[file("a", b"1")]])), image([[file("a", b"2")]])
    source = make_source(after)
    digest = Digest.of(layer([file("a", b"2")]))
    source.contents[digest] = source.contents[digest].replace(b"2", b"3", 1)
    with pytest.raises(IntegrityError):
        files(before, source)


# Pairs of stacks at random, with layers in common, against the oracle.

PAIR = st.tuples(STACK, STACK, st.integers(0, 3)).map(
    lambda drawn: (drawn[0], [*drawn[0][: drawn[2]], *drawn[1]])
)
COMPARED = {"type": 0, "mode": 1, "content": 2, "target": 2, "links": 3}
at_random = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(at_random, max_examples=60)
@given(PAIR)
def test_random_pairs_differ_as_the_specification_says(pair: tuple[Stack, Stack]) -> None:
    try:
        before, after = (said(oracle.flattened(stack)) for stack in pair)
    except oracle.Refused:
        assume(False)
    assume(image(pair[0]).descriptor.digest != image(pair[1]).descriptor.digest)
    found = {path: without(what, "time", "size") for path, what in changes(*pair).items()}
    assert {path: what for path, what in found.items() if what} == {
        path: what
        for path in {**before, **after}
        if (what := expected(before.get(path), after.get(path)))
    }


Said = tuple[str, int, bytes, str]


def without(what: tuple[str, ...], *words: str) -> set[str]:
    return {word for word in what if word not in words}


def expected(before: Said | None, after: Said | None) -> set[str]:
    """What the oracle says of a path; times and sizes aside."""
    if before is None or after is None:
        return {"added" if before is None else "removed"}
    found = set()
    if before[0] != after[0]:
        found.add("type")
    elif before[1] != after[1] and before[0] != "symlink":
        found.add("mode")
    if before[0] == after[0] and before[2] != after[2]:
        found.add("content" if before[0] == "file" else "target")
    if before[3] != after[3]:
        found.add("links")
    return found


@settings(at_random, max_examples=8)
@given(PAIR)
def test_random_pairs_differ_as_their_files_on_disk_do(pair: tuple[Stack, Stack]) -> None:
    try:
        for stack in pair:
            oracle.flattened(stack)
    except oracle.Refused:
        assume(False)
    images = [image(stack) for stack in pair]
    assume(images[0].descriptor.digest != images[1].descriptor.digest)
    with tempfile.TemporaryDirectory() as where:
        before, after = (
            unpacked(made, Path(where) / str(number)) for number, made in enumerate(images)
        )
    found = changes(*pair)
    assert found.keys() == {
        path for path in {**before, **after} if before.get(path) != after.get(path)
    }


def unpacked(made: Made, where: Path) -> dict[str, Found]:
    export_folder(flattened(make_source(made)), where)
    return files_in_folder(where)
