"""What a person can do about a file that an engine does not load: the command that fixes it."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ocilayout.engines.cargo import KIND_ARTIFACT, KIND_REFERRER, Cargo, Entry, entries_of
from ocilayout.engines.facts import Engine
from ocilayout.engines.fitting import first_choice, fitted
from ocilayout.engines.member import Member
from ocilayout.engines.obstacles import layer_obstacle, may_be_rebuilt, obstacle
from ocilayout.engines.outcomes import Prediction
from ocilayout.engines.rebuilding import rebuilding
from ocilayout.engines.written_names import may_be_written, suggested
from ocilayout.errors import OciLayoutError
from ocilayout.protocols import ImageSource
from ocilayout.spec.compatible import as_machine, best
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform
from ocilayout.suffixes import SUFFIXES
from ocilayout.transforms.missing import settle_missing


@dataclass(frozen=True)
class Fix:
    """What a person can do about a file that does not load."""

    command: str | None
    """None where nothing helps."""
    reason: str = ""
    """Why nothing does, or what the command does not keep or leaves to be filled in."""


def fix_for(
    cargo: Cargo,
    source: ImageSource,
    prediction: Prediction,
    machine: Platform | None = None,
    options: Sequence[str] = (),
) -> Fix | None:
    """The command that makes the file fit; None where it does, names and all.

    `machine` is what the engine runs on, where that is known; `options` are those with which the
    file is read.
    """
    engine = prediction.engine
    loses_names = any(outcome.lost_names for outcome in prediction.outcomes)
    has_better_names = _has_full_names(source) or engine.full_names.value
    if prediction.loads and not (loses_names and has_better_names):
        return None
    images = [entry for entry in _images(cargo, source, engine) if _is_picked(cargo, entry)]
    if not images:
        return Fix(None, _why_no_image(source))
    taken = _taken_by(machine, images) if machine is not None else []
    if machine is not None and not taken and any(entry.platforms for entry in images):
        return Fix(None, f"no image in it is for {machine}")
    try:
        source = settle_missing(source, "prune")
    except OciLayoutError as error:
        return Fix(None, f"{error}: get it again, whole")
    wanted = _Wanted(cargo, source, engine, machine, tuple(taken), tuple(options))
    return _fixed(wanted, images)


@dataclass(frozen=True)
class _Wanted:
    """What is to be fixed, and for what."""

    cargo: Cargo
    source: ImageSource
    engine: Engine
    machine: Platform | None
    platforms: tuple[Platform, ...]
    options: tuple[str, ...]

    @property
    def target(self) -> str:
        path = self.cargo.path
        name = path.name if path is not None else "image"
        for suffix in sorted(SUFFIXES, key=len, reverse=True):
            name = name.removesuffix(suffix)
        forms = self.engine.forms
        transport = "" if forms[0] == "docker-archive" else f"{forms[0]}:"
        return f"{transport}{name}.{self.engine.name}.tar"


def _fixed(wanted: _Wanted, images: Sequence[Entry]) -> Fix:
    own = images
    if wanted.machine is not None:
        own = [each for each in images if not each.platforms or _taken(wanted.machine, each)]
    obstacles = list(_obstacles(wanted, own))
    if len(obstacles) == len(own):
        entry, member, reason = obstacles[0]
        if not may_be_rebuilt(member) or wanted.cargo.layer_faults(member):
            return Fix(None, reason)
        return _rebuilt(wanted, entry, member, len(images))
    hindered = [entry for entry, _, _ in obstacles]
    return _converted(wanted, [each for each in own if each not in hindered], len(images))


def _obstacles(wanted: _Wanted, images: Sequence[Entry]) -> Iterator[tuple[Entry, Member, str]]:
    for entry in images:
        member = _member_for(entry, wanted)
        if member is None:
            continue
        reason = obstacle(member, wanted.engine) or layer_obstacle(
            wanted.cargo.layer_faults(member)
        )
        if reason is not None:
            yield entry, member, reason


def _member_for(entry: Entry, wanted: _Wanted) -> Member | None:
    if wanted.machine is not None:
        own = best(as_machine(wanted.machine), entry.platforms)
        return next((member for member in entry.members if member.platform == own), None)
    return first_choice(entry, wanted.engine)


def _rebuilt(wanted: _Wanted, entry: Entry, member: Member, images: int) -> Fix:
    place = f"{wanted.cargo.text}@{entry.digest}" if images > 1 else wanted.cargo.text
    names = tuple(
        str(reference) for name in entry.names if (reference := reference_of(name)) is not None
    )
    good = tuple(name for name in names if may_be_written(name, wanted.engine))
    command, lost = rebuilding(
        wanted.source,
        [place, *wanted.options],
        wanted.target,
        member,
        good or (suggested(entry.names),),
    )
    return Fix(command, f"it does not keep {', '.join(lost)}" if lost else "")


def _converted(wanted: _Wanted, entries: Sequence[Entry], images: int) -> Fix:
    engine, first = wanted.engine, entries[0]
    words = ["ocilayout", "convert", wanted.cargo.text, wanted.target, "--for", engine.name]
    words += wanted.options
    if wanted.cargo.reasons:
        # A copy refuses what cannot be read.
        words += ["--missing", "prune"]
    if engine.loader == "docker" or len(entries) < images:
        # manifest.json has room for one platform of an image.
        words += [w for platform in wanted.platforms for w in ("--platform", platform.specifier)]
    named = [entry for entry in entries if _has_good_name(entry, engine)]
    is_nameless = engine.nameless.value and not any(entry.names for entry in entries)
    needs_name = not named and not is_nameless
    if images > 1 and (needs_name or _share_a_name(entries)):
        words[2] = f"{wanted.cargo.text}@{first.digest}"
    if needs_name:
        return Fix(shlex.join([*words, "--tag", suggested(first.names)]))
    try:
        fitted(wanted.source, engine)
    except OciLayoutError as error:
        return Fix(None, str(error))
    return Fix(shlex.join(words))


def _share_a_name(entries: Sequence[Entry]) -> bool:
    names = [name for entry in entries for name in entry.full_names]
    return len(set(names)) < len(names)


def _has_good_name(entry: Entry, engine: Engine) -> bool:
    references = [reference_of(name) for name in entry.names]
    written = [str(each) for each in references if each is not None]
    if written:
        return all(may_be_written(name, engine) for name in written)
    # A tag alone is left out of manifest.json, where that may name nothing.
    is_tag = not any(sign in name for name in entry.names for sign in "/:@")
    return bool(entry.names) and is_tag and engine.nameless.value


def _images(cargo: Cargo, source: ImageSource, engine: Engine) -> list[Entry]:
    """The images of a source, with the names of manifest.json where those are none to us."""
    written = {key: entry.names for entry in cargo.saved or () for key in entry.image_ids}
    entries = (entry for entry in entries_of(source) if entry.kind != KIND_REFERRER)
    return [
        replace(entry, names=entry.names or _first(written, entry.image_ids))
        for entry in entries
        if entry.kind != KIND_ARTIFACT or engine.artifacts.value
    ]


def _first(names: Mapping[Digest, tuple[str, ...]], ids: Sequence[Digest]) -> tuple[str, ...]:
    return next((names[key] for key in ids if key in names), ())


def _is_picked(cargo: Cargo, entry: Entry) -> bool:
    return cargo.picked is None or cargo.is_picked(entry)


def _why_no_image(source: ImageSource) -> str:
    if source.index.children:
        return "there is no image in it, and what is none has no form there"
    return "there is no image in it"


def _taken(machine: Platform, entry: Entry) -> Platform | None:
    return best(as_machine(machine), entry.platforms)


def _taken_by(machine: Platform, images: Sequence[Entry]) -> list[Platform]:
    """What a machine takes of the images, once each."""
    found = (_taken(machine, entry) for entry in images if entry.platforms)
    return list(dict.fromkeys(platform for platform in found if platform is not None))


def _has_full_names(source: ImageSource) -> bool:
    return any(reference_of(name) for entry in entries_of(source) for name in entry.names)
