"""What is sent into an engine that answers: what its machine runs, in the form that it takes."""

from collections.abc import Collection, Sequence

from ocilayout import notices, pick
from ocilayout.engines.cargo import KIND_REFERRER, Entry, entries_of
from ocilayout.engines.facts import Engine
from ocilayout.engines.table import engine_of
from ocilayout.errors import CannotHold, ImageNotFound
from ocilayout.protocols import ImageSource
from ocilayout.spec.compatible import Preference, absence, as_machine, best, choice
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_clients import Client
from ocilayout.transforms.combine import combine
from ocilayout.transforms.select import select_where


def row_of(client: Client) -> Engine:
    """The row of the table for an engine that has told its version."""
    store = "containerd" if client.has_containerd_store else ""
    return engine_of(client.kind, client.version, store)


def for_machine(
    source: ImageSource, client: Client, asked: Sequence[Platform] | None
) -> ImageSource:
    """The source with what the engine's machine runs, or machines of the platforms asked for.

    No platforms are all of them, None is the engine's own. Of each image, a machine gets the one
    that suits it best. An engine that takes all platforms of an image gets them unless some are
    asked for. Raises CannotHold where the engine's machine runs nothing of it, or where the engine
    has no room for several platforms, and ImageNotFound where a machine that was asked for runs
    nothing.
    """
    takes_all = row_of(client).platforms.value == "all"
    entries = [entry for entry in entries_of(source) if entry.kind != KIND_REFERRER]
    if asked is None:
        _check_machine(entries, client)
        kept = source if takes_all else _for_machines(source, entries, (client.machine,))
        if not takes_all:
            _say_what_does_not_run(entries, client)
    else:
        kept = _for_machines(source, entries, asked) if asked else source
    if not takes_all:
        _check_room(kept, client)
    return kept


def _check_machine(entries: Sequence[Entry], client: Client) -> None:
    found = [platform for entry in entries for platform in entry.platforms]
    if found and best(client.machine, found) is None:
        known = ", ".join(dict.fromkeys(map(str, found)))
        raise CannotHold(
            f"{client.title} runs {client.machine}, and this is for {known}: "
            f"--platform {found[0].specifier} loads it all the same"
        )


def _check_room(source: ImageSource, client: Client) -> None:
    for entry in entries_of(source):
        if len(set(entry.platforms)) > 1:
            known = ", ".join(map(str, entry.platforms))
            raise CannotHold(
                f"{client.title} holds one platform of an image, and {entry.title} has {known}: "
                "name one with --platform"
            )


def _for_machines(
    source: ImageSource, entries: Sequence[Entry], machines: Sequence[Platform]
) -> ImageSource:
    """The source with what each of the machines takes of each image; raises ImageNotFound."""
    taken: dict[Digest, set[Platform]] = {entry.digest: set() for entry in entries}
    for machine in map(as_machine, machines):
        winners = _winners(entries, machine)
        if not winners and any(entry.platforms for entry in entries):
            present = (platform for entry in entries for platform in entry.platforms)
            raise ImageNotFound(absence(machine, present))
        for digest, platform in winners.items():
            taken[digest].add(platform)
    return combine(
        [
            _part(source, entry, taken[entry.digest])
            for entry in entries
            if taken[entry.digest] or not entry.platforms
        ]
    )


def _part(source: ImageSource, entry: Entry, platforms: Collection[Platform]) -> ImageSource:
    alone = pick.by_digest(source, entry.digest, "the source")
    wanted = {platform.normalized for platform in platforms}
    return select_where(alone, lambda found: found.normalized in wanted) if wanted else alone


def _winners(entries: Sequence[Entry], machine: Platform) -> dict[Digest, Platform]:
    """The entries that a machine gets, each with the platform that suits it best.

    Of those that share a name, what suits it best. What has no name gives way to an index that it
    stands in.
    """
    choices = [
        (entry, chosen[0], chosen[1])
        for entry in entries
        for chosen in [choice(machine, entry.platforms)]
        if chosen is not None
    ]
    first: dict[object, Preference] = {}
    for entry, rank, _ in choices:
        for key in (*entry.full_names, *entry.image_ids):
            first[key] = min(rank, first.get(key, rank))
    return {
        entry.digest: platform
        for entry, rank, platform in choices
        if all(first[key] == rank for key in entry.full_names or entry.image_ids)
    }


def _say_what_does_not_run(entries: Sequence[Entry], client: Client) -> None:
    unfit = [entry for entry in entries if entry.platforms]
    running = {
        name
        for entry in unfit
        if best(client.machine, entry.platforms) is not None
        for name in entry.full_names
    }
    gone = [name for entry in unfit for name in entry.full_names if name not in running]
    if gone:
        notices.warn(f"left out, since {client.title} runs {client.machine}: {', '.join(gone)}")
