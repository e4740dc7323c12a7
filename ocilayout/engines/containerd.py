"""containerd's importer: an OCI layout where it says that it is one, else manifest.json.

`ctr` of containerd 2 hands the file to the transfer service, which unpacks all platforms and keeps
nothing where one fails; what uses containerd's client ends there; dockerd reports no error, and
unpacks what its machine runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ocilayout.engines.cargo import KIND_IMAGE, Cargo, Entry
from ocilayout.engines.facts import Engine
from ocilayout.engines.faults import artifact_faults, looks_unpackable, oci_faults, unpacks
from ocilayout.engines.grammar import InvalidName, imported_name
from ocilayout.engines.importer_names import names_in_store
from ocilayout.engines.member import Member
from ocilayout.engines.outcomes import Outcome, Verdict
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_faults,
    check_file,
    each_judged,
    own_members,
    referrers_lost,
    refusal_by,
    refused,
    sparse,
)
from ocilayout.spec.compatible import as_machine, best
from ocilayout.spec.media_types import LayerType
from ocilayout.spec.platform import Platform

_SEEN = "seen with docker 29 and containerd 2 of August 2026"
_FILTERED = "it lists no image: image might be filtered out"


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    check_file(cargo, engine)
    entries = _listed(cargo, engine)
    _check_documents(cargo)
    _check_what_ends_all(entries, engine)
    last = {name: entry for entry in entries for name in entry.names}

    def judge(entry: Entry) -> Outcome:
        _check_kept(entry, engine, last)
        _check_unpacked(cargo, entry, engine, machine)
        lost = () if cargo.imported.is_layout else _types_lost(entry)
        return _stored(entry, engine, lost)

    outcomes = each_judged(asked_for(cargo, entries), judge)
    ends = next((found for found in outcomes if found.verdict == "refused"), None)
    if ends is None or engine.importer == "image store":
        return outcomes
    # An error in one of them ends the import of all.
    raise Refusal(ends.reason, ends.source)


def _listed(cargo: Cargo, engine: Engine) -> Sequence[Entry]:
    view = cargo.imported
    if view.problem is not None:
        raise refusal_by(view.problem, engine.refusal)
    if "mediaType" in view.missing or ("digest" in view.missing and engine.is_docker):
        lacks = "media type" if "mediaType" in view.missing else "digest"
        raise refusal_by(f"an entry of index.json has no {lacks}", engine.refusal)
    if view.is_empty:
        raise Refusal(_FILTERED, engine.empty.source, engine.empty.value)
    if view.is_layout:
        return cargo.listed
    return [_saved(entry, engine) for entry in cargo.saved or ()]


def _saved(entry: Entry, engine: Engine) -> Entry:
    """An entry of manifest.json, with the names and the types of layers that it gets."""
    try:
        names = tuple(imported_name(tag, engine) for tag in entry.names)
    except InvalidName as error:
        raise refusal_by(f"{error}, which ends the import of all", engine.tag_alone) from None
    members = tuple(map(_relabelled, entry.members))
    return replace(entry, names=tuple(dict.fromkeys(names)), members=members)


def _relabelled(member: Member) -> Member:
    codecs = ["gzip" if codec in {"gzip", "zstd"} else "none" for codec in member.layer_codecs]
    types = tuple(LayerType("docker", codec).media_type for codec in codecs)
    return replace(member, layer_types=types, algorithms=frozenset())


def _check_documents(cargo: Cargo) -> None:
    for damage in cargo.damaged if cargo.imported.is_layout else ():
        if damage.digest is None and "digest" in cargo.imported.missing:
            # It leads nowhere: whether that ends all is a row's own answer.
            continue
        raise Refusal(
            f"{damage.title} cannot be read, which ends the import of all",
            "containerd:core/images/image.go: Children decodes each document",
        )


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


def _check_kept(entry: Entry, engine: Engine, last: Mapping[str, Entry]) -> None:
    if not (entry.names or engine.nameless.value or engine.by_digest.value):
        raise refusal_by(
            "it has no name, and only what has one is kept", engine.nameless, "nothing kept"
        )
    for name in entry.names:
        winner = last[name]
        if winner.digest != entry.digest:
            raise Refusal(
                f"another image has the name {name} too, and the last one wins: merge makes "
                "them one",
                "containerd:client/import.go: each entry of a name updates it",
                "nothing kept" if winner.kind == KIND_IMAGE else _ARTIFACT[engine.importer],
            )


def _check_unpacked(cargo: Cargo, entry: Entry, engine: Engine, machine: Platform | None) -> None:
    if entry.kind != KIND_IMAGE:
        _check_artifact(entry, engine)
        return
    _check_own(entry, engine, machine)
    members = own_members(entry, machine) if engine.is_docker else entry.members
    faults = (
        (fault, member.platform)
        for member in members
        for fault in (*oci_faults(member), *(cargo.layer_faults(member) if unpacks(member) else ()))
    )
    check_faults(entry, faults, engine)
    systems = {member.platform.normalized.os for member in members if member.platform}
    if engine.importer == "transfer" and "windows" in systems:
        raise Refusal("it is for windows, and is not unpacked", _SEEN, "not unpacked")


def _check_own(entry: Entry, engine: Engine, machine: Platform | None) -> None:
    """Raises Refusal where a client looks for what to unpack in an index, and finds nothing."""
    if engine.importer != "client" or machine is None or not (entry.is_index and entry.platforms):
        return
    if best(as_machine(machine), entry.platforms) is None:
        raise Refusal(
            f"its index has nothing for {machine} to unpack: no match for platform in manifest",
            "containerd v1.6.20:image.go (Unpack); seen with ctr 1.6.20",
        )


_ARTIFACT: Mapping[str, Verdict] = {
    "image store": "broken",
    "transfer": "not unpacked",
    "client": "refused",
}
"""What becomes of a name that leads to what is no image."""


def _check_artifact(entry: Entry, engine: Engine) -> None:
    if entry.artifact is not None and looks_unpackable(entry.artifact):
        check_faults(entry, ((fault, None) for fault in oci_faults(entry.artifact)), engine)
        return
    if not engine.is_docker:
        verdict = _ARTIFACT[engine.importer]
        raise refusal_by(
            f"it is {entry.called}, no image that could run", engine.artifacts, verdict
        )
    if entry.artifact is None:
        raise Refusal("it leads to no manifest: neither a manifest or index", _SEEN, "broken")
    check_faults(entry, ((fault, None) for fault in artifact_faults(entry.artifact)), engine)


def _types_lost(saved: Entry) -> tuple[str, ...]:
    """What of the layers' media types is lost where manifest.json, which has none, is read."""
    if not any("zstd" in member.codecs for member in saved.members):
        return ()
    return (
        "the type of its zstd layers: they are labelled gzip, and pushes from there break "
        "(containerd#14160)",
    )


def _stored(entry: Entry, engine: Engine, lost_parts: tuple[str, ...]) -> Outcome:
    stored = names_in_store(entry, engine)
    if stored.reason:
        return refused(entry, Refusal(stored.reason, stored.source, stored.verdict))
    return Outcome(
        entry.title,
        str(entry.digest),
        stored.verdict,
        stored.names,
        entry.platforms,
        stored.lost_names,
        (*referrers_lost(entry, engine), *lost_parts),
        is_usable=stored.is_usable,
    )
