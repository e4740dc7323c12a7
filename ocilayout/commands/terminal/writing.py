"""The way that all verbs go which write images: sources, transforms, transfer, destination."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ocilayout import notices
from ocilayout.commands.terminal.deliveries import Delivery
from ocilayout.commands.terminal.messages import Messages
from ocilayout.commands.terminal.printing import echo_json
from ocilayout.commands.terminal.progress import bars
from ocilayout.commands.terminal.reporting import (
    Plan,
    echo_plan,
    echo_summary,
    plan_fields,
    report_fields,
    traffic,
)
from ocilayout.commands.terminal.wishes import Wishes
from ocilayout.copy_engine import Report, check, missing_blobs, moved_names, transfer
from ocilayout.errors import UsageError
from ocilayout.graph import walk
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import unsettled
from ocilayout.spec.media_types import layer_type
from ocilayout.stores import Opened, open_destination, open_place
from ocilayout.stores.places import Place
from ocilayout.transforms.select import select

if TYPE_CHECKING:
    from ocilayout.registries.registry import Registries


@contextmanager
def opened(
    places: Sequence[Place],
    target: Delivery,
    wishes: Wishes,
    registries: "Registries | None" = None,
) -> Iterator[list[Opened]]:
    """All sources, open; raises DestinationExists where the target is one of them."""
    if sum(place.is_stream for place in places) > 1:
        raise UsageError("- can be one source only")
    for place in places:
        target.refuse_overlap(place)
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                open_place(
                    place,
                    scratch=wishes.scratch or target.scratch,
                    registries=registries,
                    follow_links=wishes.follow_links,
                    all_of_name=wishes.as_index,
                )
            )
            for place in places
        ]


def with_registry_referrers(
    source: ImageSource, wishes: Wishes, registries: "Registries | None"
) -> ImageSource:
    """The source with what its registry has that refers to its images, if that is wanted.

    Else a note says what stays behind. Sources of no registry have their referrers already.
    """
    if registries is None or wishes.attestations == "drop":
        return source
    from ocilayout.stores.registry_referrers import (
        note_left_behind,
        warn_of_changed,
        with_referrers,
    )

    if not wishes.referrers:
        note_left_behind(source)
        return source
    selected = select(source, platforms=wishes.platforms)
    warn_of_changed(source, selected)
    return with_referrers(selected)


def write(
    source: ImageSource,
    origins: Sequence[ImageSource],
    target: Delivery,
    wishes: Wishes,
    messages: Messages,
    registries: "Registries | None" = None,
) -> None:
    """Write `source`, which was made from `origins`, to its target, and report."""
    if target.place.is_engine:
        from ocilayout.commands.terminal.arriving import load
        from ocilayout.stores.engine import client_of

        machines = wishes.platforms or None
        load(source, origins, client_of(target.place), wishes, messages, machines)
        return
    fields = written(source, origins, target, wishes, messages, registries)
    if wishes.as_json:
        echo_json(fields)


def written(
    source: ImageSource,
    origins: Sequence[ImageSource],
    target: Delivery,
    wishes: Wishes,
    messages: Messages,
    registries: "Registries | None" = None,
) -> Mapping[str, object]:
    """Write `source` to a target that is no engine, and report; the fields of --json, if asked.

    `registries` are the connections of the command, where it has any.
    """
    if wishes.link and target.transport != "oci":
        raise UsageError("--link is for layout folders, which --to oci writes")
    recode = wishes.recode(origins, target.transport)
    options = wishes.destination_options(source)._replace(registries=registries)
    with open_destination(target.place, options, transport=target.transport) as destination:
        if wishes.dry_run:
            check(source, destination)
            blobs = missing_blobs(source, destination, jobs=wishes.threads)
            moved = moved_names(source, destination)
            plan = Plan(source, blobs, unsettled(source, recode), target.place, moved)
            for name in moved:
                becomes = plan.new_digest(name) or "another image"
                notices.note(f"{name.name} is {name.old} there, and would be {becomes}")
            if not wishes.as_json:
                echo_plan(plan)
            return plan_fields(plan, messages)
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
    # They take a look at all documents once more.
    if not wishes.as_json:
        return {}
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
