"""What every loader asks of a file, and how it answers."""

from collections.abc import Callable, Iterable

from ocilayout.damage import Damage
from ocilayout.engines.cargo import KIND_IMAGE, KIND_REFERRER, Cargo, Entry
from ocilayout.engines.facts import Engine, Fact, Words
from ocilayout.engines.faults import Fault
from ocilayout.engines.member import NO_TAR, Member
from ocilayout.engines.outcomes import Outcome, Verdict, is_worse
from ocilayout.engines.rules import RULES
from ocilayout.spec.compatible import as_machine, best
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform

_MIB = 1024 * 1024


class Refusal(Exception):
    """An engine does not take an image, or a whole file, or takes it and nothing can run it."""

    def __init__(self, reason: str, source: str, verdict: Verdict = "refused") -> None:
        super().__init__(reason)
        self.reason = reason
        self.source = source
        self.verdict: Verdict = verdict


def asked_for(cargo: Cargo, entries: Iterable[Entry]) -> list[Entry]:
    """The images and artifacts that the question is about; referrers go with their images."""
    return [
        entry for entry in entries if entry.kind != KIND_REFERRER and cargo.is_picked(entry)
    ] or [entry for entry in entries if cargo.is_picked(entry)]


def taken(
    entry: Entry,
    names: tuple[str, ...],
    platforms: tuple[Platform, ...],
    *,
    lost_names: tuple[str, ...] = (),
    lost_parts: tuple[str, ...] = (),
) -> Outcome:
    """What becomes of an image that the engine takes."""
    verdict: Verdict = "name lost" if lost_names else "loads"
    return Outcome(
        entry.title, str(entry.digest), verdict, names, platforms, lost_names, lost_parts
    )


def refused(entry: Entry, refusal: Refusal) -> Outcome:
    """What becomes of an image that is not taken."""
    return Outcome(
        entry.title,
        str(entry.digest),
        refusal.verdict,
        reason=refusal.reason,
        source=refusal.source,
    )


def damaged(damage: Damage) -> Outcome:
    """What becomes of what cannot be read."""
    digest = str(damage.digest or "")
    return Outcome(damage.title, digest, "refused", reason=f"it cannot be read: {damage.reason}")


def own_refusal(cargo: Cargo, entry: Entry) -> Refusal | None:
    """Why an entry cannot be read here, whatever an engine says of it; None where it can."""
    reason = cargo.reasons.get(entry.digest)
    return None if reason is None else Refusal(f"it cannot be read: {reason}", "")


def refused_whole(cargo: Cargo, refusal: Refusal) -> Outcome:
    """What becomes of a file in which no image is listed."""
    return Outcome(cargo.text, "", refusal.verdict, reason=refusal.reason, source=refusal.source)


def judged(
    engine: Engine, entries: Iterable[Entry], judge: Callable[[Entry], Outcome]
) -> list[Outcome]:
    """What `judge` says of each; artifacts are nothing to most engines."""

    def judge_image(entry: Entry) -> Outcome:
        check_image(entry, engine)
        return judge(entry)

    return each_judged(entries, judge_image)


def each_judged(entries: Iterable[Entry], judge: Callable[[Entry], Outcome]) -> list[Outcome]:
    """What `judge` says of each, be it by a Refusal."""
    outcomes = []
    for entry in entries:
        try:
            outcomes.append(judge(entry))
        except Refusal as refusal:
            outcomes.append(refused(entry, refusal))
    return outcomes


def refusal_by(reason: str, fact: Fact[object], verdict: Verdict = "refused") -> Refusal:
    """A refusal that a fact of the table explains."""
    return Refusal(reason, fact.source, verdict)


def check_image(entry: Entry, engine: Engine) -> None:
    """Raises Refusal where the engine takes images alone, and the entry is an artifact."""
    if entry.kind != KIND_IMAGE and not engine.artifacts.value:
        raise refusal_by(f"it is {entry.called}, no image that could run", engine.artifacts)


def check_faults(
    entry: Entry, faults: Iterable[tuple[Fault, Platform | None]], row: Engine
) -> None:
    """Raises Refusal with the verdict of the worst of an image's faults, by the table of rules."""
    worst: Refusal | None = None
    for fault, platform in faults:
        if row.importer == "":
            continue
        rule = RULES[fault.code]
        verdict = rule.verdicts[row.importer]
        words = rule.words.format(fault.detail)
        if entry.is_index and platform is not None:
            words = f"of {platform}, {words}"
        if verdict != "loads" and (worst is None or is_worse(verdict, worst.verdict)):
            worst = Refusal(words, rule.source, verdict)
    if worst is not None:
        raise worst


