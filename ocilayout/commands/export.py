"""The root file system of an image, or a part of it: as a tar, a folder, or one file."""

import sys
from pathlib import Path
from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout export app.tar rootfs/ --platform linux/arm64")
@click.argument("place", metavar="PLACE")
@click.argument("destination", metavar="DST")
@options.platform
@click.option(
    "--path",
    "paths",
    multiple=True,
    metavar="PATH",
    help="A part of it: what is in a directory, or one file, whose content goes to - or DST; "
    "of several (repeatable) each keeps its path.",
)
@click.option("--devices", is_flag=True, help="Make device files too, in a folder and as root.")
@options.missing
@options.force
@options.index
@options.follow_links
@options.scratch
@options.as_json
@options.progress
@options.quiet
@registry
def command(
    place: str,
    destination: str,
    platforms: tuple[Any, ...],
    paths: tuple[str, ...],
    devices: bool,
    missing: Any,
    force: bool,
    as_index: bool,
    follow_links: bool,
    scratch: Path | None,
    as_json: bool,
    progress: str,
    quiet: bool,
    registry: RegistryWishes,
) -> None:
    """Write the files of an image, all layers flattened, to DST.

    DST is a tar by its name (.tar, .tar.gz, .tar.zst, ...), a pipe or - for a tar on standard
    output, or else a new folder. Several platforms stand in folders linux_amd64, linux_arm64, ...
    """
    from ocilayout.commands.terminal.deliveries import refuse_overlap
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.progress import bar
    from ocilayout.outputs import is_stream, refuse_other_suffix
    from ocilayout.rootfs.export import export_to, flattened, images_of
    from ocilayout.rootfs.flatten import layers_size
    from ocilayout.stores import open_place
    from ocilayout.stores.places import parse_sources
    from ocilayout.transforms.missing import settle_missing, without_damage
    from ocilayout.transforms.one_image import as_one_image
    from ocilayout.transforms.select import select

    messages = listen(quiet)
    target = _target(destination, as_json)
    # One file of an image may be called as no tar is.
    if target is not None and not paths:
        refuse_other_suffix(target)
    (parsed,) = parse_sources([place], destination)
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
        refuse_overlap(opened.place.path, target)
        found = without_damage(opened.source) if missing == "prune" else opened.source
        whole = as_one_image(found) if as_index else found
        source = settle_missing(select(whole, platforms=platforms), missing or "refuse")
        _refuse_several(source)
        total = sum(layers_size(manifest) for _, _, manifest in images_of(source))
        with bar(2 * total, progress, quiet) as on_bytes:
            exported = flattened(source, *paths, on_bytes=on_bytes)
            written = export_to(exported, target, replace=force, devices=devices, on_bytes=on_bytes)
    to_stderr = target is None or is_stream(target)
    _report(exported, destination, written, as_json, quiet, to_stderr, messages)


def _target(destination: str, as_json: bool) -> Path | None:
    from ocilayout.errors import UsageError

    if destination != "-":
        return Path(destination)
    if as_json:
        raise UsageError("- and --json both want standard output: choose one")
    if sys.stdout is None or sys.stdout.isatty():
        raise UsageError("standard output is a terminal: redirect it, or name a file")
    return None


def _refuse_several(source: Any) -> None:
    from ocilayout.pick import several
    from ocilayout.referrers import images_below, images_listed

    images = [entry for entry in images_listed(source) if any(images_below(source, [entry]))]
    if len(images) > 1:
        raise several(images)


def _report(
    exported: Any,
    destination: str,
    written: str,
    as_json: bool,
    quiet: bool,
    to_stderr: bool,
    messages: Any,
) -> None:
    from ocilayout.commands.terminal.printing import echo_json, human_size, printable

    plans = [item.plan for item in exported]
    if as_json:
        images = [
            {
                "platform": str(item.platform),
                "digest": str(item.descriptor.digest),
                "folder": item.folder.decode() or None,
                "files": len(plan.files),
                "folders": len(plan.folders),
                "bytes": plan.size,
                "devices": [path.decode("utf-8", "backslashreplace") for path, _ in plan.devices],
            }
            for item, plan in zip(exported, plans, strict=True)
        ]
        echo_json(
            {
                "destination": destination,
                "form": written,
                "images": images,
                "warnings": messages.warnings,
                "notes": messages.notes,
            }
        )
    elif not quiet:
        for item, plan in zip(exported, plans, strict=True):
            words = f"{len(plan.files)} files, {human_size(plan.size)}"
            line = f"{item.platform} {item.descriptor.digest}: {words}, to {destination}"
            click.echo(printable(line), err=to_stderr)
