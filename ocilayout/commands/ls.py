"""What is in a place."""

from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.description import Image
    from ocilayout.registries.registry import Registries
    from ocilayout.stores.places import Place


@verb("ocilayout ls app.tar layout/ other.tar.gz")
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@click.option("--files", is_flag=True, help="List the files of the images instead.")
@options.platform
@options.scratch
@options.as_json
@options.quiet
@registry
def command(
    places: tuple[str, ...],
    files: bool,
    platforms: tuple[Any, ...],
    scratch: "Path | None",
    as_json: bool,
    quiet: bool,
    registry: RegistryWishes,
) -> int:
    """List the images in each PLACE, or their files.

    Names, platforms, size and digest of each; with --files the files of all layers together. Of
    a repository in a registry, as docker://HOST/REPOSITORY, the tags are listed.
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
            _list_files(places, platforms, scratch, as_json, registries)
            return 0
        return _list_images(places, platforms, scratch, as_json, registries)


def _list_files(
    places: tuple[str, ...],
    platforms: tuple[Any, ...],
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
        with open_place(text, scratch=scratch, registries=registries) as opened:
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
    scratch: "Path | None",
    as_json: bool,
    registries: "Registries | None",
) -> int:
    from ocilayout.commands.terminal.printing import echo_json, say_error
    from ocilayout.commands.terminal.reporting import image_fields
    from ocilayout.description import images_in, surveyed, total_size
    from ocilayout.errors import OciLayoutError
    from ocilayout.stores import open_place
    from ocilayout.stores.places import parse_source
    from ocilayout.transforms.select import select

    listed = []
    failed = False
    for text in places:
        try:
            place = parse_source(text)
            if place.is_repository and not platforms:
                listed.append(_list_tags(place, registries, as_json))
                continue
            with open_place(text, scratch=scratch, registries=registries) as opened:
                source = surveyed(select(opened.source, platforms=platforms))
                made_from = {}
                if platforms:
                    # Most are asked for without, and start-up counts.
                    from ocilayout.transforms.resolve import originals, resolved

                    made_from = originals(opened.source, source)
                    source = resolved(source, referrers=False)
                size = total_size(source)
                images = [
                    image._replace(
                        descriptor=made_from.get(image.descriptor.digest, image.descriptor)
                    )
                    for image in images_in(source)
                ]
        except OciLayoutError as error:
            # As ls does: the others are listed all the same.
            say_error(str(error))
            failed = True
            continue
        listed.append(
            {
                "place": text,
                "dialect": opened.dialect,
                "total_size": size,
                "images": [image_fields(image) for image in images],
            }
        )
        if not as_json:
            _echo_images(text, opened.dialect, images, size)
    if as_json:
        echo_json({"places": listed})
    return 1 if failed else 0


def _list_tags(place: "Place", registries: "Registries | None", as_json: bool) -> dict[str, object]:
    from ocilayout.commands.terminal.printing import counted, echo
    from ocilayout.registries.registry import shared_or_new
    from ocilayout.stores.registry import repository_of

    with shared_or_new(registries) as known:
        tags = list(repository_of(place, known).tags())
    if not as_json:
        echo(f"{place.text}: registry, {counted(len(tags), 'tag')}")
        for tag in tags:
            echo(f"  {tag}")
    return {"place": place.text, "dialect": "registry", "tags": tags}


def _echo_images(place: str, dialect: str, images: "list[Image]", size: int) -> None:
    from ocilayout.commands.terminal.printing import counted, echo, echo_table, human_size
    from ocilayout.commands.terminal.reporting import platforms_of

    words = counted(len(images), "image")
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
        for name in image.names or ("-",)
    ]
    echo_table(header, rows, indent="  ")
