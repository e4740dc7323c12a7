"""Any format to any other, several images into one place."""

from typing import Any

import click

from ocilayout.commands.terminal import options


@click.command(
    epilog="Example: ocilayout convert buildx.tar loadable.tar --platform linux/amd64",
    no_args_is_help=True,
)
@click.argument("sources", nargs=-1, required=True, metavar="SRC...")
@click.argument("destination", metavar="DST")
@options.tag
@options.to
@options.engine
@options.writing
def command(
    sources: tuple[str, ...],
    destination: str,
    tags: tuple[str, ...],
    transport: str | None,
    **wishes: Any,
) -> None:
    """Write the images of all SRC to DST, in its format.

    Names, digests and bytes stay as they are unless asked otherwise. A name ending in .tar is
    written so that every engine loads it (an OCI layout and a Docker archive in one); --for says
    which one has to.
    """
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.writing import Target, Wishes, opened, write
    from ocilayout.transforms.combine import combine
    from ocilayout.transforms.rename import rename

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    target = Target.of(destination, transport, tags, wished)
    with opened(sources, target, wished) as places:
        origins = [place.source for place in places]
        source = combine([wished.prepared(origin) for origin in origins])
        if target.names:
            source = rename(source, target.names)
        write(wished.fitted(source), origins, target, wished, messages)
