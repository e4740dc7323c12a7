"""dockerd with its own store: manifest.json is all that it reads, one image after the other."""

from collections.abc import Iterable, Mapping

from ocilayout.engines.cargo import Cargo, Entry, same_image
from ocilayout.engines.facts import Engine
from ocilayout.engines.faults import docker_faults
from ocilayout.engines.grammar import InvalidName, saved_name
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_faults,
    check_file,
    check_image,
    check_layers,
    check_system,
    each_judged,
    left_behind,
    names_lost,
    referrers_lost,
    refusal_by,
)
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    check_file(cargo, engine)
    saved = _listed(cargo, engine)
    refusals = _refusals(cargo, saved, engine, machine)
    owners = {name: entry.digest for entry in saved for name in _names(entry, engine)}

    def judge(entry: Entry) -> Outcome:
        listed = same_image(entry, saved)
        if listed is None:
            raise refusal_by(
                "manifest.json does not list it, and nothing else is read",
                engine.platforms,
                "nothing kept",
            )
        if listed.digest in refusals:
            raise refusals[listed.digest]
        return _loaded(entry, listed, engine, owners)

    entries = [
        entry
        for entry in asked_for(cargo, cargo.entries)
        if same_image(entry, saved) or not _is_taken(entry, owners)
    ]
    listed_ids = {image_id for entry in cargo.listed for image_id in entry.image_ids}
    if cargo.is_layout:
        more = [entry for entry in saved if entry.digest not in listed_ids]
        entries += asked_for(cargo, more) if more else []
    return each_judged(entries, judge)


def _is_taken(entry: Entry, owners: Mapping[str, Digest]) -> bool:
    """Whether manifest.json has other images of its names: then halves of the file disagree."""
    return bool(entry.names) and all(name in owners for name in entry.full_names)


def _listed(cargo: Cargo, engine: Engine) -> tuple[Entry, ...]:
    if isinstance(cargo.items, str):
        raise refusal_by(f"it cannot decode manifest.json: {cargo.items}", engine.refusal)
    if cargo.saved is None:
        raise refusal_by(
            f"it has no manifest.json: docker will say {engine.refusal.value!r}", engine.refusal
        )
    if cargo.absent_members:
        absent = cargo.absent_members[0]
        raise refusal_by(f"it has no {absent!r}: no such file or directory", engine.refusal)
    if not cargo.saved:
        raise refusal_by("manifest.json lists no image", engine.empty, engine.empty.value)
    return cargo.saved


def _refusals(
    cargo: Cargo, saved: Iterable[Entry], engine: Engine, machine: Platform | None
) -> dict[Digest, Refusal]:
    """Why images do not load: each by itself, and all that follow one which does not."""
    found: dict[Digest, Refusal] = {}
    for entry in saved:
        try:
            if found:
                raise refusal_by("an image before it is refused, which ends all", engine.refusal)
            _check(cargo, entry, engine, machine)
        except Refusal as refusal:
            found[entry.digest] = refusal
    return found


def _check(cargo: Cargo, entry: Entry, engine: Engine, machine: Platform | None) -> None:
    check_image(entry, engine)
    check_layers(engine, entry.members)
    check_system(engine, entry.members, machine)
    faults = (
        (fault, None)
        for member in entry.members
        for fault in (*docker_faults(member), *cargo.layer_faults(member))
    )
    check_faults(entry, faults, engine)
    for tag in entry.names:
        try:
            saved_name(tag, engine)
        except InvalidName as error:
            # The image stays, without a name.
            raise refusal_by(f"its name {tag!r} is refused: {error}", engine.tag_alone) from None


def _names(entry: Entry, engine: Engine) -> tuple[str, ...]:
    """What docker calls an image; nothing for what is refused."""
    names = []
    for tag in entry.names:
        try:
            names.append(saved_name(tag, engine))
        except InvalidName:
            continue
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _loaded(
    entry: Entry,
    listed: Entry,
    engine: Engine,
    owners: Mapping[str, Digest],
) -> Outcome:
    names = _names(listed, engine)
    kept = tuple(name for name in names if owners[name] == listed.digest)
    taken_away = [name for name in names if name not in kept]
    lost_names = (
        *names_lost(entry.names, names),
        *(f"the name {name}, which another image takes" for name in taken_away),
    )
    platforms = tuple(member.platform for member in listed.members if member.platform)
    lost = (
        *left_behind(entry, platforms),
        *referrers_lost(entry, engine),
    )
    # A name that differs from the one in index.json is another, and can be used.
    is_lost = bool(taken_away) or (bool(listed.names) and not names)
    return Outcome(
        entry.title,
        str(entry.digest),
        "name lost" if is_lost else "loads",
        kept,
        platforms,
        lost_names,
        lost,
        is_usable=bool(kept) or not is_lost,
    )
