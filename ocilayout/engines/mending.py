"""Making what an engine takes of what it does not: the same images in another form."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ocilayout import notices
from ocilayout.engines.cargo import KIND_ARTIFACT, KIND_REFERRER, Cargo, Entry, Member, entries_of
from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.questions import NAME_LOST, Prediction, unmendable
from ocilayout.errors import CannotHold, OciLayoutError, UsageError
from ocilayout.graph import listing
from ocilayout.outputs import SUFFIXES, outer_codec
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import Recode
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform
from ocilayout.transforms.missing import settle_missing

_PREFERRED = Platform("linux", "amd64")
"""What manifest.json names of an image of several platforms."""


def fitted(source: ImageSource, engine: Engine) -> ImageSource:
    """The source without what can have no form in the engine, which a warning names.

    Raises CannotHold, with the reasons, where that is all.
    """
    formless = list(_formless(source, engine))
    if not formless:
        return source
    gone = {entry.digest for entry, _ in formless}
    kept = [child for child in source.index.children if child.digest not in gone]
    reasons = _gathered(formless)
    if not any(entry.members or _may_be_artifact(entry, engine) for entry in _of(source, kept)):
        raise CannotHold("; ".join(reasons))
    for reason in reasons:
        notices.warn(f"left out: {reason}")
    return listing(source, kept)


def _gathered(formless: list[tuple[Entry, str]]) -> list[str]:
    """One sentence a reason."""
    titles: dict[str, list[str]] = {}
    for entry, reason in formless:
        titles.setdefault(reason, []).append(entry.title)
    return [f"{', '.join(called)}: {reason}" for reason, called in titles.items()]


def _of(source: ImageSource, kept: list[Descriptor]) -> Iterator[Entry]:
    digests = {child.digest for child in kept}
    return (entry for entry in entries_of(source) if entry.digest in digests)


def _may_be_artifact(entry: Entry, engine: Engine) -> bool:
    return engine.artifacts.value and entry.kind != KIND_REFERRER


def _formless(source: ImageSource, engine: Engine) -> Iterator[tuple[Entry, str]]:
    for entry in entries_of(source):
        if entry.kind == KIND_REFERRER:
            if entry.names and "artifact" in engine.ends_at.value:
                yield entry, f"a signature with a name ends the import of all in {engine.name}"
            continue
        reason = _why_formless(entry, engine)
        if reason is not None:
            yield entry, reason


def _why_formless(entry: Entry, engine: Engine) -> str | None:
    if entry.kind == KIND_ARTIFACT and not engine.artifacts.value:
        return f"an artifact is no image, {engine.name} has no form for it"
    systems = {platform.normalized.os for platform in entry.platforms}
    if systems and engine.systems.value and not systems & engine.systems.value:
        wanted = ", ".join(sorted(engine.systems.value))
        return f"{engine.name} is for {wanted}, this is for {', '.join(sorted(systems))}"
    member = _first_choice(entry, engine)
    refusal = unmendable(member, engine) if member is not None else None
    if member is not None and refusal is not None:
        return f"{engine.name} does not take {member.platform}: {refusal.reason}"
    is_named = any(_is_name(name, engine) for name in entry.names)
    if not is_named and not engine.nameless.value:
        is_bare = bool(entry.names) or not engine.tag_alone.value
        lacking = "no name with a repository" if is_bare else "no name"
        return (
            f"{engine.name} keeps only what has a name, this has {lacking}: pick it by @DIGEST "
            "or :NAME, and give it one with --tag REPOSITORY:TAG"
        )
    return None


def _first_choice(entry: Entry, engine: Engine) -> Member | None:
    """What manifest.json names of an image, where that has room for one."""
    systems = engine.systems.value
    fitting = (
        member
        for member in entry.members
        if member.whole
        and member.platform
        and (not systems or member.platform.normalized.os in systems)
    )
    return min(fitting, key=lambda member: member.platform != _PREFERRED, default=None)


def _is_name(name: str, engine: Engine) -> bool:
    """Whether the engine's people can ask for it, in the form that is written for the engine."""
    takes_tags = bool(engine.tag_alone.value) and not engine.full_names.value
    return takes_tags or reference_of(name) is not None