def own_members(entry: Entry, machine: Platform | None) -> tuple[Member, ...]:
    """What a machine unpacks of an image: what suits it best of that which is here.

    Where the machine is not known it is whatever is here.
    """
    members = entry.members
    if machine is not None:
        if entry.is_index:
            members = tuple(member for member in members if member.has_manifest)
        platforms = (member.platform for member in members if member.platform)
        taken = best(as_machine(machine), platforms)
        members = tuple(member for member in members if member.platform in {None, taken})
    elif any(member.whole for member in members):
        members = tuple(member for member in members if member.whole)
    return members


def check_file(cargo: Cargo, engine: Engine) -> None:
    """Raises Refusal where the engine cannot read the file from outside."""
    if cargo.is_folder:
        raise refusal_by("it is a folder, and it takes a tar", engine.outer)
    if engine.suffixes is not None:
        _check_suffix(cargo, engine.name, engine.suffixes)
    if cargo.outer not in engine.outer.value:
        raise refusal_by(
            f"the tar is compressed with {cargo.outer} outside, which it does not inflate",
            engine.outer,
        )
    if engine.window is not None and cargo.window > engine.window.value:
        raise refusal_by(
            f"its zstd frame has a window of {cargo.window // _MIB} MiB, "
            f"{engine.window.value // _MIB} are the most that it takes",
            engine.window,
        )


def _check_suffix(cargo: Cargo, name: str, suffixes: Fact[dict[str, str]]) -> None:
    if cargo.path is None:
        return
    fitting = [suffix for suffix in suffixes.value if cargo.path.name.endswith(suffix)]
    if not fitting:
        raise refusal_by(f"{name} passes over files that do not end in .tar, .tar.zst …", suffixes)
    if suffixes.value[fitting[0]] != cargo.outer:
        raise refusal_by(
            f"the file ends in {fitting[0]}, but is {_worded(cargo.outer)} outside", suffixes
        )


def _worded(codec: str) -> str:
    return "not compressed" if codec == "none" else f"compressed with {codec}"


def check_layers(engine: Engine, members: Iterable[Member]) -> None:
    """Raises Refusal where layers are too many, or are not of the kind that the engine takes."""
    for member in members:
        refusal = unmendable(member, engine)
        if refusal is not None:
            raise refusal
        for codec in sorted(member.codecs - engine.layers.value):
            words = "no tars" if codec == NO_TAR else f"{_worded(codec)}, which it does not take"
            raise refusal_by(f"its layers are {words}", engine.layers)


def unmendable(member: Member, engine: Engine) -> Refusal | None:
    """Why the engine does not take the layers, however they are compressed; None where it may."""
    most, known = engine.most_layers, engine.diff_ids
    if most is not None and member.layers > most.value:
        return refusal_by(f"it has {member.layers} layers, {most.value} are the most", most)
    stated: Words = member.config.algorithms if member.config is not None else frozenset()
    others = stated - known.value if known is not None else ()
    if known is not None and others:
        return refusal_by(
            f"its diff ids are {', '.join(sorted(others))}, and only "
            f"{', '.join(sorted(known.value))} is understood",
            known,
        )
    return None


def check_system(engine: Engine, members: Iterable[Member], machine: Platform | None) -> None:
    """Raises Refusal where all members are for systems that the engine does not run."""
    systems = {machine.normalized.os} if machine and engine.systems.value else engine.systems.value
    if not systems:
        return
    # docker takes an image that names no system for its own.
    found = {member.platform.normalized.os for member in members if member.platform} - {""}
    if found and not found & systems:
        raise refusal_by(
            f"it is for {', '.join(sorted(found))}, the engine for {', '.join(sorted(systems))}",
            engine.systems,
        )


def left_behind(entry: Entry, kept: Iterable[Platform]) -> tuple[str, ...]:
    """The platforms of an index that the engine does not keep."""
    others = [str(platform) for platform in entry.platforms if platform not in set(kept)]
    return (f"the platforms {', '.join(others)}",) if others else ()


def referrers_lost(entry: Entry, engine: Engine) -> tuple[str, ...]:
    """What speaks of an image, where the engine does not keep that."""
    is_lost = entry.has_referrers and not engine.referrers.value
    return ("its attestations and other referrers",) if is_lost else ()


def names_lost(written: Iterable[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """What is lost where the engine calls an image otherwise than the file does."""
    before = [str(reference_of(name) or name) for name in written]
    gone = [name for name in before if name not in names]
    return (f"the name {', '.join(gone)}",) if gone else ()


def sparse(entry: Entry, engine: Engine) -> Refusal:
    """A refusal of what is named and is not here."""
    if not entry.is_index:
        return refusal_by(f"{entry.title} is not whole", engine.sparse)
    absent = [str(member.platform) for member in entry.members if not member.whole]
    return refusal_by(
        f"{entry.title} lacks {', '.join(absent)}, which its index names", engine.sparse
    )
