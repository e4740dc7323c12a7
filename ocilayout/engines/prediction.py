"""Will it load: what of a file an engine looks at, put beside what it takes."""

from collections.abc import Callable
from dataclasses import replace

from ocilayout.engines import containerd, dockerd, podman, registry
from ocilayout.engines.cargo import Cargo
from ocilayout.engines.facts import Engine
from ocilayout.engines.outcomes import Outcome, Prediction
from ocilayout.engines.questions import (
    Refusal,
    asked_for,
    damaged,
    own_refusal,
    refused,
    refused_whole,
)
from ocilayout.engines.unread_forms import SOURCE
from ocilayout.spec.compatible import as_machine, best
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
        if cargo.unread_form is not None and engine.loader != "registry":
            raise Refusal(cargo.unread_form, SOURCE)
        outcomes = _LOADERS[engine.loader](cargo, engine, platform)
    except Refusal as refusal:
        outcomes = [
            refused(entry, own_refusal(cargo, entry) or refusal)
            for entry in asked_for(cargo, cargo.entries)
        ]
        outcomes = outcomes or [refused_whole(cargo, refusal)]
    # containerd passes over an entry without a digest; where it does not, that ended all above.
    skips = engine.loader == "containerd" and "digest" in cargo.imported.missing
    outcomes += [damaged(each) for each in cargo.damaged if each.digest or not skips]
    if platform is not None and engine.loader != "registry":
        outcomes = [_on_machine(outcome, as_machine(platform)) for outcome in outcomes]
    if not outcomes:
        outcomes = [Outcome(cargo.text, "", "refused", reason="there is no image in it")]
    return Prediction(engine, tuple(outcomes))


def _on_machine(outcome: Outcome, machine: Platform) -> Outcome:
    """The outcome on a machine: what is loaded and cannot run there is of no use."""
    if not outcome.loads or not outcome.platforms:
        return outcome
    taken = best(machine, outcome.platforms)
    if taken is not None:
        return replace(outcome, taken=taken)
    known = ", ".join(map(str, outcome.platforms))
    return replace(
        outcome,
        runs=False,
        reason=f"nothing of it runs on {machine}: it is for {known}",
        source="github.com/containerd/platforms, compare.go: Only",
    )
