"""Round trips of whole image files, judged by a reader that shares no code with the package.

They run over `samples/`, or over the folder that `--corpus` names.
"""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.real.artefacts import reading
from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.conversions import (
    Conversions,
    expected_tags,
    output_name,
    own_form,
    sparse_options,
    tags,
)
from tests.real.readers import Entry, Reading, normal_platform, read


def picks(origin: Reading) -> list[tuple[str, Entry | None]]:
    """What follows the path to pick one image after the other, by name or else by digest."""
    if origin.dialect == "dir":
        return [("", origin.entries[0])]
    if origin.entries:
        return [
            (f":{min(entry.names)}" if entry.names else f"@{entry.digest}", entry)
            for entry in origin.entries
        ]
    return [(f":{min(item.repo_tags)}" if item.repo_tags else "", None) for item in origin.saved]


def by_digest(origin: Reading) -> dict[str, frozenset[str]]:
    return {entry.digest: entry.names for entry in origin.entries}


def listed(image_file: Path) -> list[dict[str, Any]]:
    [place] = json.loads(succeed("ls", "--json", image_file))["places"]
    images: list[dict[str, Any]] = place["images"]
    return images


def test_ls_lists_every_image(image_file: Path) -> None:
    origin, images = reading(image_file), listed(image_file)
    assert {name for image in images for name in image["names"]} == {
        name for entry in origin.entries for name in entry.names
    } | {name for item in origin.saved for name in item.repo_tags}
    if origin.entries:
        assert {image["digest"] for image in images} == set(by_digest(origin))
    assert len(images) == len(origin.entries or origin.saved)


def test_ls_says_the_platforms(image_file: Path) -> None:
    origin = reading(image_file)
    found = {
        (min(image["names"], default=""), normal_platform(platform))
        for image in listed(image_file)
        for platform in image["platforms"]
    }
    if not origin.entries:
        assert found == {(min(item.repo_tags, default=""), item.platform) for item in origin.saved}
    elif not origin.missing:
        assert found == {
            (min(entry.names, default=""), image.platform)
            for entry in origin.entries
            for image in entry.images
        }


def test_inspect_shows_the_tree(image_file: Path) -> None:
    origin = reading(image_file)
    for suffix, entry in picks(origin):
        tree = succeed("inspect", f"{image_file}{suffix}")
        for image in entry.images if entry else ():
            assert image.platform.split("/")[1] in tree
        json.loads(succeed("inspect", "--json", f"{image_file}{suffix}"))


def test_inspect_prints_the_exact_manifest(image_file: Path) -> None:
    for suffix, entry in picks(reading(image_file)):
        raw = printed("inspect", "--raw", f"{image_file}{suffix}")
        if entry:
            assert f"sha256:{hashlib.sha256(raw).hexdigest()}" == entry.digest
        else:
            assert json.loads(raw)["schemaVersion"] == 2


def test_inspect_prints_the_exact_config(image_file: Path) -> None:
    origin = reading(image_file)
    for suffix, entry in picks(origin):
        for platform, config in configs(origin, suffix, entry):
            place = f"{image_file}{suffix}"
            raw = printed("inspect", "--config", "--platform", platform, place)
            assert f"sha256:{hashlib.sha256(raw).hexdigest()}" == config


