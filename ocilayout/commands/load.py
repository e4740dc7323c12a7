"""Into an engine, through its own client, in the form that it takes."""

from pathlib import Path
from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout load buildx.tar")
@click.argument("place", metavar="PLACE")
@options.client
@options.namespace
@options.machines("Load what runs on this platform (repeatable), whatever the engine's machine is.")
@options.tag
@options.index
@options.follow_links
@options.scratch
@options.as_json
@options.jobs
@options.progress
@options.quiet
@registry
def command(
    place: str,
    client: str | None,
    namespace: str | None,
    platforms: tuple[Any, ...] | None,
    tags: tuple[str, ...],
    as_index: bool,
    follow_links: bool,
    scratch: Path | None,
    as_json: bool,
    jobs: int | None,
    progress: str,
    quiet: bool,
    registry: RegistryWishes,
) -> None:
    """Load images into docker, podman or containerd.

    The engine's own client does it (docker, podman, nerdctl or ctr, found in PATH), so contexts,
    DOCKER_HOST and ssh work. It is fed through a pipe, in the form that this version takes.
    """
    from ocilayout.commands.terminal.arriving import load
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.stores import open_place
    from ocilayout.stores.engine_clients import answering
    from ocilayout.stores.places import parse_source
    from ocilayout.stores.stated_names import checked_image_name
    from ocilayout.transforms.rename import rename

    messages = listen(quiet)
    names = [checked_image_name(tag) for tag in tags]
    wishes = Wishes(
        missing="refuse",
        as_index=as_index,
        scratch=scratch,
        as_json=as_json,
        jobs=jobs,
        progress=progress,
        quiet=quiet,
    )
    parsed = parse_source(place)
    with (
        registry.registries([parsed]) as registries,
        open_place(
            parsed,
            scratch=scratch,
            registries=registries,
            follow_links=follow_links,
            all_of_name=as_index,
        ) as opened,
    ):
        source = wishes.joined(opened.source)
        source = rename(source, names) if names else source
        load(
            source,
            [opened.source],
            answering(client, namespace),
            wishes,
            messages,
            machines=platforms,
        )
