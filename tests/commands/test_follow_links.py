"""Layouts of links, as Bazel makes them, under every verb that reads."""

from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_source

IMAGE = make_image().named("docker.io/library/app:1")
READERS = {
    "ls": ["ls", "{}"],
    "inspect": ["inspect", "{}"],
    "convert": ["convert", "{}", "out.tar"],
    "merge": ["merge", "{}", "-o", "out.tar"],
    "export": ["export", "{}", "out"],
    "check": ["check", "{}", "--for", "docker-29"],
    "diff": ["diff", "{}", "{}"],
    "push": ["push", "{}", "127.0.0.1:1/app:1"],
    "load": ["load", "{}"],
}


@pytest.fixture
def linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A layout whose blobs are links to files outside it."""
    layout = write_layout(tmp_path / "layout", make_source(IMAGE))
    store = tmp_path / "store"
    store.mkdir()
    for blob in (layout / "blobs/sha256").iterdir():
        blob.rename(store / blob.name)
        blob.symlink_to(f"../../../store/{blob.name}")
    monkeypatch.chdir(tmp_path)
    return layout


@pytest.mark.parametrize("verb", READERS)
def test_a_layout_of_links_is_refused_and_the_message_names_the_option(
    verb: str, linked: Path, ocilayout: CommandLine
) -> None:
    done = ocilayout(*(word.format(linked) for word in READERS[verb]))
    assert done.code == 1
    assert "--follow-links" in done.err
    assert not (linked.parent / "out.tar").exists()


@pytest.mark.parametrize("verb", ["ls", "inspect", "convert", "merge", "check", "diff"])
def test_a_layout_of_links_is_read_where_that_is_allowed(
    verb: str, linked: Path, ocilayout: CommandLine
) -> None:
    done = ocilayout(*(word.format(linked) for word in READERS[verb]), "--follow-links")
    assert "link" not in done.err
    assert done.code in {0, 3}


@pytest.mark.parametrize("verb", ["push", "load"])
def test_what_cannot_be_sent_is_at_least_read(
    verb: str, linked: Path, ocilayout: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    words = (word.format(linked) for word in READERS[verb])
    done = ocilayout(*words, "--follow-links", *(["--plain-http"] if verb == "push" else []))
    assert done.code == 1
    assert "link" not in done.err


def test_a_layout_of_links_is_validated(linked: Path, ocilayout: CommandLine) -> None:
    refused = ocilayout("validate", linked)
    assert refused.code == 3
    assert "--follow-links" in refused.out
    assert ocilayout.succeed("validate", linked, "--follow-links")


def test_the_copy_is_of_files(linked: Path, ocilayout: CommandLine) -> None:
    for options in ([], ["--link"]):
        target = linked.with_name(f"copy{len(options)}")
        ocilayout.succeed("convert", linked, f"oci:{target}", "--follow-links", *options)
        copied = {path.name: path for path in (target / "blobs/sha256").iterdir()}
        assert not any(path.is_symlink() for path in copied.values())
        assert {name: path.stat().st_nlink for name, path in copied.items()} == dict.fromkeys(
            copied, 1
        )
        assert copied.keys() == {path.name for path in (linked / "blobs/sha256").iterdir()}


@pytest.mark.parametrize("damage", [b"secret", b""])
def test_a_link_to_anything_else_is_refused_all_the_same(
    damage: bytes, linked: Path, ocilayout: CommandLine
) -> None:
    for file in (linked.parent / "store").iterdir():
        file.write_bytes(damage)
    done = ocilayout("convert", linked, "out.tar", "--follow-links")
    assert done.code == 1
    assert "secret" not in done.err + done.out


@pytest.mark.parametrize("words", [["tag", "{}", "app:2"], ["gc", "{}"], ["untag", "{}:1"]])
def test_what_writes_or_removes_follows_no_link(
    words: list[str], linked: Path, ocilayout: CommandLine
) -> None:
    done = ocilayout(*(word.format(linked) for word in words), "--follow-links")
    assert done.code == 2
    ocilayout(*(word.format(linked) for word in words))
    assert all(path.is_symlink() for path in (linked / "blobs/sha256").iterdir())
    assert len(list((linked.parent / "store").iterdir())) == len(IMAGE.contents)
