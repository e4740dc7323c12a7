"""Into a registry, whole: blobs first, then documents, then names."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout push app.tar db.tar docker://registry.example/project/")
@click.argument("sources", nargs=-1, required=True, metavar="SRC...")
@click.argument("destination", metavar="DEST")
@click.option("--all-tags", is_flag=True, help="All images of SRC, each under its own tags.")
@options.tag
@options.referrers
@options.index
@options.follow_links
@options.sending
@registry
def command(
    sources: tuple[str, ...],
    destination: str,
    all_tags: bool,
    tags: tuple[str, ...],
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Push images to a registry.

    DEST is HOST/REPOSITORY[:TAG] for one image, or HOST/PROJECT/ with a slash at its end, below
    which all images keep their names. What the registry has already is not sent again.
    """
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.commands.terminal.pushing import Destination, labels_of
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import opened, with_registry_referrers, written
    from ocilayout.stores.destination_blobs import destination_blobs
    from ocilayout.stores.places import parse_sources
    from ocilayout.stores.registry import NAME
    from ocilayout.stores.registry_words import refuse_swapped
    from ocilayout.transforms.combine import combine
    from ocilayout.transforms.repositories import without_referrers

    wished = Wishes(force=False, link=False, **wishes).checked()
    messages = listen(wished.quiet)
    refuse_swapped("push", destination, sources[0])
    target = Destination.parse(destination, tags, all_tags)
    origins = parse_sources(sources, destination)
    reports = []
    with (
        registry.registries([*origins, target.place]) as registries,
        opened(origins, target.whole, wished, registries) as found,
    ):
        listed = [
            place.source if wished.referrers else without_referrers(place.source) for place in found
        ]
        # Below a prefix each image goes to a repository of its own.
        is_one = target.prefix is None
        there = destination_blobs(target.place, NAME, registries) if is_one else None
        parts = [
            wished.prepared(with_registry_referrers(source, wished, registries), there)
            for source in listed
        ]
        named = [place.source for place in found if place.place.states_tag]
        source = combine(parts, sources)
        for delivery, images in target.deliveries(source, named, labels_of(origins, parts)):
            reports.append(written(images, parts, delivery, wished, messages, registries))
    if wished.as_json:
        echo_json({"pushed": reports})
