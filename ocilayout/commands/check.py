"""Before it travels: will it load there, as what, and if not, why, and what fixes it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.verb import verb

FOUND = 3


@verb("ocilayout check buildx.tar --for docker-20.10 --for k3s")
@click.argument("place", metavar="PLACE")
@options.engines
@click.option(
    "--platform",
    type=options.MachineType(),
    help="What the engine's machine is: OS/ARCH, local or all.  [default: all]",
)
@options.index
@options.follow_links
@click.option(
    "--layers",
    "reads_layers",
    is_flag=True,
    help="Read all layers to their end, not only those that are small.",
)
@options.scratch
@options.as_json
@options.quiet
def command(
    place: str,
    engines: tuple[str, ...],
    platform: Any,
    as_index: bool,
    follow_links: bool,
    reads_layers: bool,
    scratch: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Say whether an engine will load PLACE, and how to fix it.

    Where it loads, under which names, and what gets lost; where not, why, and the command that
    fixes it. The exit code is then 3. Documents are read, and layers as long as they have 16 MiB
    together; --layers reads all of them.
    """
    from ocilayout.commands.terminal.messages import listen, nothing_heard
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.commands.terminal.reporting import damage_fields
    from ocilayout.commands.terminal.verdicts import (
        echo_first_versions,
        echo_verdict,
        first_versions,
        verdict_fields,
    )
    from ocilayout.damage import readable, refusal
    from ocilayout.engines.cargo import cargo_of
    from ocilayout.engines.finding import as_engines_find
    from ocilayout.engines.fix import fix_for
    from ocilayout.engines.prediction import predict
    from ocilayout.engines.table import engines_named
    from ocilayout.errors import UsageError
    from ocilayout.stores import open_place
    from ocilayout.stores.places import parse_source
    from ocilayout.transforms.one_image import as_one_image

    rows = engines_named(engines)
    listen(quiet)
    parsed = parse_source(place)
    if parsed.is_registry:
        # Before anything is asked of the registry, which may want a login first.
        raise UsageError(f"{place}: check is for image files, as they travel: pull it first")
    with (
        _unreadable_as_json(place, as_json),
        open_place(
            parsed, scratch=scratch, follow_links=follow_links, all_of_name=as_index
        ) as opened,
    ):
        found = readable(opened.source)
        if found.damage and not opened.source.index.children:
            raise refusal(found.damage, has_others=False)
        cargo = cargo_of(opened, reads_layers=reads_layers)
        # cargo_of has refused what has no files.
        assert opened.files is not None
        source = as_engines_find(found.source, opened.files)
        predictions = [predict(cargo, engine, platform) for engine in rows]
        with nothing_heard():
            single = as_one_image(source) if as_index else source
            options = ("--index",) if as_index else ()
            fixes = [fix_for(cargo, single, each, platform, options) for each in predictions]
    verdicts: Sequence[Any] = list(zip(predictions, fixes, strict=True))
    if as_json:
        fields = [verdict_fields(prediction, fix) for prediction, fix in verdicts]
        first = first_versions(engines, predictions)
        echo_json(
            {
                "place": place,
                "dialect": opened.dialect,
                "engines": fields,
                "first": first,
                "layers": cargo.layers.is_complete,
                "error": None,
                "damaged": [damage_fields(damage) for damage in found.damage],
            }
        )
    elif not quiet:
        for prediction, fix in verdicts:
            echo_verdict(prediction, fix)
        echo_first_versions(engines, predictions)
    if found.damage:
        return FOUND
    return 0 if all(prediction.loads for prediction in predictions) else FOUND


@contextmanager
def _unreadable_as_json(place: str, as_json: bool) -> Iterator[None]:
    """Say in JSON too what this program does not read: no engine was asked about it."""
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.errors import (
        CompressionError,
        IntegrityError,
        InvalidArchive,
        InvalidDocument,
    )

    try:
        yield
    except (CompressionError, IntegrityError, InvalidArchive, InvalidDocument) as error:
        if as_json:
            empty: dict[str, object] = {"engines": [], "first": {}, "layers": False, "damaged": []}
            echo_json({"place": place, "dialect": None, **empty, "error": str(error)})
        raise
