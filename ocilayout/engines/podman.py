"""podman: an OCI layout of one entry, else what manifest.json lists, else a folder of skopeo's."""

from ocilayout.engines.cargo import KIND_IMAGE, Cargo, Entry, same_image
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    check_layers,
    elsewhere,
    judged,
    left_behind,
    names_lost,
    referrers_lost,
    refusal_by,
    sparse,
    taken,
)
from ocilayout.spec.platform import Platform


def load(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    """What becomes of each image; raises Refusal where nothing of the file is read."""
    reason = Refusal("there is no index.json and no manifest.json in it", engine.refusal.source)
    if cargo.is_layout or (cargo.is_folder and cargo.saved is None):
        try:
            return _podman_layout(cargo, engine, machine)
        except Refusal as refusal:
            reason = refusal
    if cargo.saved is None:
        raise reason
    if cargo.outer == "gzip":
        raise refusal_by("the tar is compressed with gzip outside, which it garbles", engine.outer)

    saved = cargo.saved
    end = next((entry for entry in saved if entry.kind != KIND_IMAGE), None)
    unreached = saved[saved.index(end) :] if end else ()

    def judge(entry: Entry) -> Outcome:
        if end and entry in unreached:
            raise refusal_by(f"{end.title} before it is no image, which ends all", engine.artifacts)
        platforms = tuple(member.platform for member in entry.members if member.platform)
        names = tuple(_podman_name(name) for name in entry.names)
        listed = same_image(entry, cargo.listed) or entry
        lost = (
            *left_behind(listed, platforms),
            *referrers_lost(listed, engine),
            *elsewhere(platforms, machine),
        )
        return taken(
            entry, names, platforms, lost_names=names_lost(entry.names, names), lost_parts=lost
        )

    return judged(engine, asked_for(cargo, saved), judge)


def _podman_layout(cargo: Cargo, engine: Engine, machine: Platform | None) -> list[Outcome]:
    if cargo.descriptors != 1:
        raise refusal_by("index.json has several entries: choose an image", engine.refusal)
    (entry,) = cargo.listed
    if entry.kind != KIND_IMAGE:
        raise refusal_by("it is an artifact, no image that could run", engine.artifacts)
    if entry.is_index and machine and not any(p.fits(machine) for p in entry.platforms):
        raise refusal_by(f"no image in it is for {machine}", engine.platforms)
    if not entry.platforms:
        raise sparse(entry, engine)
    check_layers(engine, entry.members)
    names = _podman_layout_names(cargo, entry)
    if cargo.is_folder and any(name != name.lower() for name in names):
        raise refusal_by("its path, which becomes its name, has upper-case letters", engine.outer)
    platforms = entry.platforms
    if entry.is_index and machine:
        platforms = tuple(p for p in entry.platforms if p.fits(machine))[:1]
    lost = (
        *left_behind(entry, platforms),
        *_all_but_one(platforms),
        *referrers_lost(entry, engine),
        *elsewhere(platforms, machine),
    )
    return [
        taken(entry, names, platforms, lost_names=names_lost(entry.names, names), lost_parts=lost)
    ]


def _all_but_one(platforms: tuple[Platform, ...]) -> tuple[str, ...]:
    if len(platforms) < 2:
        return ()
    return (f"all but one of {', '.join(map(str, platforms))}: it keeps its machine's own",)


def _podman_layout_names(cargo: Cargo, entry: Entry) -> tuple[str, ...]:
    if cargo.is_folder:
        # An OCI folder is called by its path, one of skopeo's not at all.
        path = str(cargo.path.absolute()) if cargo.path and cargo.is_layout else ""
        return (_podman_name(f"localhost{path}"),) if path else ()
    return tuple(_podman_name(name) for name in entry.names[:1])


def _podman_name(name: str) -> str:
    """As podman fills it in: `localhost` where there is no registry."""
    head, slash, _ = name.partition("/")
    has_registry = slash and ("." in head or ":" in head or head == "localhost")
    full = name if has_registry else f"localhost/{name}"
    named, at, digest = full.partition("@")
    repository, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = named, "latest"
    return f"{repository}@{digest}" if at else f"{repository}:{tag}"
