"""Each image file converted once to each format, for all the tests that look at the result."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.real.artefacts import reading
from tests.real.command_line import Done, assert_refused, ocilayout
from tests.real.readers import Image, Reading, Saved, read

FORMS = ("oci", "oci-archive", "docker-archive")


@dataclass(frozen=True)
class Converted:
    place: str
    """As one types it: `oci:/folder`."""
    done: Done

    @property
    def path(self) -> Path:
        return Path(self.place.partition(":")[2])

    @cached_property
    def reading(self) -> Reading:
        return read(self.path)


class Conversions:
    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self.folders = folders
        self.made: dict[tuple[Path, str], Converted | None] = {}

    def get(self, image_file: Path, form: str) -> Converted | None:
        """None where there is no such form of it, and the program has said so."""
        if (image_file, form) not in self.made:
            self.made[image_file, form] = self._make(image_file, form)
        return self.made[image_file, form]

    def _make(self, image_file: Path, form: str) -> Converted | None:
        origin = reading(image_file)
        place = f"{form}:{self.folders.mktemp('converted') / output_name(form)}"
        done = ocilayout("convert", image_file, place, *sparse_options(origin))
        if form == "docker-archive" and not origin.images:
            assert_refused(done)
            return None
        assert done.returncode == 0, done.stderr
        return Converted(place, done)


def output_name(form: str) -> str:
    return "image" if form in ("oci", "dir") else "image.tar"


def own_form(origin: Reading) -> str:
    """The format that an image file came in."""
    if origin.dialect == "layout":
        return "oci" if origin.path.is_dir() else "oci-archive"
    return "dir" if origin.dialect == "dir" else "docker-archive"


def sparse_options(origin: Reading) -> list[str]:
    return ["--missing", "keep"] if origin.missing else []


def preferred(images: tuple[Image, ...]) -> Image:
    """The one of several platforms that manifest.json names."""
    return next((image for image in images if image.platform == "linux/amd64"), images[0])


def expected_tags(origin: Reading) -> dict[str, str]:
    """For each name that a Docker archive can carry, the image id behind it."""
    if not origin.entries:
        return tags(origin.saved)
    return {
        name: preferred(entry.images).config
        for entry in origin.entries
        if entry.images
        for name in entry.names
        if "/" in name
    }


def tags(saved: tuple[Saved, ...]) -> dict[str, str]:
    return {tag: item.config for item in saved for tag in item.repo_tags}
