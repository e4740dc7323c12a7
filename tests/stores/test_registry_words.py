"""Words of `push` and `pull` that name something in a registry, or look like a file."""

import os
from pathlib import Path

import pytest

from ocilayout.errors import UsageError
from ocilayout.stores.registry_words import (
    place_in_registry,
    prefix_in_registry,
    refuse_files,
    refuse_swapped,
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("docker:dind", "docker.io/library/docker:dind"),
        ("registry.example/app:1", "registry.example/app:1"),
        ("docker://oci:layout", "docker.io/library/oci:layout"),
        ("docker://team/x.tar:1", "docker.io/team/x.tar:1"),
        ("registry.zip:5000/app", "registry.zip:5000/app:latest"),
        ("localhost:5000/app:v1.tar", "localhost:5000/app:v1.tar"),
    ],
)
def test_a_word_names_an_image_as_docker_reads_it(text: str, reference: str) -> None:
    assert str(place_in_registry(text).reference) == reference


@pytest.mark.parametrize(
    ("text", "what"),
    [
        *[
            (text, "a path")
            for text in ("./app", "../app", "/app", "~/app", "~ann", ".", "..", "-")
        ],
        *[
            (f"{transport}:app", f"a place of the transport {transport}:")
            for transport in (
                "oci",
                "oci-archive",
                "docker-archive",
                "dir",
                "docker-daemon",
                "podman",
                "containerd",
                "containers-storage",
                "ostree",
                "sif",
                "tarball",
            )
        ],
        *[
            (f"app{suffix}", "the name of an archive")
            for suffix in (".tar", ".tar.gz", ".tgz", ".TAR", ".tar:1", ".zip", ".sif", ".squashfs")
        ],
        ("deep/app.tar.zst", "the name of an archive"),
        ("deep/app.tar:registry.example/app:1", "the name of an archive"),
    ],
)
def test_a_word_that_looks_like_a_file_is_a_mistake(text: str, what: str) -> None:
    with pytest.raises(UsageError, match="not an image in a registry") as raised:
        place_in_registry(text)
    said = str(raised.value)
    assert f"{text} is {what}" in said
    _, offered, name = said.rstrip(")").partition("an image of that name is ")
    assert not offered or place_in_registry(name).is_registry


def test_the_name_of_a_file_that_exists_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ocilayout")
    os.makedirs("team/app")
    assert str(place_in_registry("team/app").reference) == "docker.io/team/app:latest"
    assert "not for the file of that name: docker://team/app says so" in caplog.text
    caplog.clear()
    place_in_registry("docker://team/app")
    assert caplog.text == ""


def test_the_name_of_a_directory_may_be_a_prefix_too(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ocilayout")
    os.mkdir("out")
    assert prefix_in_registry("out/").reference.path == "out/names"
    assert "out/ is taken for docker.io/out/, and not for the file of that name" in caplog.text
    for text in ("./out/", "/out/", "oci:out/"):
        with pytest.raises(UsageError, match="not an image in a registry"):
            prefix_in_registry(text)


@pytest.mark.parametrize(
    ("images", "files"),
    [
        ("app.tar", "registry.example/app"),
        ("app.tar", "alpine:3"),
        ("app.tar", "docker://alpine"),
        ("./app", "localhost:5000/app:1"),
        ("oci:app", "registry.example/app:1"),
        ("layout", "registry.example/app:1"),
        ("layout", "docker://app"),
        ("layout", "registry.example/project/"),
    ],
)
def test_swapped_arguments_are_told_with_both_right_orders(images: str, files: str) -> None:
    os.mkdir("layout")
    with pytest.raises(UsageError) as raised:
        refuse_swapped("push", images, files)
    assert f"ocilayout push {images} {files}" in str(raised.value)
    assert f"ocilayout pull {files} {images}" in str(raised.value)


@pytest.mark.parametrize(
    ("images", "files"),
    [
        ("registry.example/app", "app.tar"),
        ("registry.example/app", "layout"),
        ("docker://app.tar", "registry.example/app"),
        # It may be pulled into a new directory.
        ("layout", "new"),
        ("layout", "new/"),
        ("app.tar", "new/"),
        ("layout", "app:1"),
        ("alpine", "oci:new:app:1"),
    ],
)
def test_arguments_in_their_order_pass(images: str, files: str) -> None:
    os.mkdir("layout")
    refuse_swapped("pull", images, files)


@pytest.mark.parametrize("word", ["app.tar", "oci:layout", "./app", "/app"])
def test_a_file_is_no_image_in_an_engine(word: str) -> None:
    with pytest.raises(UsageError, match="the destination comes last"):
        refuse_files(["app:1", word])


@pytest.mark.parametrize("word", ["app:1", "podman:app", "docker-daemon:app:1", "0123456789ab"])
def test_an_image_in_an_engine_is_no_file(word: str) -> None:
    refuse_files([word])
