"""podman: an OCI layout of one entry, else what manifest.json lists, else a directory of skopeo's.

It tries one after the other (containers/common v0.50:libimage/load.go).
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from ocilayout.engines.cargo import KIND_IMAGE, Cargo, Entry, same_image
from ocilayout.engines.facts import Engine
from ocilayout.engines.member import Member
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.podman_images import check_listed, check_saved
from ocilayout.engines.podman_links import check_links, check_manifest_link
from ocilayout.engines.podman_names import podman_name, podman_tag
from ocilayout.engines.podman_platforms import chosen
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_layers,
    left_behind,
    names_lost,
    referrers_lost,
    refusal_by,
    refused,
    sparse,
    taken,
)
from ocilayout.engines.rules import RULES
from ocilayout.engines.saved_list import SavedItem
from ocilayout.spec.names import full_name
from ocilayout.spec.platform import Platform

_Attempt = Callable[[Cargo, Engine, Platform | None], list[Outcome]]
_FIRST = "containers/image v5.23:docker/internal/tarfile/reader.go (ChooseManifestItem)"
_APPLY = "containers/storage:drivers/vfs; seen with podman 4.3.1: ApplyLayer"
_MEMBERS = "containers/image v5.23:docker/internal/tarfile/src.go; seen with podman 4.3.1"
_DIRECTORY = "containers/common v0.50:libimage/normalize.go; seen with podman 4.3.1"


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    last = Refusal("there is no index.json and no manifest.json in it", engine.refusal.source)
    for attempt in _attempts(cargo):
        try:
            return attempt(cargo, engine, machine)
        except Refusal as refusal:
            last = refusal
    raise last


def _attempts(cargo: Cargo) -> Iterator[_Attempt]:
    if cargo.is_layout or cargo.is_folder:
        yield _listed
    if cargo.saved is not None and not cargo.is_folder:
        yield _saved


def _saved(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What manifest.json lists, one after the other, until one is not taken."""
    if cargo.outer == "gzip":
        raise refusal_by("the tar is compressed with gzip outside, which it garbles", engine.outer)
    saved = cargo.saved or ()
    if not saved:
        raise Refusal("manifest.json lists no image", engine.refusal.source, "nothing kept")
    check_manifest_link(cargo.links)
    items = cargo.items if isinstance(cargo.items, list) else []
    outcomes: dict[Entry, Outcome] = {}
    end: Entry | None = None
    for position, (entry, names) in enumerate(_saved_names(saved).items()):
        try:
            if end is not None:
                raise Refusal(f"{end.title} before it ends the load of all", engine.refusal.source)
            for item in items[position : position + 1]:
                _check_here(item, cargo.absent_members)
                check_links(item, items[:position], cargo.links)
            outcomes[entry] = _judge_saved(entry, names, cargo, engine, machine)
        except Refusal as refusal:
            outcomes[entry] = refused(entry, refusal)
            if refusal.verdict == "refused":
                end = end or entry
    return [outcomes[entry] for entry in asked_for(cargo, saved)]


def _check_here(item: SavedItem, absent: Collection[str]) -> None:
    """Raises Refusal where the archive has no member of a name in the list, exactly so written."""
    for name in (item.config, *item.layers):
        if name in absent:
            raise Refusal(f"it has no {name!r}: some layer tarfiles are missing", _MEMBERS)


def _saved_names(saved: Iterable[Entry]) -> dict[Entry, tuple[str, ...]]:
    """What each image is called; of those that share a name, the first has it for all."""
    names: dict[Entry, tuple[str, ...]] = {}
    for entry in saved:
        taken_before = {name for others in names.values() for name in others}
        full = {full_name(tag): podman_tag(tag) for tag in reversed(entry.names)}
        names[entry] = tuple(name for name in full.values() if name not in taken_before)
    return names


