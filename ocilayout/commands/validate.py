"""An fsck for images: is all of it whole, and as the specification has it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.registry_options import RegistryWishes, registry
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from ocilayout.commands.terminal.findings import Findings
    from ocilayout.problems import Problem
    from ocilayout.registries.registry import Registries
    from ocilayout.verify import Verification

FAILED, FOUND = 1, 3


@verb("ocilayout validate layout/ app.tar --json | jq '.places[].problems[]'")
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@click.option("--fast", is_flag=True, help="Do all but read layers and other large blobs.")
@options.platforms("Look at images of this platform (repeatable) alone.")
@options.follow_links
@options.scratch
@options.as_json
@options.jobs
@options.progress
@options.quiet
@registry
def command(
    places: tuple[str, ...],
    fast: bool,
    platforms: tuple[Any, ...],
    follow_links: bool,
    scratch: Path | None,
    as_json: bool,
    jobs: int | None,
    progress: str,
    quiet: bool,
    registry: RegistryWishes,
) -> int:
    """Find what is wrong in each PLACE.

    Documents, digests, layers, names and stray files are looked at. Each finding is a line,
    with its level, its place in the document, and what to do. The exit code is 3 where there
    are errors; warnings and notes alone are no failure. docs/validate.md explains the codes.
    """
    from ocilayout.commands.terminal.findings import echo_findings, findings_fields, say_summary
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo_json, say_error
    from ocilayout.errors import OciLayoutError, UsageError
    from ocilayout.stores.places import STANDARD_STREAMS, parse_source

    if sum(place in STANDARD_STREAMS for place in places) > 1:
        raise UsageError("- can be one place only")
    messages = listen(quiet)
    wishes = _Wishes(
        platforms,
        fast,
        follow_links,
        scratch,
        as_json,
        jobs or len(os.sched_getaffinity(0)),
        progress,
        quiet,
    )
    all_findings = []
    failed = False
    remote = [parse_source(text) for text in places if text.startswith("docker://")]
    with registry.registries(remote) as registries:
        for text in places:
            try:
                findings = _findings(text, wishes, registries)
            except OciLayoutError as error:
                # As ls does: the others are looked at all the same.
                say_error(str(error))
                failed = True
                continue
            all_findings.append(findings)
            if not as_json:
                echo_findings(findings, quiet)
            if not quiet:
                say_summary(findings)
    if as_json:
        fields = [findings_fields(findings) for findings in all_findings]
        echo_json({"places": fields, "warnings": messages.warnings, "notes": messages.notes})
    if any(findings.count("error") for findings in all_findings):
        return FOUND
    return FAILED if failed else 0


@dataclass(frozen=True)
class _Wishes:
    platforms: tuple[Any, ...]
    fast: bool
    follow_links: bool
    scratch: Path | None
    as_json: bool
    jobs: int
    progress: str
    quiet: bool


def _findings(text: str, wishes: "_Wishes", registries: "Registries | None") -> "Findings":
    from ocilayout.commands.terminal.findings import Findings
    from ocilayout.commands.terminal.progress import bars
    from ocilayout.errors import (
        CompressionError,
        IntegrityError,
        InvalidArchive,
        InvalidDocument,
        NotAnImage,
    )
    from ocilayout.problems import Problem
    from ocilayout.stores import open_suspect
    from ocilayout.stores.places import parse_source
    from ocilayout.verify import MAX_OF_A_KIND, Verification

    place = parse_source(text)
    try:
        with open_suspect(
            place,
            scratch=wishes.scratch,
            registries=registries,
            follow_links=wishes.follow_links,
        ) as opened:
            verification = Verification(
                opened.source,
                platforms=wishes.platforms,
                fast=wishes.fast,
                limit=None if wishes.as_json else MAX_OF_A_KIND,
            )
            problems = list(verification.documents())
            with bars(verification.size, wishes.progress, wishes.quiet) as watch:
                problems.extend(verification.contents(wishes.jobs, watch))
            _refuse_absent(verification, problems, text)
            return Findings(text, opened.dialect, problems, verification, wishes.fast)
    except NotAnImage as error:
        found = Problem("place-without-image", text, str(error))
        return Findings(text, None, [found], None, wishes.fast)
    except (CompressionError, IntegrityError, InvalidArchive, InvalidDocument) as error:
        found = Problem("place-unreadable", text, error.text)
        return Findings(text, None, [found], None, wishes.fast)


def _refuse_absent(verification: "Verification", problems: "list[Problem]", text: str) -> None:
    """Nothing was looked at of a platform that is not there; raises ImageNotFound."""
    from ocilayout.errors import ImageNotFound

    # Where something is wrong, that may be why it was not found.
    if verification.platforms_absent and not any(found.level == "error" for found in problems):
        absent = ", ".join(map(str, verification.platforms_absent))
        raise ImageNotFound(f"{text} has no image for {absent} that could be looked at")
