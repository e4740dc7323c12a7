"""What an engine will make of a file, for people and for programs."""

from collections.abc import Iterable, Mapping, Sequence

from ocilayout.commands.terminal.printing import echo
from ocilayout.engines.fix import Fix
from ocilayout.engines.outcomes import Outcome, Prediction, Verdict
from ocilayout.engines.table import families

_WORDS: Mapping[Verdict, str] = {
    "not unpacked": "will be stored and not unpacked, so nothing can run it",
    "broken": "will be broken: the engine reports no error, and no container can be made of it",
    "nothing kept": "will not be kept, though the engine reports no error",
    "refused": "will not load",
}


def echo_verdict(prediction: Prediction, fix: Fix | None) -> None:
    """A line for each image, and one that says what to do."""
    reasons = {outcome.reason for outcome in prediction.outcomes}
    if len(prediction.outcomes) > 1 and len(reasons) == 1 and "" not in reasons:
        echo(f"{prediction.engine.name}: nothing of it will load: {reasons.pop()}")
    else:
        for outcome in prediction.outcomes:
            echo(f"{prediction.engine.name}: {_sentence(outcome)}")
    if fix is None:
        return
    if fix.command is None:
        echo(f"  no fix: {fix.reason}")
    else:
        echo(f"  fix it: {fix.command}")


def echo_first_versions(asked: Iterable[str], predictions: Sequence[Prediction]) -> None:
    """For each family that was asked for as a whole, the first version that loads the file."""
    for family, first in first_versions(asked, predictions).items():
        if first is None:
            echo(f"{family}: no version that is known loads it")
        else:
            echo(f"{family}: the first that loads it is {first}")


def first_versions(
    asked: Iterable[str], predictions: Sequence[Prediction]
) -> dict[str, str | None]:
    """The first row that loads the file, for each family of several rows that was asked for."""
    rows = {family: rows for family, rows in families().items() if len(rows) > 1}
    loading = {prediction.engine.name for prediction in predictions if prediction.loads}
    return {
        family: next((row.name for row in rows[family] if row.name in loading), None)
        for family in dict.fromkeys(asked)
        if family in rows
    }


def _sentence(outcome: Outcome) -> str:
    if outcome.verdict in _WORDS:
        return f"{outcome.title} {_WORDS[outcome.verdict]}: {outcome.reason}"
    words = [outcome.title, "loads" if outcome.runs else "would load"]
    if outcome.names and ", ".join(outcome.names) != outcome.title:
        words.append(f"as {', '.join(outcome.names)}")
    elif not outcome.names:
        words.append("without a name")
    if outcome.platforms:
        words.append(f"for {', '.join(map(str, outcome.platforms))}")
    if outcome.taken is not None and len(outcome.platforms) > 1:
        words.append(f"and runs as {outcome.taken}")
    lost = f"; lost: {'; '.join(outcome.lost)}" if outcome.lost else ""
    useless = "" if outcome.runs else f", but {outcome.reason}"
    return " ".join(words) + lost + useless


def verdict_fields(prediction: Prediction, fix: Fix | None) -> dict[str, object]:
    """The same as JSON."""
    return {
        "engine": prediction.engine.name,
        "verdict": prediction.verdict,
        "command": prediction.engine.command,
        "images": [_outcome_fields(outcome) for outcome in prediction.outcomes],
        "fix": None if fix is None else {"command": fix.command, "reason": fix.reason},
    }


def _outcome_fields(outcome: Outcome) -> dict[str, object]:
    return {
        "image": outcome.title,
        "digest": outcome.digest,
        "verdict": outcome.verdict,
        "usable": outcome.loads,
        "names": list(outcome.names),
        "platforms": [str(platform) for platform in outcome.platforms],
        "runs": None if outcome.taken is None else str(outcome.taken),
        "lost": list(outcome.lost),
        "reason": outcome.reason,
        "source": outcome.source,
    }
