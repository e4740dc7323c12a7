"""Out of an engine, through its own client, into any place."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout save app:1 db:2 oci:layout")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.argument("destination", metavar="DST")
@options.client
@options.namespace
@options.tag
@options.to
@options.engine
@options.referrers
@options.writing
@registry
def command(
    names: tuple[str, ...],
    destination: str,
    client: str | None,
    namespace: str | None,
    tags: tuple[str, ...],
    transport: str | None,
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Save images of docker, podman or containerd to DST.

    NAME is a name or an id; podman:NAME says the engine too. Several are saved at once, so that
    layers which they share are read once. The engine's client writes a Docker archive, which is
    spooled beside DST.
    """
    from ocilayout.commands.terminal.deliveries import Delivery
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import write
    from ocilayout.stores import open_engine
    from ocilayout.stores.engine import images_meant
    from ocilayout.stores.registry_words import refuse_files

    wished = Wishes(**wishes).checked()
    messages = listen(wished.quiet)
    target = Delivery.of(destination, transport, tags, wished)
    refuse_files(names)
    images, ask = images_meant(names, client, namespace)
    scratch = wished.scratch or target.scratch
    with (
        registry.registries([target.place]) as registries,
        open_engine(ask(), images, platforms=wished.platforms, scratch=scratch) as opened,
    ):
        source = target.renamed(wished.prepared(opened.source), [opened.source])
        write(wished.fitted(source), [opened.source], target, wished, messages, registries)
