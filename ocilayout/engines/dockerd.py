"""dockerd with its own store: manifest.json is all that it reads."""

from ocilayout.engines.cargo import Cargo, Entry, same_image
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.questions import (
    asked_for,
    check_file,
    check_layers,
    check_system,
    docker_names,
    elsewhere,
    judged,
    left_behind,
    names_lost,
    referrers_lost,
    refusal_by,
    taken,
)
from ocilayout.spec.platform import Platform


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    check_file(cargo, engine)
    if cargo.saved is None:
        raise refusal_by(
            f"it has no manifest.json: docker will say {engine.refusal.value!r}", engine.refusal
        )
    saved = cargo.saved

    def judge(entry: Entry) -> Outcome:
        found = same_image(entry, saved)
        if found is None:
            raise refusal_by(
                "manifest.json does not list it, and nothing else is read", engine.refusal
            )
        check_layers(engine, found.members)
        check_system(engine, found.members, machine)
        platforms = tuple(member.platform for member in found.members if member.platform)
        names = docker_names(found, engine)
        lost = (
            *left_behind(entry, platforms),
            *referrers_lost(entry, engine),
            *elsewhere(platforms, machine),
        )
        return taken(
            entry, names, platforms, lost_names=names_lost(entry.names, names), lost_parts=lost
        )

    entries = asked_for(cargo, cargo.entries)
    listed_ids = {image_id for entry in cargo.listed for image_id in entry.image_ids}
    if cargo.is_layout:
        more = [entry for entry in saved if entry.digest not in listed_ids]
        entries += asked_for(cargo, more) if more else []
    return judged(engine, entries, judge)
