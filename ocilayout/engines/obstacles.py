"""What is wrong with an image in whichever form it is written, so that converting does not help."""

from collections.abc import Iterator, Sequence

from ocilayout.engines.facts import Engine
from ocilayout.engines.faults import Fault, docker_faults, oci_faults
from ocilayout.engines.member import NO_TAR, Member
from ocilayout.engines.podman_images import check_saved
from ocilayout.engines.questions import Refusal, unmendable
from ocilayout.engines.rules import RULES

_OF_LAYERS = "its layers are no tars: they are encrypted or damaged, and nothing can unpack them"
_CURED_BY_FORM = frozenset({"blob-absent"})
_OF_CONTENT = frozenset(
    {
        "diff-id-wrong",
        "layer-count",
        "layer-damaged",
        "layer-sparse",
        "layer-type-unknown",
        "layer-without-processor",
    }
)
"""Faults with which an image cannot be exported either."""


def obstacle(member: Member, engine: Engine) -> str | None:
    """Why the engine does not take an image, however it is written; None where it may."""
    if NO_TAR in member.layer_codecs:
        return _OF_LAYERS
    refusal = unmendable(member, engine)
    if refusal is not None:
        return refusal.reason
    if engine.loader == "podman":
        try:
            check_saved(member)
        except Refusal as found:
            return found.reason
    return next(_words(member, engine), None)


def layer_obstacle(faults: Sequence[Fault]) -> str | None:
    """What is wrong inside the layers of an image, which no other form helps; None for nothing."""
    words = (RULES[fault.code].words.format(fault.detail) for fault in faults)
    return next((f"{text}: build it again, or get it again, whole" for text in words), None)


def may_be_rebuilt(member: Member) -> bool:
    """Whether what is in its layers can be exported, and so made an image anew."""
    if not member.whole or NO_TAR in member.layer_codecs:
        return False
    return not any(fault.code in _OF_CONTENT for fault in _faults(member))


def _words(member: Member, engine: Engine) -> Iterator[str]:
    if engine.importer == "":
        return
    own = docker_faults if engine.loader == "docker" else oci_faults
    for fault in own(member):
        rule = RULES[fault.code]
        is_cured = fault.code in _CURED_BY_FORM or _is_recoded(fault, member, engine)
        if rule.verdicts[engine.importer] != "loads" and not is_cured:
            yield rule.words.format(fault.detail)


def _is_recoded(fault: Fault, member: Member, engine: Engine) -> bool:
    """Whether its layers are compressed anew for the engine, with labels that are right."""
    return fault.code == "layer-mislabelled" and bool(member.codecs - engine.layers.value)


def _faults(member: Member) -> Iterator[Fault]:
    yield from docker_faults(member)
    yield from oci_faults(member)
