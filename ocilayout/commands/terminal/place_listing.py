"""What ls lists: places, and of a directory of archives the places in it."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ocilayout import notices
from ocilayout.commands.terminal.printing import (
    counted,
    echo,
    echo_table,
    human_size,
    say_error,
)
from ocilayout.commands.terminal.reporting import damage_fields, image_fields, platforms_of
from ocilayout.damage import Damage, despite_damage
from ocilayout.description import Image, images_in, surveyed, total_size
from ocilayout.errors import NotAnImage, OciLayoutError
from ocilayout.protocols import ImageSource
from ocilayout.spec.documents import BUILD_CACHE
from ocilayout.stores import open_place
from ocilayout.stores.places import Place, parse_source
from ocilayout.transforms.select import select

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.registries.registry import Registries

MAX_NOTES = 20
"""Files of a directory that are told to hold no image."""

_DAMAGED = "damaged"
"""What stands in the place of the platforms of an image that cannot be read."""


class PlaceListing:
    """Lists places one after the other; errors are said, and the rest is listed all the same."""

    def __init__(
        self,
        platforms: tuple[Any, ...],
        follow_links: bool,
        scratch: "Path | None",
        registries: "Registries | None",
        as_json: bool,
    ) -> None:
        self._platforms = platforms
        self._follow_links = follow_links
        self._scratch = scratch
        self._registries = registries
        self._as_json = as_json
        self._places: list[Mapping[str, object]] = []
        self._others: list[Mapping[str, object]] = []
        self.failed = False
        """Whether a place could not be read."""

    @property
    def fields(self) -> Mapping[str, object]:
        """What was listed, as JSON."""
        return {"places": self._places, "others": self._others}

    def add(self, text: str) -> None:
        """List a place, or else the places in it."""
        try:
            self._add_place(text)
        except NotAnImage as error:
            if not _is_directory(text) or not self._add_entries(text):
                self._fail(str(error))
        except OciLayoutError as error:
            self._fail(str(error))

    def _fail(self, text: str) -> None:
        say_error(text)
        self.failed = True

    def _add_entries(self, directory: str) -> bool:
        """List the places in a directory; whether there was any, or one that cannot be read."""
        before, others, broken = len(self._places), [], False
        for path, mode in _entries(directory):
            try:
                self._add_entry(path, mode)
            except NotAnImage as error:
                others.append((path, mode, str(error)))
            except (OciLayoutError, OSError) as error:
                self._fail(
                    f"{path}: {error.strerror}" if isinstance(error, OSError) else str(error)
                )
                broken = True
        any_place = broken or len(self._places) > before
        self._others.extend({"place": path, "reason": reason} for path, _, reason in others)
        # Where nothing is an image, directories may lie there for any reason.
        said = [reason for _, mode, reason in others if any_place or stat.S_ISREG(mode)]
        for reason in said[:MAX_NOTES]:
            notices.note(reason)
        if len(said) > MAX_NOTES:
            notices.note(f"{directory}: {len(said) - MAX_NOTES:,} more without an image")
        return any_place

    def _add_entry(self, path: str, mode: int) -> None:
        # Whoever made a directory must not choose what else is read, or be waited for.
        if stat.S_ISLNK(mode):
            raise NotAnImage(f"{path} is a link, which is not followed from here", "name it alone")
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise NotAnImage(f"{path} is neither a file nor a directory")
        self._add_place(path)

    def _add_place(self, text: str) -> None:
        place = parse_source(text)
        if place.is_repository and not self._platforms:
            self._add_tags(place)
            return
        with open_place(
            text,
            scratch=self._scratch,
            registries=self._registries,
            follow_links=self._follow_links,
        ) as opened:
            (images, size), damage = despite_damage(opened.source, self._look)
        for image in images:
            if image.kind == "cache":
                called = ", ".join(image.names) or str(image.descriptor.digest)
                notices.note(f"{text}: {called} is {BUILD_CACHE}, no image")
        self._places.append(
            {
                "place": text,
                "dialect": opened.dialect,
                "total_size": size,
                "images": [image_fields(image) for image in images],
                "damaged": [damage_fields(found) for found in damage],
            }
        )
        for found in damage:
            notices.warn(f"{text}: {found.warning}")
        if not self._as_json:
            _echo_images(text, opened.dialect, images, size, damage)

    def _look(self, source: ImageSource) -> tuple[list[Image], int]:
        """The images of a source, of the platforms that were asked for, and the bytes of all."""
        selected = surveyed(select(source, platforms=self._platforms))
        if not self._platforms:
            return images_in(selected), total_size(selected)
        # Most are asked for without, and start-up counts.
        from ocilayout.transforms.resolve import originals, resolved

        chosen = originals(source, selected)
        single = resolved(selected, referrers=False)
        images = [
            image._replace(descriptor=chosen.get(image.descriptor.digest, image.descriptor))
            for image in images_in(single)
        ]
        return images, total_size(single)

    def _add_tags(self, place: Place) -> None:
        from ocilayout.registries.registry import shared_or_new
        from ocilayout.stores.registry import repository_of

        with shared_or_new(self._registries) as known:
            tags = list(repository_of(place, known).tags())
        self._places.append({"place": place.text, "dialect": "registry", "tags": tags})
        if not self._as_json:
            echo(f"{place.text}: registry, {counted(len(tags), 'tag')}")
            for tag in tags:
                echo(f"  {tag}")


def _is_directory(text: str) -> bool:
    """Whether a place is a directory as it stands, without a transport or a name."""
    place = parse_source(text)
    plain = (None, None, None)
    return (place.transport, place.name, place.digest) == plain and os.path.isdir(place.file or "")


def _entries(directory: str) -> Iterator[tuple[str, int]]:
    """The paths in a directory that are not hidden, sorted, and the mode of each."""
    for name in sorted(os.listdir(directory)):
        # The second is what a file system keeps for itself, and lets nobody read.
        if not name.startswith(".") and name != "lost+found":
            path = os.path.join(directory, name)
            yield path, os.lstat(path).st_mode


def _echo_images(
    place: str, dialect: str, images: list[Image], size: int, damage: Sequence[Damage]
) -> None:
    referrers = sum(image.refers_to is not None for image in images)
    words = counted(len(images) - referrers, "good image" if damage else "image")
    if referrers:
        words += f", {counted(referrers, 'referrer')}"
    if damage:
        words += f", {len(damage)} damaged"
    shares = len(images) > 1
    echo(f"{place}: {dialect}, {words}{f', {human_size(size)}' if shares else ''}")
    if not images:
        return
    # What would be free without it is a question only where something is shared.
    header = ("NAME", "PLATFORMS", "SIZE", *(("UNIQUE",) if shares else ()), "DIGEST")
    rows = [
        (
            name,
            platforms_of(image),
            human_size(image.size),
            *((human_size(image.unique_size),) if shares else ()),
            str(image.descriptor.digest),
        )
        for image in images
        for name in _names_in_list(image)
    ]
    rows += (
        (name, _DAMAGED, "-", *(("-",) if shares else ()), str(found.digest or "-"))
        for found in damage
        for name in found.names or ("-",)
    )
    echo_table(header, rows, indent="  ")


def _names_in_list(image: Image) -> list[str]:
    """The names of an image; those of a referrer are set in, as it stands below its image."""
    names = list(image.names or ([image.title] if image.title else ["-"]))
    return [f"  {name}" for name in names] if image.refers_to is not None else names