def printed(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "ocilayout", *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def configs(origin: Reading, suffix: str, entry: Entry | None) -> list[tuple[str, str]]:
    if entry:
        return [(image.platform, image.config) for image in entry.images]
    return [
        (item.platform, item.config)
        for item in origin.saved
        if not suffix or suffix.removeprefix(":") in item.repo_tags
    ]


def test_a_conversion_keeps_images_and_names(
    image_file: Path, form: str, conversions: Conversions
) -> None:
    origin, result = reading(image_file), conversions.get(image_file, form)
    if result is None:
        return
    assert result.reading.images == origin.images
    assert result.reading.names == origin.names
    assert result.reading.missing == origin.missing


def test_a_conversion_keeps_every_digest_of_an_oci_image(
    image_file: Path, form: str, conversions: Conversions
) -> None:
    origin, result = reading(image_file), conversions.get(image_file, form)
    if result is None or not origin.entries:
        return
    assert by_digest(result.reading) == by_digest(origin)
    assert {other for entry in result.reading.entries for other in entry.others} == {
        other for entry in origin.entries for other in entry.others
    }


def test_an_old_docker_archive_gets_compressed_layers_only_outside_docker_archives(
    image_file: Path, form: str, conversions: Conversions
) -> None:
    origin, result = reading(image_file), conversions.get(image_file, form)
    if result is None or origin.entries:
        return
    before = {codec for item in origin.saved for codec in item.codecs}
    after = {
        codec
        for entry in result.reading.entries
        for image in entry.images
        for codec in image.codecs
    }
    if form == "docker-archive":
        assert after == before
    else:
        assert after == {"gzip" if codec == "none" else codec for codec in before}


def test_a_docker_archive_is_one_for_engines_that_know_no_oci(
    image_file: Path, conversions: Conversions
) -> None:
    origin, result = reading(image_file), conversions.get(image_file, "docker-archive")
    if result is None:
        return
    assert result.reading.dialect == "hybrid"
    assert tags(result.reading.saved) == expected_tags(origin)
    assert {(item.config, item.diff_ids) for item in result.reading.saved} <= origin.images


def test_a_docker_archive_of_bare_tags_says_that_it_has_no_name_for_them(
    image_file: Path, conversions: Conversions
) -> None:
    origin, result = reading(image_file), conversions.get(image_file, "docker-archive")
    without_full_name = [
        entry
        for entry in origin.entries
        if entry.images and not any("/" in name for name in entry.names)
    ]
    if result is not None:
        untagged = [] if origin.entries else [item for item in origin.saved if not item.repo_tags]
        assert ("--tag" in result.done.stderr) == bool(without_full_name or untagged)


def test_an_oci_archive_has_no_docker_half(image_file: Path, conversions: Conversions) -> None:
    for form in ("oci", "oci-archive"):
        result = conversions.get(image_file, form)
        assert result is not None
        assert result.reading.dialect == "layout"


def test_a_conversion_there_and_back_changes_nothing(
    image_file: Path, form: str, conversions: Conversions, tmp_path: Path
) -> None:
    origin, there = reading(image_file), conversions.get(image_file, form)
    if there is None:
        return
    back = own_form(origin)
    place = tmp_path / output_name(back)
    succeed("convert", there.path, f"{back}:{place}", *sparse_options(origin))
    result = read(place)
    assert result.images == origin.images
    assert result.names == origin.names
    if origin.entries:
        assert by_digest(result) == by_digest(origin)


@pytest.mark.parametrize("archive", ["oci-archive", "docker-archive"])
def test_a_second_conversion_makes_the_same_bytes(
    image_file: Path, archive: str, conversions: Conversions, tmp_path: Path
) -> None:
    first = conversions.get(image_file, archive)
    if first is None:
        return
    second = tmp_path / "image.tar"
    options = [*sparse_options(reading(image_file)), "--jobs", "1", "--quiet"]
    subprocess.run(
        [sys.executable, "-m", "ocilayout", "convert", image_file, f"{archive}:{second}", *options],
        check=True,
        umask=0o077,
        env={**os.environ, "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"},
    )
    assert second.read_bytes() == first.path.read_bytes()


def test_a_root_file_system_is_no_image(rootfs_file: Path, tmp_path: Path) -> None:
    assert_refused(ocilayout("ls", rootfs_file), rootfs_file.name)
    assert_refused(ocilayout("convert", rootfs_file, f"oci:{tmp_path / 'out'}"), rootfs_file.name)
    assert list(tmp_path.iterdir()) == []
