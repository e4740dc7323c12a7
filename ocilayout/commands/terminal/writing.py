"""The way that all verbs go which write images: sources, transforms, transfer, destination."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ocilayout import notices
from ocilayout.commands.terminal.messages import Messages
from ocilayout.commands.terminal.printing import echo_json
from ocilayout.commands.terminal.progress import bars
from ocilayout.commands.terminal.reporting import (
    echo_plan,
    echo_summary,
    plan_fields,
    report_fields,
    traffic,
)
from ocilayout.compression import CODECS, checked_level
from ocilayout.copy_engine import (
    Recode,
    Report,
    check,
    compress_all,
    compress_made,
    missing_blobs,
    transfer,
    unsettled,
)
from ocilayout.errors import DestinationExists, UsageError
from ocilayout.graph import walk
from ocilayout.protocols import DestinationOptions, ImageSource
from ocilayout.spec.media_types import Family, layer_type
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference
from ocilayout.stores import (
    Opened,
    destination_transport,
    open_destination,
    open_place,
    scratch_folder,
)
from ocilayout.stores.places import Place, checked_name, parse_destination
from ocilayout.transforms.attestations import without_attestations
from ocilayout.transforms.media_types import in_media_types
from ocilayout.transforms.missing import Policy, settle_missing
from ocilayout.transforms.select import select

if TYPE_CHECKING:
    from ocilayout.engines.facts import Engine
    from ocilayout.registries.registry import Registries


CONNECTIONS = 4
"""Blobs that go to or come from a registry at a time: one cannot fill a line that is far."""


@dataclass(frozen=True)
class Wishes:
    """The options of a verb that writes images, as the command line gave them."""

    platforms: tuple[Platform, ...]
    compression: str | None
    level: int | None
    media_types: str
    attestations: str
    missing: Policy | None
    force: bool
    scratch: Path | None
    link: bool
    dry_run: bool
    as_json: bool
    jobs: int | None
    lock_timeout: float
    progress: str
    quiet: bool
    verbose: bool
    engine: str | None = None
    """Which engine has to load the result."""

    def checked(self) -> "Wishes":
        """Itself; raises UsageError where wishes contradict one another."""
        if self.media_types == "docker" and self.compression in {"zstd", "none"}:
            raise UsageError(
                f"--media-types docker needs gzip layers, --compression {self.compression} "
                "asks for others"
            )
        if self.level is not None and self.codec is None:
            raise UsageError("--level needs --compression gzip or zstd")
        if self._row is not None and self.codec not in {None, *self._row.layers.value}:
            raise UsageError(
                f"{self.engine} takes no layers of {self.codec} ({self._row.layers.source})"
            )
        if self.codec is not None:
            checked_level(CODECS[self.codec], self.level)
        return self

    @property
    def codec(self) -> str | None:
        """What all layers are to be compressed with, if anything."""
        if self.media_types == "docker":
            return "gzip"
        return None if self.compression == "keep" else self.compression

    @property
    def threads(self) -> int:
        """How many work at a time: one for each processor unless said otherwise."""
        return self.jobs or len(os.sched_getaffinity(0))

    @property
    def connections(self) -> int:
        """How many work at a time where some wait for a registry, not for a processor."""
        return self.jobs or max(self.threads, CONNECTIONS)

    def prepared(self, source: ImageSource) -> ImageSource:
        """The source with the transforms that these options ask for."""
        found = select(source, platforms=self.platforms)
        if self.attestations == "drop":
            found = without_attestations(found)
        found = self.settled(found)
        if self.media_types != "keep":
            family: Family = "docker" if self.media_types == "docker" else "oci"
            found = in_media_types(found, family)
        return found

    def settled(self, source: ImageSource) -> ImageSource:
        """The source with a decision on what is absent."""
        # An engine is not served by gaps, so they are left out where one is named.
        usual: Policy = "refuse" if self.engine is None else "prune"
        return settle_missing(source, self.missing or usual)

    def recode(self, sources: Sequence[ImageSource], transport: str) -> Recode:
        """Which layers are compressed anew on the way into a format."""
        if self.codec is not None:
            return compress_all(self.codec)
        stays_plain = self.compression == "keep" or transport == "docker-archive"
        found = compress_made(sources, plain="none" if stays_plain else "gzip")
        if self._row is None:
            return found
        from ocilayout.engines.mending import fitting_recode

        return fitting_recode(found, self._row)

    @property
    def _row(self) -> "Engine | None":
        if self.engine is None:
            return None
        from ocilayout.engines.facts import ENGINES

        return ENGINES[self.engine]

    def fitted(self, source: ImageSource) -> ImageSource:
        """The source without what can have no form in the engine; raises CannotHold."""
        if self._row is None:
            return source
        from ocilayout.engines.mending import fitted

        return fitted(source, self._row)

    def destination_options(self, source: ImageSource) -> DestinationOptions:
        """How the output is written."""
        options = DestinationOptions(self.force, self.platforms, lock_timeout=self.lock_timeout)
        if self._row is None:
            return options
        from ocilayout.engines.mending import manifest_platforms

        return replace(
            options,
            platforms=self.platforms or manifest_platforms(source, self._row),
            takes_zstd="zstd" in self._row.layers.value,
        )

    def check_target(self, target: "Target") -> None:
        """Raises UsageError where the engine does not read what is to be written."""
        if self._row is not None and not target.place.is_engine:
            from ocilayout.engines.mending import check_target

            check_target(target.place.path, target.transport, self._row)


@dataclass(frozen=True)
class Target:
    """Where the result goes."""

    place: Place
    transport: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, text: str, transport: str | None, tags: Sequence[str], wishes: Wishes) -> "Target":
        """The target that the command line names; raises UsageError."""
        place = parse_destination(text)
        if place.is_stream:
            if wishes.as_json:
                raise UsageError("- and --json both want standard output: choose one")
            if sys.stdout is None or sys.stdout.isatty():
                raise UsageError("standard output is a terminal: redirect it, or name a file")
        if place.is_registry:
            references = (in_repository(tag, place.reference) for tag in tags)
            names = [str(reference) for reference in (place.reference, *references)]
        else:
            stated = () if place.name is None else (place.name,)
            names = [checked_name(name) for name in (*stated, *tags)]
        found = cls(place, destination_transport(place, transport), tuple(dict.fromkeys(names)))
        wishes.check_target(found)
        return found

    @property
    def scratch(self) -> Path:
        """The folder beside the output, which has room for it if any has."""
        if self.place.path is None:
            return scratch_folder()
        return next(folder for folder in self.place.path.absolute().parents if folder.is_dir())


def in_repository(tag: str, repository: Reference) -> Reference:
    """A further name of an image that is pushed: a tag, or a full name of the same repository."""
    name = checked_name(tag)
    reference = reference_of(name) or Reference(repository.domain, repository.path, name)
    if (reference.domain, reference.path) != (repository.domain, repository.path):
        raise UsageError(
            f"--tag {tag} is not in {repository.domain}/{repository.path}, which is pushed to: "
            "write the tag alone"
        )
    return reference


@contextmanager
def opened(
    places: Sequence[Place],
    target: Target,
    wishes: Wishes,
    registries: "Registries | None" = None,
) -> Iterator[list[Opened]]:
    """All sources, open; raises DestinationExists where the target is one of them."""
    if sum(place.is_stream for place in places) > 1:
        raise UsageError("- can be one source only")
    for place in places:
        _refuse_overlap(place, target)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                open_place(place, scratch=wishes.scratch or target.scratch, registries=registries)
            )
            for place in places
        ]


def write(
    source: ImageSource,
    origins: Sequence[ImageSource],
    target: Target,
    wishes: Wishes,
    messages: Messages,
    registries: "Registries | None" = None,
) -> None:
    """Write `source`, which was made from `origins`, to its target, and report."""
    if target.place.is_engine:
        from ocilayout.commands.terminal.arriving import load
        from ocilayout.stores.engine import client_of

        load(source, origins, client_of(target.place), wishes, messages)
        return
    fields = written(source, origins, target, wishes, messages, registries)
    if wishes.as_json:
        echo_json(fields)


def written(
    source: ImageSource,
    origins: Sequence[ImageSource],
    target: Target,
    wishes: Wishes,
    messages: Messages,
    registries: "Registries | None" = None,
) -> Mapping[str, object]:
    """Write `source` to a target that is no engine, and report; the report as JSON.

    `registries` are the connections of the command, where it has any.
    """
    if wishes.link and target.transport != "oci":
        raise UsageError("--link is for layout folders, which --to oci writes")
    recode = wishes.recode(origins, target.transport)
    options = replace(wishes.destination_options(source), registries=registries)
    with open_destination(target.place, options, transport=target.transport) as destination:
        if wishes.dry_run:
            check(source, destination)
            blobs = missing_blobs(source, destination, jobs=wishes.threads)
            not_known = unsettled(source, recode)
            if not wishes.as_json:
                echo_plan(blobs, not_known, target.place)
            return plan_fields(blobs, not_known, target.place)
        total = sum(blob.size for blob in walk(source)) if wishes.progress != "never" else 0
        with bars(total, wishes.progress, wishes.quiet) as watch:
            report = transfer(
                source,
                destination,
                recode=recode,
                level=wishes.level,
                jobs=wishes.threads if registries is None else wishes.connections,
                scratch=wishes.scratch or target.scratch,
                link=wishes.link,
                watch=watch,
            )
    _say_what_surprises(report, wishes)
    if not wishes.as_json and not wishes.quiet:
        echo_summary(report, target.place, wishes.verbose)
        if registries is not None:
            notices.note(traffic(report))
    return report_fields(report, origins, source, target.place, messages)


def _say_what_surprises(report: Report, wishes: Wishes) -> None:
    recompressed = any(
        layer_type(new.media_type) and old != new.digest for old, new in report.changed.items()
    )
    if wishes.media_types == "docker" and recompressed:
        notices.note("layers were compressed with gzip, which Docker's media types require")
    if wishes.level is not None and not recompressed:
        notices.note(
            f"no layer was compressed anew, so --level {wishes.level} did nothing: all that can be "
            f"is {wishes.codec} already"
        )
    if report.linked:
        notices.note(f"{len(report.linked)} blobs were linked, not read: nothing vouches for them")
    elif wishes.link and report.copied:
        notices.note("nothing could be linked, so all was copied: --link is for two layout folders")


def _refuse_overlap(source: Place, target: Target) -> None:
    if source.path is None or target.place.path is None:
        return
    here, there = source.path.resolve(), target.place.path.resolve()
    if here == there and not (here.is_dir() and target.transport == "oci"):
        raise DestinationExists(f"{source.path} is source and destination: name another file")
    if here != there and here.is_dir() and there.is_relative_to(here):
        raise DestinationExists(f"{target.place.path} lies in {source.path}, which is read")