def _judge_saved(
    entry: Entry, names: tuple[str, ...], cargo: Cargo, engine: Engine, machine: Platform | None
) -> Outcome:
    if entry.kind != KIND_IMAGE:
        raise refusal_by("it is no image, which ends the load of all", engine.artifacts)
    if entry.names and not names:
        reason = "an image before it has the same name, and is loaded in its place"
        raise Refusal(reason, _FIRST, "nothing kept")
    for member in entry.members:
        check_saved(member)
        _check_read(cargo, member, ignored=())
    check_layers(engine, entry.members)
    platforms = tuple(member.platform for member in entry.members if member.platform)
    listed = same_image(entry, cargo.listed) or entry
    lost = (
        *left_behind(listed, platforms),
        *referrers_lost(listed, engine),
    )
    return taken(
        entry, names, platforms, lost_names=names_lost(entry.names, names), lost_parts=lost
    )


def _listed(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """The one entry of an index.json, or the image of a directory of skopeo's."""
    if cargo.descriptors == 0:
        raise Refusal("index.json lists no image", engine.refusal.source)
    if cargo.descriptors == 1 and not cargo.listed:
        raise refusal_by("the entry of index.json cannot be read", engine.refusal)
    if cargo.descriptors != 1:
        raise refusal_by("index.json has several entries: choose an image", engine.refusal)
    (entry,) = cargo.listed
    if entry.kind != KIND_IMAGE and not (entry.artifact and entry.artifact.may_be_image):
        raise refusal_by(f"it is {entry.called}, no image that could run", engine.artifacts)
    candidates = _candidates(entry, engine, machine)
    if not all(member.whole for member in candidates):
        raise sparse(entry, engine)
    for member in candidates:
        check_listed(member)
        # It goes by the digests of an OCI manifest, and looks at no diff id.
        _check_read(cargo, member, ignored=("diff-id-wrong",))
    check_layers(engine, candidates)
    names = _listed_names(cargo, entry)
    platforms = tuple(member.platform for member in candidates if member.platform)
    lost = (
        *left_behind(entry, platforms),
        *_all_but_one(platforms),
        *referrers_lost(entry, engine),
    )
    return [
        taken(entry, names, platforms, lost_names=names_lost(entry.names, names), lost_parts=lost)
    ]


def _check_read(cargo: Cargo, member: Member, ignored: Collection[str]) -> None:
    """Raises Refusal where layers were read, and cannot be unpacked."""
    for fault in cargo.layer_faults(member):
        if fault.code not in ignored:
            raise Refusal(RULES[fault.code].words.format(fault.detail), _APPLY)


def _candidates(entry: Entry, engine: Engine, machine: Platform | None) -> list[Member]:
    """What podman may choose of an entry: one image, where the machine is known."""
    if not entry.is_index:
        return list(entry.members) or ([entry.artifact] if entry.artifact else [])
    if machine is None:
        return [member for member in entry.members if member.whole] or list(entry.members)
    member = chosen(entry.members, machine)
    if member is None:
        raise refusal_by(f"no image in it is for {machine}", engine.platforms)
    if member.is_nested:
        raise refusal_by("its index lists an index, of which it chooses nothing", engine.platforms)
    return [member]


def _all_but_one(platforms: tuple[Platform, ...]) -> tuple[str, ...]:
    if len(platforms) < 2:
        return ()
    return (f"all but one of {', '.join(map(str, platforms))}: it keeps its machine's own",)


def _listed_names(cargo: Cargo, entry: Entry) -> tuple[str, ...]:
    if not cargo.is_folder:
        return tuple(podman_name(name, str(entry.digest)) for name in entry.names[:1])
    # An OCI directory is called by its path, one of skopeo's not at all.
    path = str(cargo.path.absolute()) if cargo.path and cargo.is_layout else ""
    if not path:
        return ()
    try:
        return (podman_name(f"localhost{path}"),)
    except Refusal:
        raise Refusal(
            f"its path {path}, which becomes its name, is no name of a repository "
            "(lower-case letters, digits, '.', '_' and '-')",
            _DIRECTORY,
        ) from None
