"""Where the result of a verb goes, and under which names."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ocilayout.commands.terminal.wishes import Wishes
from ocilayout.errors import DestinationExists, UsageError
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed
from ocilayout.spec.names import names_of, reference_of, tag_of
from ocilayout.spec.reference import Reference
from ocilayout.spooling import scratch_folder
from ocilayout.stores import destination_transport
from ocilayout.stores.places import Place, parse_destination
from ocilayout.stores.stated_names import checked_image_name, checked_name
from ocilayout.transforms.rename import rename


class Delivery(NamedTuple):
    """Where the result goes."""

    place: Place
    transport: str
    names: tuple[str, ...]

    @classmethod
    def of(
        cls, text: str, transport: str | None, tags: Sequence[str], wishes: Wishes
    ) -> "Delivery":
        """The delivery that the command line names; raises UsageError."""
        place = parse_destination(text)
        if place.is_stream:
            if wishes.as_json:
                raise UsageError("- and --json both want standard output: choose one")
            if sys.stdout is None or sys.stdout.isatty():
                raise UsageError("standard output is a terminal: redirect it, or name a file")
        found = destination_transport(place, transport)
        if place.is_registry:
            names = names_in_repository(place, tags)
        else:
            stated = () if place.name is None else (place.name,)
            is_docker = place.is_engine or found == "docker-archive"
            checked = checked_image_name if is_docker else checked_name
            names = [checked(name) for name in (*stated, *tags)]
        wishes.check_target(place, found)
        return cls(place, found, tuple(dict.fromkeys(names)))

    def names_of(self, named: Iterable[ImageSource]) -> tuple[str, ...]:
        """The names of the result; none where it keeps its own.

        In a repository an image needs a tag. Where none is stated it is the tag by which its
        source was picked (`named` are the sources that were), and else `latest`.
        """
        if self.names or not self.place.is_registry:
            return self.names
        tags = {
            tag_of(name)
            for source in named
            for image in images_listed(source)
            for name in names_of(image)
        }
        if len(tags) != 1:
            return (str(self.place.reference),)
        return (str(in_repository(tags.pop(), self.place.reference)),)

    def renamed(self, source: ImageSource, named: Iterable[ImageSource] = ()) -> ImageSource:
        """The source under the names that its result is to have; raises UsageError."""
        names = self.names_of(named)
        return rename(source, names) if names else source

    def refuse_overlap(self, source: Place) -> None:
        """Raises DestinationExists where a source would be written over, or into."""
        refuse_overlap(source.path, self.place.path, adds=self.transport == "oci")

    @property
    def scratch(self) -> Path:
        """The folder beside the output, which has room for it if any has."""
        if self.place.path is None:
            return scratch_folder()
        return next(folder for folder in self.place.path.absolute().parents if folder.is_dir())


def refuse_overlap(source: Path | None, target: Path | None, *, adds: bool = False) -> None:
    """Raises DestinationExists where what is read would be written over, or into.

    `adds` says that a folder is added to; then it may be the source too. None is a stream.
    """
    if source is None or target is None:
        return
    here, there = source.resolve(), target.resolve()
    if here == there and not (adds and here.is_dir()):
        raise DestinationExists(f"{source} is source and destination: name another file")
    if here != there and there.is_relative_to(here):
        raise DestinationExists(f"{target} lies in {source}, which is read")


def names_in_repository(place: Place, tags: Sequence[str]) -> list[str]:
    """The names that a destination in a registry and --tag state; none where both state none."""
    stated = [place.reference] if place.has_tag else []
    return [str(name) for name in (*stated, *(in_repository(tag, place.reference) for tag in tags))]


def in_repository(tag: str, repository: Reference) -> Reference:
    """A further name of an image that is pushed: a tag, or a full name of the same repository."""
    name = checked_image_name(tag)
    reference = reference_of(name) or Reference(repository.domain, repository.path, name)
    if (reference.domain, reference.path) != (repository.domain, repository.path):
        raise UsageError(
            f"--tag {tag} is not in {repository.domain}/{repository.path}, which is pushed to: "
            "write the tag alone"
        )
    return reference
