"""Options that mean the same for every verb."""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ocilayout.errors import UsageError
from ocilayout.spec.platform import Platform

if TYPE_CHECKING:
    from pathlib import Path

ALL = "all"
"""What `--platform` says where no platform is left out."""

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

FORMATS = ("oci", "oci-archive", "docker-archive", "dir")


class PlatformType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """OS/ARCH[/VARIANT][:OSVERSION] on the command line."""

    name = "OS/ARCH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Platform:
        if isinstance(value, Platform):
            return value
        try:
            return Platform.parse(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class PlatformsType(PlatformType):
    """Platforms with commas between them, as docker buildx takes them; none of them is `all`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == ALL:
            return ()
        words = str(value).split(",")
        return tuple(super(PlatformsType, self).convert(word, param, ctx) for word in words)


class MachineType(PlatformType):
    """The platform of a machine; None of `all`, which is any machine."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if value == ALL else super().convert(value, param, ctx)


class PathType(click.Path):
    """A file or a folder that is there."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Path":
        # It takes its time to import, and few options are paths.
        from pathlib import Path

        return Path(os.fsdecode(super().convert(value, param, ctx)))


class EngineType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """An engine of the table, which is read when one is named."""

    name = "ENGINE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ocilayout.engines.table import ALL, engines_named

        name = str(value)
        try:
            engines_named([name])
        except UsageError as error:
            self.fail(str(error), param, ctx)
        if name == ALL and param is not None and not param.multiple:
            self.fail(f"{ALL} is for check: name one engine", param, ctx)
        return name


class EngineOption(click.Option):
    """An option whose help lists what the table of engines has."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        from ocilayout.engines.table import choices

        record = super().get_help_record(ctx)
        if record is None:
            return None
        named = f"{', '.join(choices())}, one of them with a version as docker-25.0.3"
        return record[0], record[1].format(engines=named)


def _flat(
    ctx: click.Context, param: click.Parameter, value: Sequence[Sequence[Platform]]
) -> tuple[Platform, ...]:
    given = tuple(dict.fromkeys(platform for each in value for platform in each))
    if given and () in value:
        raise click.BadParameter(f"{ALL} leaves out nothing: name it alone", ctx, param)
    return given


def _platform_option(said: str, callback: Callable[..., Any]) -> Decorator[Any]:
    return click.option(
        "--platform",
        "platforms",
        multiple=True,
        type=PlatformsType(),
        callback=callback,
        help=said,
    )


def platforms(said: str) -> Decorator[Any]:
    """`--platform`, any number of times: a tuple, empty for `all` and where it is not given."""
    return _platform_option(said, _flat)


def machines(said: str) -> Decorator[Any]:
    """`--platform`, any number of times: a tuple, empty for `all`; None where it is not given."""

    def given(
        ctx: click.Context, param: click.Parameter, value: Sequence[Sequence[Platform]]
    ) -> tuple[Platform, ...] | None:
        return _flat(ctx, param, value) if value else None

    return _platform_option(said, given)


platform = platforms("Keep this platform (repeatable; or local, all) and drop the rest.")
members = platforms("Which members of an index are meant (repeatable).  [default: all]")
tag = click.option(
    "-t", "--tag", "tags", multiple=True, metavar="NAME", help="Name the result (repeatable)."
)
to = click.option(
    "--to",
    "transport",
    type=click.Choice(FORMATS),
    metavar="FORMAT",
    help="Write oci, oci-archive, docker-archive or dir.  [default: as DST says]",
)
compression = click.option(
    "--compression",
    type=click.Choice(("keep", "gzip", "zstd", "none")),
    help="How layers are compressed in the result.  [default: as they are; plain layers of old "
    "Docker archives become gzip, but for docker-archive]",
)
level = click.option("--level", type=int, metavar="N", help="Level for --compression.")
media_types = click.option(
    "--media-types",
    type=click.Choice(("keep", "oci", "docker")),
    default="keep",
    show_default=True,
    help="Types of documents and layers; docker is for old registries and implies gzip.",
)
attestations = click.option(
    "--attestations",
    type=click.Choice(("keep", "drop")),
    default="keep",
    show_default=True,
    help="Provenance, SBOMs and other referrers.",
)
referrers = click.option(
    "--referrers",
    is_flag=True,
    help="Take signatures, SBOMs and all else that refers to the images along.",
)
missing = click.option(
    "--missing",
    type=click.Choice(("refuse", "keep", "prune")),
    help="What to do where an index names a platform that is not there.  [default: refuse]",
)
foreign = click.option(
    "--foreign",
    type=click.Choice(("keep", "own")),
    default="keep",
    show_default=True,
    help="Layers that may not be distributed: own makes ordinary layers of them.",
)
force = click.option("--force", is_flag=True, help="Replace an existing output file.")
scratch = click.option(
    "--scratch",
    type=PathType(exists=True, file_okay=False),
    metavar="DIR",
    help="Folder for large temporary files.  [default: beside the output]",
)
link = click.option(
    "--link",
    is_flag=True,
    help="Layout to layout on one file system: link blobs instead of reading and copying them.",
)
index = click.option(
    "--index",
    "as_index",
    is_flag=True,
    help="Take all images of a source, or all of the NAME, as one image of several platforms.",
)
follow_links = click.option(
    "--follow-links",
    is_flag=True,
    help="Read blobs of a layout that are links to files outside it, as Bazel makes them.",
)
dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done.")
as_json = click.option("--json", "as_json", is_flag=True, help="Report as JSON on stdout.")
jobs = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Threads.  [default: one a processor]",
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
verbose = click.option("-v", "--verbose", is_flag=True, help="Say what is done with each blob.")
progress = click.option(
    "--progress",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="Progress bar on standard error.",
)
lock_timeout = click.option(
    "--lock-timeout",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another process to leave a layout.",
)


def all_of(*decorators: Decorator[Any]) -> Decorator[Any]:
    """Several options as one decorator, shown in this order."""

    def decorate(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


engines = click.option(
    "--for",
    "engines",
    multiple=True,
    required=True,
    cls=EngineOption,
    type=EngineType(),
    metavar="ENGINE",
    help="The engine that is to load it (repeatable): {engines}, or all.",
)
client = click.option(
    "--engine",
    "client",
    type=click.Choice(("docker", "podman", "containerd", "nerdctl", "ctr")),
    help="Which engine.  [default: the first that answers]",
)
namespace = click.option(
    "--namespace", metavar="NAME", help="containerd's.  [default: k8s.io if that exists]"
)
engine = click.option(
    "--for",
    "engine",
    cls=EngineOption,
    type=EngineType(),
    metavar="ENGINE",
    help="Make what this engine loads: gzip where it takes no zstd, no gaps, nothing but images. "
    "ENGINE is {engines}.",
)


_choosing = all_of(platform, compression, level, media_types, attestations, missing, foreign)
_running = all_of(dry_run, as_json, jobs, lock_timeout, progress, quiet, verbose)
sending = all_of(_choosing, scratch, _running)
"""The options of a verb whose output is no file."""
writing = all_of(_choosing, force, link, scratch, _running)
"""The options of each verb that writes images."""
editing = all_of(dry_run, as_json, lock_timeout, quiet)
"""The options of each verb that edits in place."""
