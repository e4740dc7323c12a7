"""Root file systems, as tars or folders, into an image."""

import os
from pathlib import Path
from typing import Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb


@verb("docker export box | ocilayout import - app.tar -t app:1.0 -c 'CMD sh'", name="import")
@click.argument("roots", nargs=-1, required=True, metavar="[PLATFORM=]ROOTFS...")
@click.argument("destination", metavar="DST")
@options.tag
@options.to
@click.option(
    "--platform",
    type=options.PlatformType(),
    help="What it runs on.  [default: what its programs say]",
)
@click.option(
    "-c",
    "--change",
    "changes",
    multiple=True,
    metavar="INSTRUCTION",
    help="A Dockerfile instruction that sets the config, as CMD or ENV (repeatable).",
)
@click.option("-m", "--message", help="A comment for the history.")
@click.option("--owner", metavar="UID[:GID]", help="Of a folder: who owns all of its files.")
@click.option("--mtime", type=click.IntRange(0), metavar="SECONDS", help="Of a folder: all times.")
@click.option(
    "--compression",
    type=click.Choice(("keep", "gzip", "zstd", "none")),
    default="gzip",
    show_default=True,
    help="How the layer is compressed.",
)
@options.level
@options.media_types
@options.force
@options.scratch
@options.dry_run
@options.as_json
@options.jobs
@options.lock_timeout
@options.progress
@options.quiet
@options.verbose
@registry
def command(
    roots: tuple[str, ...],
    destination: str,
    tags: tuple[str, ...],
    transport: str | None,
    platform: Any,
    changes: tuple[str, ...],
    message: str | None,
    owner: str | None,
    mtime: int | None,
    registry: RegistryWishes,
    **wishes: Any,
) -> None:
    """Make an image of a tar or a folder of files.

    ROOTFS is a folder, or a tar, plain or compressed; - is standard input. A plain tar is the
    layer, byte for byte, compressed with gzip unless --compression says else. Several, each as
    PLATFORM=ROOTFS, make one image for several platforms, and so does what buildx writes with
    linux_amd64, linux_arm64, ... at its top.
    """
    from contextlib import ExitStack

    from ocilayout.commands.terminal.deliveries import Delivery, refuse_overlap
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.wishes import Wishes
    from ocilayout.commands.terminal.writing import write
    from ocilayout.rootfs.import_image import MESSAGE, import_rootfs
    from ocilayout.transforms.media_types import in_media_types
    from ocilayout.transforms.merge import merge

    wished = Wishes(
        platforms=(),
        attestations="keep",
        missing=None,
        link=False,
        **wishes,
    ).checked()
    messages = listen(wished.quiet)
    target = Delivery.of(destination, transport, tags, wished)
    stated_roots = _roots(roots, destination, platform)
    for path, _ in stated_roots:
        refuse_overlap(path, target.place.path)
    with registry.registries([target.place]) as registries, ExitStack() as stack:
        sources = [
            stack.enter_context(
                import_rootfs(
                    path,
                    platform=stated,
                    changes=changes,
                    message=MESSAGE if message is None else message,
                    created=_epoch(),
                    ownership=_ownership(owner, mtime),
                    scratch=wished.scratch or target.scratch,
                )
            )
            for path, stated in stated_roots
        ]
        if sum(len(source.index.children) for source in sources) > 1:
            source = merge(sources, target.names_of(()), labels=roots)
        else:
            source = target.renamed(sources[0])
        if wished.media_types == "docker":
            source = in_media_types(source, "docker")
        write(source, sources, target, wished, messages, registries)


def _roots(
    texts: tuple[str, ...], destination: str, platform: Any
) -> list[tuple[Path | None, Any]]:
    """Each root file system with the platform that is stated for it."""
    from ocilayout.errors import PlaceNotFound, UsageError
    from ocilayout.spec.platform import Platform
    from ocilayout.stores.places import remedy_if_swapped

    found: list[tuple[Path | None, Any]] = []
    for text in texts:
        stated, equals, path = text.partition("=")
        own = platform
        if equals and not os.path.lexists(text):
            own = Platform.parse(stated)
        else:
            path = text
        if path != "-" and not os.path.lexists(path):
            raise PlaceNotFound(
                f"{path}: no such file or directory", remedy_if_swapped(destination)
            )
        found.append((None if path == "-" else Path(path), own))
    if sum(path is None for path, _ in found) > 1:
        raise UsageError("- can be one root file system only")
    return found


def _epoch() -> int | None:
    """SOURCE_DATE_EPOCH, the time that whoever builds reproducibly wants to see."""
    from ocilayout.errors import UsageError

    stated = os.environ.get("SOURCE_DATE_EPOCH")
    if not stated:
        return None
    if not (stated.isascii() and stated.isdigit() and len(stated) < 12):
        raise UsageError(f"SOURCE_DATE_EPOCH is {stated!r}, not a number of seconds")
    return int(stated)


def _ownership(owner: str | None, mtime: int | None) -> Any:
    from ocilayout.errors import UsageError
    from ocilayout.rootfs.folder_source import Ownership
    from ocilayout.tar_headers import MAX_OWNER

    if owner is None:
        return Ownership(None, mtime, _epoch())
    numbers = owner.split(":")
    if len(numbers) > 2 or not all(
        number.isascii() and number.isdigit() and int(number) <= MAX_OWNER for number in numbers
    ):
        raise UsageError(f"--owner {owner}: write UID or UID:GID, in numbers")
    return Ownership((int(numbers[0]), int(numbers[-1])), mtime, _epoch())
