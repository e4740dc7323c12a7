"""What a person can do about a file that an engine does not load: the command that mends it."""

import shlex
from dataclasses import dataclass, replace

from ocilayout.engines.cargo import KIND_ARTIFACT, KIND_REFERRER, Cargo, Entry, entries_of
from ocilayout.engines.facts import Engine
from ocilayout.engines.fitting import fitted, why_formless
from ocilayout.engines.outcomes import Prediction
from ocilayout.errors import OciLayoutError
from ocilayout.protocols import ImageSource
from ocilayout.spec.compatible import as_machine, best
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform
from ocilayout.suffixes import SUFFIXES
from ocilayout.transforms.missing import settle_missing


@dataclass(frozen=True)
class Mending:
    """What a person can do about a file that does not load."""

    command: str | None
    """None where there is no form for it."""
    reason: str = ""
    """Why there is none, or why the command has a part to be filled in."""

    def with_options(self, *options: str) -> "Mending":
        """The same with more options behind the command, if there is one."""
        return (
            self
            if self.command is None
            else replace(self, command=" ".join((self.command, *options)))
        )


def mending(
    cargo: Cargo, source: ImageSource, prediction: Prediction, machine: Platform | None = None
) -> Mending | None:
    """The command that makes the file fit; None where it does, names and all.

    `machine` is what the engine runs on, where that is known.
    """
    loses_names = any(outcome.lost_names for outcome in prediction.outcomes)
    engine = prediction.engine
    has_better_names = _has_full_names(source) or engine.full_names.value
    if prediction.loads and not (loses_names and has_better_names):
        return None
    taken = _taken_by(machine, cargo) if machine is not None else []
    if machine is not None and not taken and _platforms(cargo):
        return Mending(None, f"no image in it is for {machine}")
    words = ["ocilayout", "convert", cargo.text, _target(cargo, engine), "--for", engine.name]
    if engine.loader == "docker":
        # manifest.json has room for one platform of an image.
        words += [word for platform in taken for word in ("--platform", platform.specifier)]
    try:
        fitted(settle_missing(source, "prune"), engine)
    except OciLayoutError as error:
        nameless = _only_nameless(source, engine)
        if not nameless:
            return Mending(None, str(error))
        if len(nameless) > 1:
            words[2] = f"{cargo.text}{_pick(nameless[0])}"
        return Mending(f"{shlex.join(words)} --tag REPOSITORY:TAG", str(error))
    return Mending(shlex.join(words))


def _platforms(cargo: Cargo) -> list[tuple[Platform, ...]]:
    """Those of each image that has any."""
    entries = filter(cargo.is_picked, cargo.entries)
    return [entry.platforms for entry in entries if entry.platforms]


def _taken_by(machine: Platform, cargo: Cargo) -> list[Platform]:
    """What a machine takes of the images, once each."""
    taken = (best(as_machine(machine), platforms) for platforms in _platforms(cargo))
    return list(dict.fromkeys(platform for platform in taken if platform is not None))


def _only_nameless(source: ImageSource, engine: Engine) -> list[Entry]:
    """The images of a source of which none has more than a name against it."""
    entries = [entry for entry in entries_of(source) if entry.kind != KIND_REFERRER]
    named = {entry.digest: replace(entry, names=("named:1",)) for entry in entries}
    images = [entry for entry in entries if entry.kind != KIND_ARTIFACT or engine.artifacts.value]
    return [entry for entry in images if why_formless(named[entry.digest], engine) is None]


def _pick(entry: Entry) -> str:
    return f":{entry.names[0]}" if entry.names else f"@{entry.digest}"


def _has_full_names(source: ImageSource) -> bool:
    return any(reference_of(name) for entry in entries_of(source) for name in entry.names)


def _target(cargo: Cargo, engine: Engine) -> str:
    name = cargo.path.name if cargo.path is not None else "image"
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        name = name.removesuffix(suffix)
    transport = "" if engine.forms[0] == "docker-archive" else f"{engine.forms[0]}:"
    return f"{transport}{name}.{engine.name}.tar"
