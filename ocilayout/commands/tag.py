"""More names for an image, in place."""

import os
from typing import TYPE_CHECKING

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from ocilayout.stores.places import Place


@verb("ocilayout tag app.tar:1.0 registry.example/app:1.0 app:latest")
@click.argument("place", metavar="PLACE")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@options.editing
def command(
    place: str,
    names: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    lock_timeout: float,
    quiet: bool,
) -> None:
    """Give an image more names, in place.

    PLACE has to pick one image. A name that another image of PLACE has moves. No layer is read:
    of a layout index.json alone is written, a tar is copied beside itself by the kernel and
    renamed.
    """
    from ocilayout import pick
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo, echo_json
    from ocilayout.protocols import ImageSource
    from ocilayout.spec.names import names_of
    from ocilayout.stores.in_place import edited_in_place
    from ocilayout.stores.stated_names import checked_name
    from ocilayout.transforms.tag import tag

    messages = listen(quiet)
    found = _parsed(place, names)
    _refuse_paths(found, names)
    new = [checked_name(name) for name in names]

    def transform(source: ImageSource, label: str) -> ImageSource:
        image = pick.target(source, found.name, found.digest, label).image
        return tag(source, image, new)

    with edited_in_place(found, transform, lock_timeout=lock_timeout, dry_run=dry_run) as done:
        listed = [
            {"name": name, "digest": str(entry.digest)}
            for entry in done.source.index.children
            for name in names_of(entry)
            if name in new
        ]
    if as_json:
        said = {"warnings": messages.warnings, "notes": messages.notes}
        echo_json({"place": place, "dry_run": dry_run, "tagged": listed, **said})
    elif not quiet:
        for item in listed:
            echo(f"{item['name']} {'would be ' if dry_run else ''}{item['digest']}")


def _parsed(place: str, names: tuple[str, ...]) -> "Place":
    from ocilayout.errors import PlaceNotFound
    from ocilayout.stores.places import parse_source

    try:
        return parse_source(place)
    except PlaceNotFound as error:
        file = next((name for name in names if os.path.lexists(name)), None)
        remedy = f"PLACE comes first, as in ocilayout tag {file} {place}" if file else ""
        raise PlaceNotFound(error.text, remedy) from None


def _refuse_paths(place: "Place", names: tuple[str, ...]) -> None:
    """Who knows `docker tag SOURCE TARGET` may write the file once more in front of the name."""
    from ocilayout.errors import UsageError

    if place.file is None or not os.path.isfile(place.file):
        return
    for name in names:
        alone = name.removeprefix(f"{place.file}:")
        if alone != name:
            raise UsageError(f"{name!r} is a place, not a name: write the name alone: {alone}")
