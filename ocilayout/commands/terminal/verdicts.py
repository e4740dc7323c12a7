"""What an engine will make of a file, for people and for programs."""

from ocilayout.commands.terminal.printing import echo
from ocilayout.engines.mending import Mending
from ocilayout.engines.questions import Outcome, Prediction


def echo_verdict(prediction: Prediction, mend: Mending | None) -> None:
    """A line for each image, and one that says what to do."""
    reasons = {outcome.reason for outcome in prediction.outcomes}
    if len(prediction.outcomes) > 1 and len(reasons) == 1 and "" not in reasons:
        echo(f"{prediction.engine.name}: nothing of it will load: {reasons.pop()}")
    else:
        for outcome in prediction.outcomes:
            echo(f"{prediction.engine.name}: {_sentence(outcome)}")
    if mend is None:
        return
    if mend.command is None:
        echo(f"  nothing mends that: {mend.reason}")
    else:
        echo(f"  mend it: {mend.command}")


def _sentence(outcome: Outcome) -> str:
    if not outcome.loads:
        return f"{outcome.title} will not load: {outcome.reason}"
    words = [outcome.title, "loads"]
    if outcome.names and ", ".join(outcome.names) != outcome.title:
        words.append(f"as {', '.join(outcome.names)}")
    elif not outcome.names:
        words.append("without a name")
    if outcome.platforms:
        words.append(f"for {', '.join(map(str, outcome.platforms))}")
    lost = f"; lost: {'; '.join(outcome.lost)}" if outcome.lost else ""
    return " ".join(words) + lost


def verdict_fields(prediction: Prediction, mend: Mending | None) -> dict[str, object]:
    """The same as JSON."""
    return {
        "engine": prediction.engine.name,
        "loads": prediction.loads,
        "command": prediction.engine.command,
        "images": [_outcome_fields(outcome) for outcome in prediction.outcomes],
        "mend": None if mend is None else {"command": mend.command, "reason": mend.reason},
    }


def _outcome_fields(outcome: Outcome) -> dict[str, object]:
    return {
        "image": outcome.title,
        "digest": outcome.digest,
        "loads": outcome.loads,
        "names": list(outcome.names),
        "platforms": [str(platform) for platform in outcome.platforms],
        "lost": list(outcome.lost),
        "reason": outcome.reason,
        "source": outcome.source,
    }
