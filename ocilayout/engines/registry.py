"""A registry: whatever can be copied to one with its bytes."""

from ocilayout.engines.cargo import Cargo, Entry
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_layers,
    judged,
    own_refusal,
    referrers_lost,
    refusal_by,
    sparse,
    taken,
)
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""

    def judge(entry: Entry) -> Outcome:
        refusal = own_refusal(cargo, entry)
        if refusal is not None:
            # It is pushed by a copy, which refuses that.
            raise refusal
        names = [reference_of(name) for name in entry.names]
        full = tuple(str(name) for name in names if name)
        if not full:
            raise refusal_by(
                "it has no name with a repository, under which to push", engine.nameless
            )
        if any(not member.whole for member in entry.members):
            raise sparse(entry, engine)
        check_layers(engine, entry.members)
        if cargo.is_layout:
            _check_docker_types(entry)
        lost = list(referrers_lost(entry, engine))
        if not cargo.is_layout:
            lost.append("its digest in a registry, which such a tar has not")
        return taken(entry, full, entry.platforms, lost_parts=tuple(lost))

    return judged(engine, asked_for(cargo, cargo.entries), judge)


def _check_docker_types(entry: Entry) -> None:
    for member in entry.members:
        if member.is_docker and member.codecs - {"gzip"}:
            raise Refusal(
                "its media types are Docker's, which know gzip layers alone",
                "containers/image#1270, go-containerregistry#2078: registries refuse others",
            )
