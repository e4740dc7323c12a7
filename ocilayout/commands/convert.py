"""Any format to any other, several images into one place."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout convert buildx.tar loadable.tar --platform linux/amd64")
@click.argument("sources", nargs=-1, required=True, metavar="SRC...")
@click.argument("destination", metavar="DST")
@options.tag
@options.to
@options.engine
@options.referrers
@options.index
@options.follow_links
@options.writing
@registry
def command(
    sources: tuple[str, ...],
    destination: str,
    tags: tuple[str, ...],
    transport: str | None,
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Write the images of all SRC to DST, in its format.

    Names, digests and bytes stay as they are unless asked otherwise. A name ending in .tar is
    written so that every engine loads it (an OCI layout and a Docker archive in one); --for says
    which one has to.
    """
    from ocilayout.commands.terminal.deliveries import Delivery
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import opened, with_registry_referrers, write
    from ocilayout.stores.destination_blobs import destination_blobs
    from ocilayout.stores.places import parse_sources
    from ocilayout.transforms.combine import combine

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    target = Delivery.of(destination, transport, tags, wished)
    origins = parse_sources(sources, destination)
    with (
        registry.registries([*origins, target.place]) as registries,
        opened(origins, target, wished, registries) as found,
    ):
        there = destination_blobs(target.place, target.transport, registries)
        parts = [
            wished.prepared(with_registry_referrers(place.source, wished, registries), there)
            for place in found
        ]
        named = [place.source for place in found if place.place.states_tag]
        source = target.renamed(combine(parts, sources), named)
        write(wished.fitted(source), parts, target, wished, messages, registries)
