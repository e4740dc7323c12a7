"""What differs between two images."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

FOUND = 3


@verb("ocilayout diff old.tar new.tar --platform linux/arm64 --files")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--files", is_flag=True, help="Read the layers, and compare file by file.")
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
    an index around a single image.
    """
    from ocilayout.commands.terminal.difference_fields import comparison_fields
    from ocilayout.commands.terminal.differences import comparison_lines
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo, echo_json
    from ocilayout.commands.terminal.progress import bar
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
        found = compare(
            one.source, other.source, platforms=platforms, files=files, on_bytes=on_bytes
        )
    if as_json:
        sides = [(before, one.dialect), (after, other.dialect)]
        echo_json(comparison_fields(found, sides))
    elif not quiet:
        for line in comparison_lines(found, before, after):
            echo(line)
    return FOUND if found.differs else 0
