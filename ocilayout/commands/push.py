"""Into a registry, whole: blobs first, then documents, then names."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout push app.tar db.tar docker://registry.example/project/")
@click.argument("places", nargs=-1, required=True, metavar="SRC... DEST")
@click.option("--all-tags", is_flag=True, help="All images of SRC, each under its own tags.")
@click.option("--referrers", is_flag=True, help="Signatures, SBOMs and all else that refers to it.")
@options.tag
@options.sending
@registry
def command(
    places: tuple[str, ...],
    all_tags: bool,
    referrers: bool,
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
    from ocilayout.commands.terminal.pushing import Destination
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import opened, written
    from ocilayout.stores.places import parse_source
    from ocilayout.stores.registry_referrers import with_referrers
    from ocilayout.transforms.combine import combine
    from ocilayout.transforms.repositories import without_referrers

    *sources, text = places
    if not sources:
        raise click.UsageError("DEST is missing: write SRC... DEST")
    wished = Wishes(force=False, link=False, **wishes).checked()
    messages = listen(wished.quiet)
    destination = Destination.parse(text, tags, all_tags)
    origins = [parse_source(source) for source in sources]
    reports = []
    with (
        registry.registries([*origins, destination.place]) as registries,
        opened(origins, destination.target, wished, registries) as found,
    ):
        with_what = with_referrers if referrers else without_referrers
        parts = [wished.prepared(with_what(place.source)) for place in found]
        for target, source in destination.deliveries(combine(parts)):
            reports.append(written(source, parts, target, wished, messages, registries))
    if wished.as_json:
        echo_json({"pushed": reports})
