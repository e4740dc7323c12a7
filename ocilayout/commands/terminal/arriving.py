"""The way into an engine: what it takes goes through its client's pipe, and it is asked after."""

from collections.abc import Sequence

import click

from ocilayout import remains
from ocilayout.commands.terminal.messages import Messages
from ocilayout.commands.terminal.printing import echo_json, printable
from ocilayout.commands.terminal.progress import bars
from ocilayout.commands.terminal.reporting import Plan, echo_plan, image_fields, plan_fields
from ocilayout.commands.terminal.wishes import Wishes
from ocilayout.copy_engine import Report, transfer
from ocilayout.description import images_in
from ocilayout.engines.arrival import for_machine, row_of
from ocilayout.graph import walk
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import Recode, unsettled
from ocilayout.spec.platform import Platform
from ocilayout.spooling import scratch_folder
from ocilayout.stores.engine import open_pipe
from ocilayout.stores.engine_clients import Client, Held, held
from ocilayout.stores.places import Place


def load(
    source: ImageSource,
    origins: Sequence[ImageSource],
    client: Client,
    wishes: Wishes,
    messages: Messages,
    machines: Sequence[Platform] | None = None,
) -> None:
    """Load `source`, made from `origins`, into an engine in its form; say what it has now.

    `machines` are what is chosen for, as `for_machine` has it.
    """
    fit = wishes._replace(engine=row_of(client).name).checked()
    source = fit.settled(for_machine(fit.readable(source), client, machines))
    source = fit.fitted(source)
    if wishes.dry_run:
        not_known = unsettled(source, _recode(fit, origins))
        plan = Plan(source, list(walk(source)), not_known, Place(client.title, None, None))
        if wishes.as_json:
            echo_json(plan_fields(plan, messages))
        else:
            echo_plan(plan)
        return
    report, said = _sent(source, origins, client, fit)
    remains.keep(f"{client.title} has loaded it")
    has = held(client, said)
    if wishes.as_json:
        echo_json(_fields(client, report, has, messages))
    elif not wishes.quiet:
        for image in has:
            words = " ".join((image.name or "(no name)", ",".join(image.platforms), image.image_id))
            click.echo(f"{client.title} has {printable(words)}")


def _recode(wishes: Wishes, origins: Sequence[ImageSource]) -> Recode:
    return wishes.recode(origins, "docker-archive")


def _sent(
    source: ImageSource, origins: Sequence[ImageSource], client: Client, wishes: Wishes
) -> tuple[Report, str]:
    options = wishes.destination_options(source)
    total = sum(blob.size for blob in walk(source)) if wishes.progress != "never" else 0
    with (
        bars(total, wishes.progress, wishes.quiet) as watch,
        open_pipe(client, options) as (destination, pipe),
    ):
        report = transfer(
            source,
            destination,
            recode=_recode(wishes, origins),
            level=wishes.level,
            jobs=wishes.threads,
            scratch=wishes.scratch or scratch_folder(),
            watch=watch,
        )
    return report, pipe.words


def _fields(
    client: Client, report: Report, has: Sequence[Held], messages: Messages
) -> dict[str, object]:
    return {
        "engine": {"client": client.command[0], "version": client.version},
        "images": [image_fields(image) for image in images_in(report.source)],
        "has": [
            {"name": image.name, "id": image.image_id, "platforms": list(image.platforms)}
            for image in has
        ],
        "warnings": messages.warnings,
        "notes": messages.notes,
    }
