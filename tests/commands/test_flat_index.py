"""`--index`: platforms that lie side by side in a layout, as crane writes them, as one image."""

from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_layer, make_source

NAME = "docker.io/library/app:1"
PLATFORMS = ("linux/amd64", "linux/arm64")


def write_flat(path: Path, *names: str) -> Path:
    images = [make_image(platform).named(*names) for platform in PLATFORMS]
    return write_layout(path, make_source(*images))


@pytest.fixture(params=["nameless", "named"])
def flat(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A layout whose platforms have no name, or the layout and the name that all of them have."""
    monkeypatch.chdir(tmp_path)
    if request.param == "nameless":
        write_flat(tmp_path / "flat")
        return "flat"
    write_flat(tmp_path / "flat", NAME)
    return "flat:app:1"


@pytest.mark.parametrize("target", ["out.tar", "oci:out", "oci-archive:out.tar", "dir:out"])
def test_convert_makes_one_image_of_it(flat: str, target: str, ocilayout: CommandLine) -> None:
    ocilayout.succeed("convert", flat, target, "--index")
    out = target.rpartition(":")[2]
    [listed] = ocilayout.succeed("ls", out, "--json").json["places"]
    [image] = listed["images"]
    assert image["platforms"] == list(PLATFORMS)


def test_a_name_can_be_given_then(flat: str, ocilayout: CommandLine) -> None:
    done = ocilayout("convert", flat, "out.tar", "-t", "app:2")
    assert done.code in {1, 2}
    assert "--index" in done.err
    ocilayout.succeed("convert", flat, "out.tar", "-t", "app:2", "--index")
    [listed] = ocilayout.succeed("ls", "out.tar", "--json").json["places"]
    assert [image["names"] for image in listed["images"]] == [["docker.io/library/app:2"]]


def test_a_platform_of_it_can_be_taken(flat: str, ocilayout: CommandLine) -> None:
    ocilayout.succeed("convert", flat, "out.tar", "--index", "--platform", "linux/arm64")
    [listed] = ocilayout.succeed("ls", "out.tar", "--json").json["places"]
    assert [image["platforms"] for image in listed["images"]] == [["linux/arm64"]]


@pytest.mark.parametrize(
    "words",
    [
        ["convert", "flat:app:1", "out.tar"],
        ["push", "flat:app:1", "127.0.0.1:1/app:1"],
        ["load", "flat:app:1"],
        ["export", "flat:app:1", "out"],
        ["check", "flat:app:1", "--for", "docker-29"],
        ["convert", "flat", "oci:out"],
    ],
)
def test_the_refusal_of_a_name_with_several_images_names_the_option(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocilayout: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    write_flat(tmp_path / "flat", NAME)
    done = ocilayout(*words)
    assert done.code == 1
    assert "--index" in done.err


@pytest.mark.parametrize("words", [["export", "flat", "out"], ["push", "flat", "127.0.0.1:1/a:1"]])
def test_the_refusal_of_several_nameless_images_names_the_option(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocilayout: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    write_flat(tmp_path / "flat")
    done = ocilayout(*words)
    assert done.code in {1, 2}
    assert "--index" in done.err


def test_export_writes_a_directory_for_each_platform(flat: str, ocilayout: CommandLine) -> None:
    ocilayout.succeed("export", flat, "out", "--index")
    assert sorted(path.name for path in Path("out").iterdir()) == ["linux_amd64", "linux_arm64"]


def test_check_prints_fixes_that_take_it_as_one(flat: str, ocilayout: CommandLine) -> None:
    done = ocilayout("check", flat, "--for", "docker-20.10", "--index", "--json")
    [engine] = done.json["engines"]
    command = engine["fix"]["command"].replace("REPOSITORY:TAG", "r.example/app:1")
    assert "--index" in command
    ocilayout.succeed(*command.split()[1:])


def test_load_and_push_take_it_as_one(
    flat: str, ocilayout: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for words in (["load", flat], ["push", flat, "127.0.0.1:1/app:1", "--plain-http"]):
        done = ocilayout(*words, "--index")
        assert done.code == 1
        assert "several images" not in done.err
        assert "images here" not in done.err


def test_two_images_for_one_platform_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ocilayout: CommandLine
) -> None:
    monkeypatch.chdir(tmp_path)
    images = [make_image(layers=[make_layer(text)]).named(NAME) for text in "ab"]
    write_layout(tmp_path / "flat", make_source(*images))
    ocilayout.refuse(1, "several images for linux/amd64", "convert", "flat", "out.tar", "--index")
