"""Out of a registry, into any place."""

from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from ocilayout.protocols import ImageSource
    from ocilayout.registries.registry import Registries
    from ocilayout.stores.places import Place


@verb("ocilayout pull registry.example/app:1 alpine:3.20 oci:layout")
@click.argument("references", nargs=-1, required=True, metavar="REF...")
@click.argument("destination", metavar="DST")
@click.option("--all-tags", is_flag=True, help="All tags of each repository REF.")
@options.tag
@options.to
@options.engine
@options.referrers
@options.writing
@registry
def command(
    references: tuple[str, ...],
    destination: str,
    all_tags: bool,
    tags: tuple[str, ...],
    transport: str | None,
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Pull images from a registry to DST, in its format.

    REF is [HOST/]REPOSITORY[:TAG][@DIGEST]. All platforms come, unless --platform keeps some.
    Every byte is verified, and what DST has already is not fetched again.
    """
    from ocilayout.commands.terminal.deliveries import Delivery
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import with_registry_referrers, write
    from ocilayout.stores.registry_words import place_in_registry, refuse_swapped
    from ocilayout.transforms.combine import combine

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    for text in references:
        refuse_swapped("pull", text, destination)
    places = [place_in_registry(text) for text in references]
    target = Delivery.of(destination, transport, tags, wished)
    with registry.registries([*places, target.place]) as registries:
        assert registries is not None
        found = [_source(place, registries, all_tags, wished.referrers) for place in places]
        parts = [
            wished.prepared(with_registry_referrers(source, wished, registries)) for source in found
        ]
        named = [source for place, source in zip(places, found, strict=True) if place.states_tag]
        source = target.renamed(combine(parts, references), named)
        write(wished.fitted(source), parts, target, wished, messages, registries)


def _source(
    place: "Place", registries: "Registries", all_tags: bool, referrers: bool
) -> "ImageSource":
    from ocilayout.errors import UsageError
    from ocilayout.stores.registry import all_images_at, image_at

    if not all_tags:
        return image_at(place, registries)
    if not place.is_repository:
        raise UsageError(f"{place.text} names one image: --all-tags wants HOST/REPOSITORY alone")
    return all_images_at(place, registries, referrers=referrers)