def fitting_recode(recode: Recode, engine: Engine) -> Recode:
    """The policy, but for codecs that the engine does not take: those become gzip."""

    def fit(layer: Descriptor, has: str) -> str | None:
        wanted = recode(layer, has)
        kind = layer_type(layer.media_type)
        only_gzip = engine.loader == "registry" and kind is not None and kind.family == "docker"
        taken = frozenset({"gzip"}) if only_gzip else engine.layers.value
        return wanted if (wanted or has) in taken else "gzip"

    return fit


def manifest_platforms(source: ImageSource, engine: Engine) -> tuple[Platform, ...]:
    """Which platforms manifest.json may name for the engine, the most wanted first."""
    if not engine.systems.value:
        return ()
    found = [
        platform
        for entry in entries_of(source)
        for platform in entry.platforms
        if platform.normalized.os in engine.systems.value
    ]
    return (_PREFERRED, *dict.fromkeys(found))


def check_target(path: Path | None, transport: str, engine: Engine) -> None:
    """Raises UsageError where the engine does not read what would be written there."""
    if transport not in engine.forms:
        raise UsageError(
            f"{engine.name} does not load {transport}: write {' or '.join(engine.forms)}"
        )
    if path is None or transport == "oci":
        return
    codec = outer_codec(path).name
    if codec not in engine.outer.value:
        raise UsageError(
            f"{engine.name} does not read a tar that is compressed with {codec} outside "
            f"({engine.outer.source}): name it .tar"
        )
    _check_suffix(path, codec, engine.suffixes, engine.name)


def _check_suffix(path: Path, codec: str, suffixes: Fact[dict[str, str]] | None, name: str) -> None:
    if suffixes is None:
        return
    if not any(
        path.name.endswith(suffix) and known == codec for suffix, known in suffixes.value.items()
    ):
        raise UsageError(f"{name} reads files that end in {', '.join(suffixes.value)}")


@dataclass(frozen=True)
class Mending:
    """What a person can do about a file that does not load."""

    command: str | None
    """None where there is no form for it."""
    reason: str = ""
    """Why there is none, or why the command has a part to be filled in."""


def mending(
    cargo: Cargo, source: ImageSource, prediction: Prediction, machine: Platform | None = None
) -> Mending | None:
    """The command that makes the file fit; None where it does, names and all.

    `machine` is what the engine runs on, where that is known.
    """
    loses_names = any(
        loss.startswith(NAME_LOST) for outcome in prediction.outcomes for loss in outcome.lost
    )
    engine = prediction.engine
    has_better_names = _has_full_names(source) or engine.full_names.value
    if prediction.loads and not (loses_names and has_better_names):
        return None
    if machine is not None and not _has_images_for(machine, cargo):
        return Mending(None, f"no image in it is for {machine}")
    words = ["ocilayout", "convert", cargo.text, _target(cargo, engine), "--for", engine.name]
    if machine is not None and engine.loader == "docker":
        # manifest.json has room for one platform of an image.
        words += ["--platform", str(machine)]
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


def _has_images_for(machine: Platform, cargo: Cargo) -> bool:
    entries = filter(cargo.is_picked, cargo.entries)
    platforms = [platform for entry in entries for platform in entry.platforms]
    return not platforms or any(platform.fits(machine) for platform in platforms)


def _only_nameless(source: ImageSource, engine: Engine) -> list[Entry]:
    """The images of a source of which none has more than a name against it."""
    entries = [entry for entry in entries_of(source) if entry.kind != KIND_REFERRER]
    named = {entry.digest: replace(entry, names=("named:1",)) for entry in entries}
    images = [entry for entry in entries if entry.kind != KIND_ARTIFACT or engine.artifacts.value]
    return [entry for entry in images if _why_formless(named[entry.digest], engine) is None]


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
