"""Full names as they are written for an engine: which of them it takes, and what to type else."""

from ocilayout.engines.facts import Engine
from ocilayout.engines.grammar import InvalidName, imported_name, saved_name
from ocilayout.engines.podman_names import podman_tag
from ocilayout.engines.questions import Refusal
from ocilayout.errors import InvalidDocument
from ocilayout.spec.reference import Reference

PLACEHOLDER = "REPOSITORY:TAG"


def may_be_written(name: str, engine: Engine) -> bool:
    """Whether the engine takes an image of this full name."""
    try:
        if engine.loader == "podman":
            podman_tag(name)
        elif engine.loader == "docker":
            saved_name(name, engine)
        elif engine.loader == "containerd":
            imported_name(name, engine)
    except (InvalidName, Refusal):
        return False
    return True


def suggested(names: tuple[str, ...]) -> str:
    """What to call an image: its name in lower case, where that makes it one."""
    for name in names:
        lower = name.lower()
        if lower == name or not ("/" in lower or ":" in lower):
            continue
        try:
            return str(Reference.parse(lower.partition("@")[0]))
        except InvalidDocument:
            continue
    return PLACEHOLDER
