"""Will it load: what of a file an engine looks at, put beside what it takes."""

from collections.abc import Callable

from ocilayout.engines import containerd, dockerd, podman, registry
from ocilayout.engines.cargo import Cargo
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome, Prediction
from ocilayout.engines.questions import Refusal, asked_for, refused
from ocilayout.spec.platform import Platform

_LOADERS: dict[str, Callable[[Cargo, Engine, Platform | None], list[Outcome]]] = {
    "docker": dockerd.load,
    "containerd": containerd.load,
    "podman": podman.load,
    "registry": registry.load,
}


def predict(cargo: Cargo, engine: Engine, platform: Platform | None = None) -> Prediction:
    """What `engine`, on a machine of `platform`, makes of a file."""
    try:
        outcomes = _LOADERS[engine.loader](cargo, engine, platform)
    except Refusal as refusal:
        outcomes = [refused(entry, refusal) for entry in asked_for(cargo, cargo.entries)]
    if not outcomes:
        outcomes = [Outcome(cargo.text, "", "refused", reason="there is no image in it")]
    return Prediction(engine, tuple(outcomes))
