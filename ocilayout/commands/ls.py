"""What is in a place."""

from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.registries.registry import Registries


@verb("ocilayout ls app.tar layout/ other.tar.gz")
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@click.option("--files", is_flag=True, help="List the files of the images instead.")
@options.platform
@options.follow_links
@options.scratch
@options.as_json
@options.quiet
@registry
def command(
    places: tuple[str, ...],
    files: bool,
    platforms: tuple[Any, ...],
    follow_links: bool,
    scratch: "Path | None",
    as_json: bool,
    quiet: bool,
    registry: RegistryWishes,
) -> int:
    """List the images in each PLACE, or their files.

    Names, platforms, size and digest of each; with --files the files of all layers together. Of
    a directory that is no image, the images in its files are listed; of a repository in a
    registry, as docker://HOST/REPOSITORY, the tags.
    """
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.errors import UsageError
    from ocilayout.stores.places import STANDARD_STREAMS, parse_source

    if sum(place in STANDARD_STREAMS for place in places) > 1:
        raise UsageError("- can be one place only")
    listen(quiet)
    remote = [parse_source(text) for text in places if text.startswith("docker://")]
    with registry.registries(remote) as registries:
        if files:
            _list_files(places, platforms, follow_links, scratch, as_json, registries)
            return 0
        return _list_images(places, platforms, follow_links, scratch, as_json, registries)


def _list_files(
    places: tuple[str, ...],
    platforms: tuple[Any, ...],
    follow_links: bool,
    scratch: "Path | None",
    as_json: bool,
    registries: "Registries | None",
) -> None:
    from ocilayout.commands.terminal.file_listing import file_fields, file_lines
    from ocilayout.commands.terminal.printing import echo, echo_json
    from ocilayout.rootfs.export import images_of
    from ocilayout.rootfs.flatten import flatten
    from ocilayout.stores import open_place
    from ocilayout.transforms.select import select

    listed: list[dict[str, object]] = []
    lines: list[str] = []
    for text in places:
        with open_place(
            text, scratch=scratch, registries=registries, follow_links=follow_links
        ) as opened:
            source = select(opened.source, platforms=platforms)
            images = images_of(source)
            for descriptor, platform, manifest in images:
                root = flatten(source, manifest).tree.root
                head = {"place": text, "digest": str(descriptor.digest), "platform": str(platform)}
                if as_json:
                    listed.append({**head, "files": list(file_fields(root))})
                    continue
                if len(places) > 1 or len(images) > 1:
                    lines.append(" ".join(head.values()))
                lines.extend(file_lines(root))
    if as_json:
        echo_json({"images": listed})
    # Said only now: what is damaged further down must not leave half a list.
    for line in lines:
        echo(line)


def _list_images(
    places: tuple[str, ...],
    platforms: tuple[Any, ...],
    follow_links: bool,
    scratch: "Path | None",
    as_json: bool,
    registries: "Registries | None",
) -> int:
    from ocilayout.commands.terminal.place_listing import PlaceListing
    from ocilayout.commands.terminal.printing import echo_json

    listing = PlaceListing(platforms, follow_links, scratch, registries, as_json)
    for text in places:
        listing.add(text)
    if as_json:
        echo_json(listing.fields)
    return 1 if listing.failed else 0
