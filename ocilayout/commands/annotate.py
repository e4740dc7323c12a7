"""What an image says of itself, corrected in place."""

from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.verb import verb


@verb("ocilayout annotate app.tar:1.0 --platform linux/arm --variant v6 --config")
@click.argument("place", metavar="PLACE")
@options.members
@click.option("--os", "os_", metavar="OS", help="Set the operating system.")
@click.option("--arch", metavar="ARCH", help="Set the architecture.")
@click.option("--variant", help="Set the variant of the architecture; '' removes it.")
@click.option("--os-version", help="Set the version of the operating system; '' removes it.")
@click.option(
    "--os-features",
    multiple=True,
    help="Add features of the operating system (repeatable, or with commas); '' removes them.",
)
@click.option("--config", is_flag=True, help="Set the platform in the config too.")
@click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="[LEVEL:]KEY=VALUE",
    help="Set an annotation (repeatable).",
)
@click.option(
    "--remove-annotation",
    "removals",
    multiple=True,
    metavar="[LEVEL:]KEY",
    help="Remove an annotation (repeatable).",
)
@options.attestations
@options.editing
def command(
    place: str,
    platforms: tuple[Any, ...],
    attestations: str,
    dry_run: bool,
    as_json: bool,
    lock_timeout: float,
    quiet: bool,
    **wishes: Any,
) -> None:
    """Correct the platform or annotations of an image, in place.

    PLACE has to pick one image. A platform is set in the index, and the member's bytes stay as
    they are; with --config in its config too. LEVEL is manifest (the default), index,
    manifest-descriptor or index-descriptor, with [OS/ARCH] behind it for some members alone, or
    several with commas. What refers to a digest that changed is pointed to the new one, or
    dropped by --attestations drop.
    """
    from ocilayout import pick
    from ocilayout.commands.terminal.corrected import report
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.protocols import ImageSource
    from ocilayout.stores.in_place import edited_in_place
    from ocilayout.stores.places import parse_source
    from ocilayout.transforms.annotate import annotate
    from ocilayout.transforms.missing import with_gaps

    messages = listen(quiet)
    corrections = _corrections(**wishes)
    found = parse_source(place)
    before: list[Any] = []

    def transform(source: ImageSource, label: str) -> ImageSource:
        target = pick.target(source, found.name, found.digest, label)
        before.append(target.entry)
        return annotate(
            with_gaps(source),
            target,
            corrections,
            platforms=platforms,
            drop_attestations=attestations == "drop",
        )

    with edited_in_place(found, transform, lock_timeout=lock_timeout, dry_run=dry_run) as done:
        report(place, before[0], done, messages, dry_run=dry_run, as_json=as_json, quiet=quiet)


def _corrections(
    os_: str | None,
    arch: str | None,
    variant: str | None,
    os_version: str | None,
    os_features: tuple[str, ...],
    config: bool,
    annotations: tuple[str, ...],
    removals: tuple[str, ...],
) -> Any:
    from ocilayout.errors import UsageError
    from ocilayout.spec.annotation import parse_removal, parse_setting
    from ocilayout.transforms.corrections import Corrections, PlatformEdit

    features = tuple(word for text in os_features for word in text.split(",")) or None
    platform = PlatformEdit(os_, arch, variant, os_version, features)
    sets_platform = platform != PlatformEdit()
    edits = [edit for text in annotations for edit in parse_setting(text)]
    edits += [edit for text in removals for edit in parse_removal(text)]
    if config and not sets_platform:
        raise UsageError("--config needs --os, --arch, --variant, --os-version or --os-features")
    if not edits and not sets_platform:
        raise UsageError("nothing is to be changed: --arch, --annotation, ... say what")
    return Corrections(tuple(edits), platform if sets_platform else None, config)
