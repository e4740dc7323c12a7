"""What differs between two images."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocilayout.protocols import ImageSource
    from ocilayout.spec.platform import Platform
    from ocilayout.stores.places import Place

FOUND = 3


@verb("ocilayout diff old.tar new.tar --platform linux/arm64 --files")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--files", is_flag=True, help="Read the layers, and compare file by file.")
@click.option(
    "--exact",
    is_flag=True,
    help="Compare manifests byte for byte, also of engines and Docker archives.",
)
@options.platforms("Compare this platform (repeatable) and no others.")
@options.follow_links
@options.scratch
@options.as_json
@options.progress
@options.quiet
@registry
def command(
    before: str,
    after: str,
    files: bool,
    exact: bool,
    platforms: tuple[Any, ...],
    follow_links: bool,
    scratch: Path | None,
    as_json: bool,
    progress: str,
    quiet: bool,
    registry: RegistryWishes,
) -> int:
    """Say what differs between two images, down to their files.

    Platforms, configs, history and layers are compared, and with --files the files. The exit
    code is 3 where they differ. Names make no difference, nor does what attestations say, nor
    an index around a single image. Where one side is an engine, or a Docker archive without an
    OCI layout, images of one config are the same.
    """
    from ocilayout import notices
    from ocilayout.commands.terminal.difference_fields import comparison_fields
    from ocilayout.commands.terminal.differences import comparison_lines
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo, echo_json
    from ocilayout.commands.terminal.progress import bar
    from ocilayout.comparison.forms import form_words
    from ocilayout.comparison.images import compare
    from ocilayout.errors import UsageError
    from ocilayout.stores import open_place
    from ocilayout.stores.places import STANDARD_STREAMS, parse_source

    if before in STANDARD_STREAMS and after in STANDARD_STREAMS:
        raise UsageError("- can be one place only")
    listen(quiet)
    places = [parse_source(before), parse_source(after)]
    opened = partial(open_place, scratch=scratch, follow_links=follow_links)
    with (
        registry.registries(places) as registries,
        opened(places[0], registries=registries) as one,
        opened(places[1], registries=registries) as other,
        bar(None, progress, quiet or not files) as on_bytes,
    ):
        sides = list(zip(places, (one.source, other.source), strict=True))
        by_config = not exact and any(_has_form_of_its_own(*side) for side in sides)
        found = compare(
            one.source,
            other.source,
            platforms=platforms or _platforms_of_engine(sides),
            files=files,
            by_config=by_config,
            on_bytes=on_bytes,
        )
    if as_json:
        dialects = [(before, one.dialect), (after, other.dialect)]
        echo_json(comparison_fields(found, dialects))
    elif not quiet:
        for words in form_words(found.platforms):
            notices.note(words)
        for line in comparison_lines(found, before, after):
            echo(line)
    return FOUND if found.differs else 0


def _has_form_of_its_own(place: "Place", source: "ImageSource") -> bool:
    """Whether a place keeps configs, and makes manifests anew: an engine, a Docker archive."""
    from ocilayout.comparison.forms import has_made_manifests

    return place.is_engine or has_made_manifests(source)


def _platforms_of_engine(sides: "Sequence[tuple[Place, ImageSource]]") -> "tuple[Platform, ...]":
    """The platforms that are compared with an engine, which may hold one of several.

    Empty where both places are engines or none is, and where nothing of the image is left out.
    """
    from ocilayout import notices
    from ocilayout.comparison.forms import platforms_held

    engines = [place for place, _ in sides if place.is_engine]
    if len(engines) != 1:
        return ()
    ((held, others),) = [
        (platforms_held(one), platforms_held(other))
        for (place, one), (_, other) in (sides, sides[::-1])
        if place.is_engine
    ]
    missing = [each for each in others if not any(each.fits(platform) for platform in held)]
    if not held or len(missing) == len(others):
        return ()
    if missing:
        notices.note(
            f"{engines[0].text} holds {', '.join(map(str, held))} alone: not compared are "
            f"{', '.join(map(str, missing))}"
        )
    return held if missing else ()
