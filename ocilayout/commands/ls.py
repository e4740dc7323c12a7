"""What is in a place."""

from pathlib import Path

import click

from ocilayout.commands.terminal import options


@click.command(epilog="Example: ocilayout ls app.tar layout/ other.tar.gz", no_args_is_help=True)
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@options.scratch
@options.as_json
@options.quiet
def command(places: tuple[str, ...], scratch: Path | None, as_json: bool, quiet: bool) -> None:
    """List the images in each PLACE: names, platforms, size and digest."""
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo, echo_json, echo_table, human_size
    from ocilayout.commands.terminal.reporting import image_fields
    from ocilayout.description import images_in
    from ocilayout.stores import open_place

    listen(quiet)
    listed = []
    for text in places:
        with open_place(text, scratch=scratch) as opened:
            images = images_in(opened.source)
        listed.append(
            {
                "place": text,
                "dialect": opened.dialect,
                "images": [image_fields(image) for image in images],
            }
        )
        if as_json:
            continue
        echo(f"{text}: {opened.dialect}, {len(images)} image{'' if len(images) == 1 else 's'}")
        if images:
            rows = [
                (
                    name,
                    ",".join(map(str, image.platforms)) or image.kind,
                    human_size(image.size),
                    str(image.descriptor.digest),
                )
                for image in images
                for name in image.names or ("-",)
            ]
            echo_table(("NAME", "PLATFORMS", "SIZE", "DIGEST"), rows, indent="  ")
    if as_json:
        echo_json({"places": listed})
