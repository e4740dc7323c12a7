"""What an image says of itself, corrected in place."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import CommandLine
from tests.program import SAMPLES

ARM64 = "sha256:e046125a0a92275e80ce5a9399dc10f8b302c1665d93cb6d85e9129ca96ff89d"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """An index of linux/amd64, linux/arm64 and linux/arm/v7, with attestations."""
    return Path(shutil.copy(SAMPLES / "buildx-multi-attested.tar", tmp_path / "app.tar"))


def index(ocilayout: CommandLine, image: Path) -> Any:
    return json.loads(ocilayout.succeed("inspect", image, "--raw").out)


def platforms(ocilayout: CommandLine, image: Path) -> list[Any]:
    return [member["platform"] for member in index(ocilayout, image)["manifests"][:3]]


def test_a_platform_is_corrected_in_the_index(ocilayout: CommandLine, image: Path) -> None:
    before = index(ocilayout, image)
    done = ocilayout.succeed(
        "annotate", image, "--platform", "linux/arm/v7", "--variant", "v6", "--os-version", "1"
    )
    assert done.out.startswith("registry.example/hello:1 linux/amd64,linux/arm64,linux/arm/v6:1 ")
    assert "note: index sha256:155608c9" in done.err
    assert "note: manifest" not in done.err
    after = index(ocilayout, image)
    wanted = {"architecture": "arm", "os": "linux", "variant": "v6", "os.version": "1"}
    assert after["manifests"][2] == {**before["manifests"][2], "platform": wanted}
    assert after["manifests"][:2] == before["manifests"][:2]


def test_features_may_stand_behind_one_another(ocilayout: CommandLine, image: Path) -> None:
    picked = ("--platform", "linux/amd64", "--os-features", "a,b", "--os-features", "c")
    ocilayout.succeed("annotate", image, *picked)
    assert platforms(ocilayout, image)[0]["os.features"] == ["a", "b", "c"]


def test_a_member_is_picked_by_its_digest(ocilayout: CommandLine, image: Path) -> None:
    ocilayout.succeed("annotate", f"{image}@{ARM64}", "--variant", "v9")
    assert platforms(ocilayout, image)[1]["variant"] == "v9"


def test_which_digests_moved_is_told(ocilayout: CommandLine, image: Path) -> None:
    picked = ("--platform", "linux/arm64", "--arch", "loong64", "--config")
    done = ocilayout.succeed("annotate", image, *picked, "--json")
    kinds = [change["media_type"].split(".")[3] for change in done.json["changed"]]
    assert kinds == ["config", "manifest", "index"]
    assert ARM64 in {change["old"] for change in done.json["changed"]}
    [found] = done.json["images"]
    assert found["platforms"] == ["linux/amd64", "linux/loong64", "linux/arm/v7"]
    assert found["digest"] in {change["new"] for change in done.json["changed"]}


def test_annotations_are_set_and_removed(ocilayout: CommandLine, image: Path) -> None:
    ocilayout.succeed(
        "annotate", image, "--annotation", "index:a=1", "--annotation", "index,manifest:b=2"
    )
    assert index(ocilayout, image)["annotations"] == {"a": "1", "b": "2"}
    ocilayout.succeed("annotate", image, "--remove-annotation", "index:a")
    assert index(ocilayout, image)["annotations"] == {"b": "2"}


@pytest.mark.parametrize(("wish", "count"), [("keep", 6), ("drop", 5)])
def test_attestations_of_what_moved_follow_or_go(
    ocilayout: CommandLine, image: Path, wish: str, count: int
) -> None:
    setting = "manifest[linux/amd64]:a=1"
    ocilayout.succeed("annotate", image, "--annotation", setting, "--attestations", wish)
    members = index(ocilayout, image)["manifests"]
    assert len(members) == count
    images = {member["digest"] for member in members[:3]}
    spoken_of = {m["annotations"]["vnd.docker.reference.digest"] for m in members[3:]}
    assert spoken_of <= images


def test_a_dry_run_says_what_would_be_and_does_nothing(ocilayout: CommandLine, image: Path) -> None:
    before = image.read_bytes()
    done = ocilayout.succeed("annotate", image, "--annotation", "a=1", "--dry-run", "--json")
    assert done.json["dry_run"] is True
    assert done.json["changed"]
    assert image.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "nothing is to be changed"),
        (["--config"], 2, "--config needs"),
        (["--arch", "arm64"], 1, "pick one by --platform"),
        (["--platform", "linux/s390x", "--annotation", "a=1"], 1, "no image for linux/s390x"),
        (["--annotation", "a"], 2, "KEY=VALUE"),
        (["--annotation", "layer:a=1"], 2, "is no level"),
    ],
)
def test_refusals(
    ocilayout: CommandLine, image: Path, arguments: list[str], code: int, said: str
) -> None:
    before = image.read_bytes()
    ocilayout.refuse(code, said, "annotate", image, *arguments)
    assert image.read_bytes() == before
