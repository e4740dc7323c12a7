"""What an engine takes of the images there are, and in which form."""

from collections.abc import Iterator
from pathlib import Path

from ocilayout import notices
from ocilayout.engines.cargo import KIND_ARTIFACT, KIND_REFERRER, Entry, entries_of
from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.member import Member
from ocilayout.engines.obstacles import obstacle
from ocilayout.errors import CannotHold, UsageError
from ocilayout.graph import listing
from ocilayout.outputs import outer_codec
from ocilayout.protocols import ImageSource
from ocilayout.recode_policy import Recode
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.names import reference_of
from ocilayout.spec.platform import Platform

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
        reason = why_formless(entry, engine)
        if reason is not None:
            yield entry, reason


def why_formless(entry: Entry, engine: Engine) -> str | None:
    """Why nothing that the engine takes could hold an image; None where something could."""
    if entry.kind == KIND_ARTIFACT and not engine.artifacts.value:
        return f"{entry.called} is no image, {engine.name} has no form for it"
    systems = {platform.normalized.os for platform in entry.platforms}
    if systems and engine.systems.value and not systems & engine.systems.value:
        wanted = ", ".join(sorted(engine.systems.value))
        return f"{engine.name} is for {wanted}, this is for {', '.join(sorted(systems))}"
    member = first_choice(entry, engine)
    reason = obstacle(member, engine) if member is not None else None
    if member is not None and reason is not None:
        return f"{engine.name} does not take {member.platform or 'it'}: {reason}"
    is_named = any(_is_name(name, engine) for name in entry.names)
    is_lost = bool(entry.names) and engine.full_names.value
    if not is_named and (is_lost or not engine.nameless.value):
        is_bare = bool(entry.names) or not engine.tag_alone.value
        lacking = "no name with a repository" if is_bare else "no name"
        return (
            f"{engine.name} finds only what has a full name, this has {lacking}: pick it by "
            "@DIGEST or :NAME, and give it one with --tag REPOSITORY:TAG"
        )
    return None


def first_choice(entry: Entry, engine: Engine) -> Member | None:
    """What manifest.json names of an image, where that has room for one."""
    systems = engine.systems.value
    fitting = (
        member
        for member in entry.members
        if member.whole
        and (not systems or not member.platform or member.platform.normalized.os in systems)
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
