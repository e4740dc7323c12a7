"""containerd's importer: an OCI layout where it says that it is one, else manifest.json."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ocilayout.engines.cargo import KIND_IMAGE, Cargo, Entry
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_file,
    check_layers,
    check_system,
    docker_names,
    elsewhere,
    judged,
    referrers_lost,
    refusal_by,
    sparse,
    taken,
)
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    check_file(cargo, engine)
    if cargo.is_layout and cargo.has_marker:
        entries = cargo.listed
    elif cargo.saved is not None:
        entries = tuple(_with_full_names(entry, engine) for entry in cargo.saved)
    else:
        lacking = "an oci-layout file" if cargo.is_layout else "index.json and manifest.json"
        raise refusal_by(f"it lacks {lacking}: {engine.refusal.value}", engine.refusal)
    last = {name: entry.digest for entry in entries for name in entry.names}

    def judge(entry: Entry) -> Outcome:
        _check_kept(entry, engine, last)
        check_layers(engine, entry.members)
        check_system(engine, entry.members, machine)
        names = tuple(_containerd_name(name, engine) for name in entry.names)
        lost = (*referrers_lost(entry, engine), *elsewhere(entry.platforms, machine))
        return taken(entry, names, entry.platforms, lost_names=_unfindable(names), lost_parts=lost)

    _check_what_ends_all(entries, engine)
    return judged(engine, asked_for(cargo, entries), judge)


def _check_what_ends_all(entries: Iterable[Entry], engine: Engine) -> None:
    for entry in entries:
        is_artifact = entry.kind != KIND_IMAGE and bool(entry.names)
        if is_artifact and "artifact" in engine.ends_at.value:
            raise refusal_by(
                f"{entry.title} is an artifact, which ends the import of all", engine.artifacts
            )
        has_gap = entry.kind == KIND_IMAGE and any(not member.whole for member in entry.members)
        if has_gap and "gap" in engine.ends_at.value:
            raise sparse(entry, engine)


def _check_kept(entry: Entry, engine: Engine, last: Mapping[str, Digest]) -> None:
    if not entry.names and not engine.nameless.value:
        raise refusal_by("it has no name, and only what has one is kept", engine.nameless)
    for name in entry.names:
        if last[name] != entry.digest:
            raise Refusal(
                f"another image has the name {name} too, and the last one wins: merge makes "
                "them one",
                "containerd:client/import.go: each entry of a name updates it",
            )
    is_sparse = any(not member.whole for member in entry.members)
    if is_sparse and not (engine.sparse.value and entry.platforms):
        raise sparse(entry, engine)


def _containerd_name(name: str, engine: Engine) -> str:
    if any(sign in name for sign in "/:@"):
        return name
    return engine.tag_alone.value.format(tag=name)


def _unfindable(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"the name, as nothing asks for {name}" for name in names if not _is_full(name))


def _is_full(name: str) -> bool:
    reference = reference_of(name)
    return reference is not None and str(reference) == name


def _with_full_names(entry: Entry, engine: Engine) -> Entry:
    return replace(entry, names=docker_names(entry, engine))
