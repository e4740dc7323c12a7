"""Single-platform images, in any mixture of formats, into one multi-platform image."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


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
    from ocilayout.commands.terminal.writing import opened, write
    from ocilayout.spec.names import names_of
    from ocilayout.stores.places import parse_source
    from ocilayout.transforms.merge import merge

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    target = Delivery.of(destination, transport, tags, wished)
    platforms = _platforms(sources, overrides)
    origins = [parse_source(text) for text in sources]
    with (
        registry.registries([*origins, target.place]) as registries,
        opened(origins, target, wished, registries) as places,
    ):
        parts = [wished.prepared(place.source) for place in places]
        source = merge(
            parts,
            target.names,
            labels=sources,
            platforms=[platforms.get(text) for text in sources],
            replace=replace,
        )
        if not any(map(names_of, source.index.children)):
            notices.warn("the result has no name: --tag NAME gives it one")
        write(source, parts, target, wished, messages, registries)


def _platforms(sources: tuple[str, ...], overrides: tuple[str, ...]) -> dict[str, Any]:
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
