"""What nothing in a layout refers to, removed."""

from typing import TYPE_CHECKING, Literal

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from ocilayout.stores.layout_gc import Garbage


@verb("ocilayout gc layout --dry-run")
@click.argument("place", metavar="LAYOUT")
@click.option(
    "--ingest", is_flag=True, help="Remove also what BuildKit and oras left half written."
)
@click.option(
    "--attestations",
    type=click.Choice(("keep", "drop")),
    default="keep",
    show_default=True,
    help="Referrers of images that stay, where no index lists them.",
)
@click.option(
    "--missing",
    type=click.Choice(("refuse", "keep")),
    help="What to do where something is named that is not there, to which any blob may belong.  "
    "[default: refuse]",
)
@options.dry_run
@options.lock_timeout
@options.as_json
@options.quiet
def command(
    place: str,
    ingest: bool,
    attestations: Literal["keep", "drop"],
    missing: Literal["refuse", "keep"] | None,
    dry_run: bool,
    lock_timeout: float,
    as_json: bool,
    quiet: bool,
) -> None:
    """Remove the blobs of a layout folder that nothing refers to.

    In doubt nothing is removed: where a document that is needed is damaged, missing or not
    understood. Nobody else may read or change the layout meanwhile: commands of ocilayout and
    BuildKit wait, but skopeo, umoci, oras, regctl and crane know no locks, and must not be
    writing to it.
    """
    from pathlib import Path

    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo_json
    from ocilayout.errors import UsageError
    from ocilayout.stores.layout_gc import collect_garbage
    from ocilayout.stores.places import parse_source

    messages = listen(quiet)
    found = parse_source(place)
    if found.path is None or found.name or found.digest or found.transport not in {None, "oci"}:
        raise UsageError(f"{place}: gc is for a layout folder as a whole: name that alone")
    garbage = collect_garbage(
        Path(found.path),
        dry_run=dry_run,
        ingest=ingest,
        attestations=attestations,
        missing=missing or "refuse",
        lock_timeout=lock_timeout,
    )
    _say_what_is_kept(garbage, place)
    if as_json:
        said = {"warnings": messages.warnings, "notes": messages.notes}
        echo_json({"layout": place, "dry_run": dry_run, **_fields(garbage), **said})
    elif not quiet:
        _echo(garbage, dry_run)


def _echo(garbage: "Garbage", dry_run: bool) -> None:
    from ocilayout.commands.terminal.printing import counted, echo, echo_table, human_size

    if dry_run and (garbage.blobs or garbage.leftovers):
        files = (*garbage.blobs, *garbage.leftovers)
        echo_table(("SIZE", "FILE"), [(human_size(file.size), file.path) for file in files])
    blobs = counted(len(garbage.blobs), "blob")
    others = f" and {len(garbage.leftovers)} leftovers" if garbage.leftovers else ""
    echo(f"{'would free' if dry_run else 'freed'} {human_size(garbage.freed)} in {blobs}{others}")


def _say_what_is_kept(garbage: "Garbage", place: str) -> None:
    from ocilayout import notices

    ingest = [file.path for file in garbage.ingest]
    for found, why in (
        (garbage.strays, "no blob that is known here"),
        (ingest, "half written by another tool: --ingest removes it"),
        (garbage.referrers, "listed nowhere, but refers to what stays: --attestations drop"),
        (garbage.subjects, "listed nowhere, but a referrer that is listed refers to it"),
    ):
        if found:
            notices.note(f"kept in {place}: {notices.some_of(found)} ({why})")


def _fields(garbage: "Garbage") -> dict[str, object]:
    return {
        "freed": garbage.freed,
        "blobs": [{"path": file.path, "size": file.size} for file in garbage.blobs],
        "leftovers": [{"path": file.path, "size": file.size} for file in garbage.leftovers],
        "kept": {
            "ingest": [{"path": file.path, "size": file.size} for file in garbage.ingest],
            "strays": list(garbage.strays),
            "referrers": list(map(str, garbage.referrers)),
            "subjects": list(map(str, garbage.subjects)),
        },
    }
