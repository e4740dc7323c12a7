"""What is sent into an engine that answers: what its machine runs, in the form that it takes."""

from collections.abc import Collection, Mapping, Sequence

from ocilayout import notices, pick
from ocilayout.engines.cargo import KIND_REFERRER, Entry, entries_of
from ocilayout.engines.facts import Engine
from ocilayout.engines.table import engine_of
from ocilayout.errors import CannotHold
from ocilayout.protocols import ImageSource
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_clients import Client
from ocilayout.transforms.combine import combine
from ocilayout.transforms.select import select

_RUNS_TOO = {
    "amd64": (Platform("linux", "386"),),
    "arm64": (Platform("linux", "arm", "v7"), Platform("linux", "arm", "v6")),
}
"""What a processor runs beside its own (containerd:platforms/compare.go)."""

Ranks = Mapping[Digest, int]
"""For an entry, which of the platforms that the machine runs it is sent for."""


def row_of(client: Client) -> Engine:
    """The row of the table for an engine that has told its version."""
    store = "containerd" if client.has_containerd_store else ""
    return engine_of(client.kind, client.version, store)


def for_machine(source: ImageSource, client: Client, asked: Sequence[Platform]) -> ImageSource:
    """The source with what the engine's machine runs, or the platforms that were asked for.

    An engine that holds one platform of an image gets that alone, of each image the one that
    suits the machine best. Raises CannotHold where there is none.
    """
    if asked:
        return select(source, platforms=asked)
    entries = [entry for entry in entries_of(source) if entry.kind != KIND_REFERRER]
    found = [platform for entry in entries for platform in entry.platforms]
    runs = (client.machine, *_RUNS_TOO.get(client.machine.architecture, ()))
    ranks = _ranks(entries, runs)
    if found and not ranks:
        known = ", ".join(dict.fromkeys(map(str, found)))
        raise CannotHold(
            f"{client.title} runs {client.machine}, and this is for {known}: "
            f"--platform {found[0]} loads it all the same"
        )
    if not found or row_of(client).platforms.value == "all":
        return source
    _say_what_does_not_run(entries, ranks, client)
    best = _best(entries, ranks)
    parts = [
        _of_one_platform(source, entry, [runs[ranks[entry.digest]]] if entry.platforms else [])
        for entry in entries
        if not entry.platforms or entry.digest in best
    ]
    return combine(parts)


def _ranks(entries: Sequence[Entry], runs: Sequence[Platform]) -> Ranks:
    return {
        entry.digest: rank for entry in entries for rank in [_rank(entry, runs)] if rank is not None
    }


def _rank(entry: Entry, runs: Sequence[Platform]) -> int | None:
    fitting = (
        rank
        for rank, platform in enumerate(runs)
        if any(each.fits(platform) for each in entry.platforms)
    )
    return next(fitting, None)


def _best(entries: Sequence[Entry], ranks: Ranks) -> Collection[Digest]:
    """The entries that are sent: of those that share a name, what suits the machine best.

    What has no name gives way to an index that it stands in.
    """
    running = [entry for entry in entries if entry.digest in ranks]
    first: dict[str | Digest, int] = {}
    for entry in running:
        rank = ranks[entry.digest]
        keys: tuple[str | Digest, ...] = (*entry.full_names, *entry.image_ids)
        first.update({key: min(rank, first.get(key, rank)) for key in keys})
    return {
        entry.digest
        for entry in running
        if all(first[key] == ranks[entry.digest] for key in entry.full_names or entry.image_ids)
    }


def _of_one_platform(
    source: ImageSource, entry: Entry, platforms: Sequence[Platform]
) -> ImageSource:
    return select(pick.by_digest(source, entry.digest, "the source"), platforms=platforms)


def _say_what_does_not_run(entries: Sequence[Entry], ranks: Ranks, client: Client) -> None:
    running = {name for entry in entries if entry.digest in ranks for name in entry.full_names}
    gone = [
        name
        for entry in entries
        if entry.platforms and entry.digest not in ranks
        for name in entry.full_names
        if name not in running
    ]
    if gone:
        notices.warn(f"left out, since {client.title} runs {client.machine}: {', '.join(gone)}")
