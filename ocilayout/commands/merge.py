"""Single-platform images, in any mixture of formats, into one multi-platform image."""

from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from ocilayout.protocols import ImageSource
    from ocilayout.spec.platform import Platform


@verb("ocilayout merge amd64.tar arm64-layout/ armv7.tar.gz -o app.tar -t app:1.0")
@click.argument("sources", nargs=-1, required=True, metavar="SRC...")
@click.option("-o", "--output", "destination", required=True, metavar="DST", help="Where to.")
@options.tag
@options.to
@click.option(
    "--set-platform",
    "overrides",
    multiple=True,
    metavar="SRC=OS/ARCH",
    help="The platform of a source that says none, or a wrong one (repeatable).",
)
@click.option("--replace", is_flag=True, help="Let the last of two images for one platform win.")
@options.referrers
@options.follow_links
@options.writing
@registry
def command(
    sources: tuple[str, ...],
    destination: str,
    tags: tuple[str, ...],
    transport: str | None,
    overrides: tuple[str, ...],
    replace: bool,
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Make one multi-platform image of all SRC.

    It is written to DST, in its format. Sources with several platforms give them all, and
    attestations stay with their images.
    """
    from ocilayout import notices
    from ocilayout.commands.terminal.deliveries import Delivery
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import opened, with_registry_referrers, write
    from ocilayout.spec.names import names_of
    from ocilayout.stores.destination_blobs import destination_blobs
    from ocilayout.stores.places import parse_sources
    from ocilayout.transforms.merge import merge

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    target = Delivery.of(destination, transport, tags, wished)
    platforms = _platforms(sources, overrides)
    origins = parse_sources(sources, destination)
    with (
        registry.registries([*origins, target.place]) as registries,
        opened(origins, target, wished, registries) as places,
    ):
        chosen = _chosen(
            [(text, place.source) for text, place in zip(sources, places, strict=True)],
            platforms,
            wished.platforms,
        )
        whole = wished._replace(platforms=())
        there = destination_blobs(target.place, target.transport, registries)
        parts = [
            whole.prepared(with_registry_referrers(source, whole, registries), there)
            for _, source in chosen
        ]
        source = merge(
            parts,
            target.names_of(place.source for place in places if place.place.states_tag),
            labels=[text for text, _ in chosen],
            platforms=[platforms.get(text) for text, _ in chosen],
            replace=replace,
        )
        if not any(map(names_of, source.index.children)):
            notices.warn("the result has no name: --tag NAME gives it one")
        write(source, parts, target, wished, messages, registries)


def _chosen(
    sources: "list[tuple[str, ImageSource]]",
    overrides: "dict[str, Platform]",
    wanted: "tuple[Platform, ...]",
) -> "list[tuple[str, ImageSource]]":
    """The sources that have one of the platforms, with these alone; raises ImageNotFound.

    A source is of the platform that `--set-platform` says.
    """
    from ocilayout.transforms.select import select_from_all

    if not wanted:
        return sources
    others = [(text, source) for text, source in sources if text not in overrides]
    selected = select_from_all([source for _, source in others], wanted, tuple(overrides.values()))
    kept = {text: source for (text, _), source in zip(others, selected, strict=True)}
    for text, source in sources:
        if text in overrides and any(map(overrides[text].fits, wanted)):
            kept[text] = source
    return [(text, kept[text]) for text, _ in sources if text in kept and kept[text].index.children]


def _platforms(sources: tuple[str, ...], overrides: tuple[str, ...]) -> "dict[str, Platform]":
    from ocilayout.errors import UsageError
    from ocilayout.spec.platform import Platform

    found = {}
    for override in overrides:
        source, equals, platform = override.rpartition("=")
        if not equals or source not in sources:
            raise UsageError(
                f"--set-platform {override}: write SRC=OS/ARCH, with SRC as it is named in the call"
            )
        if source in found:
            raise UsageError(f"--set-platform names {source} twice")
        found[source] = Platform.parse(platform)
    return found
