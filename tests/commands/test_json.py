"""What `--json` prints, and the page that describes it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import CommandLine
from tests.program import ROOT, SAMPLES

PAGE = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
SECTIONS = {
    section.partition("\n")[0]: section for section in re.split(r"^## ", PAGE, flags=re.M)[1:]
}
PLACES = sorted(path for path in SAMPLES.iterdir() if path.name[:4] not in {"READ", "root"})
MULTI = SAMPLES / "buildx-multi-attested.tar"
OLD = SAMPLES / "docker-20.10-amd64.tar"

AS_IT_IS = {"annotations", "manifest_annotations", "xattrs"}
"""What holds keys of the image's own."""


def documented(section: str) -> set[str]:
    """The names in the first column, and those that the last column explains."""
    rows = [row for row in SECTIONS[section].splitlines() if row.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}


def keys(value: Any, above: str = "") -> Iterator[str]:
    """The keys of all objects, but for those that hold what the image holds."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item, above)
    elif isinstance(value, dict) and above not in AS_IT_IS and not is_of_the_image(value):
        for key, item in value.items():
            yield key
            yield from keys(item, key)


def is_of_the_image(value: dict[str, Any]) -> bool:
    return "rootfs" in value or ("created_by" in value and "digest" not in value)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
@pytest.mark.parametrize("call", ["ls", "ls --files", "inspect"])
def test_each_key_of_a_sample_is_documented(ocilayout: CommandLine, place: Path, call: str) -> None:
    verb, *options = call.split()
    found = set(keys(ocilayout.succeed(verb, place, *options, "--json").json))
    assert found - documented(call) == set()


def test_each_key_of_a_difference_is_documented(ocilayout: CommandLine) -> None:
    greeter = f"{SAMPLES}/docker-20.10-two-images.tar:greeter:latest"
    found = ocilayout("diff", OLD, greeter, "--files", "--json").json
    assert found["platforms"][0]["files"]
    every = documented("diff") | documented("inspect") | documented("ls --files")
    assert set(keys(found)) - every == set()


@pytest.mark.parametrize(
    ("section", "arguments"),
    [
        ("convert, merge, save, import, pull", ["convert", MULTI, "DST", "--compression", "zstd"]),
        ("convert, merge, save, import, pull", ["convert", MULTI, "DST", "--dry-run"]),
        ("export", ["export", MULTI, "DST"]),
        ("check", ["check", MULTI, "--for", "all"]),
    ],
)
def test_each_key_of_other_verbs_is_documented(
    ocilayout: CommandLine, tmp_path: Path, section: str, arguments: list[str | Path]
) -> None:
    arguments = [tmp_path / "out" if each == "DST" else each for each in arguments]
    found = set(keys(ocilayout(*arguments, "--json").json))
    every = set().union(*(documented(name) for name in (section, "ls")))
    assert found
    assert found - every - {"dry_run"} == set()


def test_each_verb_with_json_is_on_the_page(ocilayout: CommandLine) -> None:
    verbs = re.findall(r"[a-z-]+", " ".join(SECTIONS))
    listed = ocilayout.succeed("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    for verb in (line.split()[0] for line in listed.splitlines() if line[2:3] != " "):
        if "--json" in ocilayout.succeed(verb, "--help").out:
            assert verb in verbs
