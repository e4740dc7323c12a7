"""What to type instead of a verb or an option that does not exist.

Words that other tools have for the same thing come first; only then the nearest letters count.
"""

from collections.abc import Iterable

import click

from ocilayout.commands.terminal import foreign_words


def unknown_verb(word: str, verbs: Iterable[str]) -> str:
    """What to say of a word that is none of `verbs`."""
    known = sorted(verbs)
    lower = word.lower()
    refusal = f"{word!r} is not an ocilayout verb"
    if lower in known:
        return f"{refusal}: verbs are in lower case: {lower}"
    if lower in foreign_words.VERB_ADVICE:
        return f"{refusal}; {foreign_words.VERB_ADVICE[lower]}"
    meant = [verb for verb in known if lower in foreign_words.VERBS.get(verb, ())]
    if meant:
        return f"{refusal}; what does that here is {' or '.join(meant)}"
    similar = _similar(lower, known)
    be = "is" if len(similar) == 1 else "are"
    return f"{refusal}; the most similar {be} {' and '.join(similar)}" if similar else refusal


def unknown_option(option: str, command: click.Command, context: click.Context) -> str:
    """What to say of an option that `command` does not have."""
    known = [name for parameter in command.params for name in parameter.opts if name[0] == "-"]
    refusal = f"{context.command_path} has no option {option}"
    meant = _meant(option, known, command)
    if meant is not None:
        return f"{refusal}; {meant}"
    others = _verbs_with(option, context)
    if others:
        return f"{refusal}, but {', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
    similar = _similar(option, known) if option.startswith("--") else []
    return f"{refusal}; the most similar is {similar[0]}" if similar else refusal


def _meant(option: str, known: list[str], command: click.Command) -> str | None:
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    last = str(arguments[-1].metavar) if arguments else ""
    is_copy = last.endswith(("DST", "DEST"))
    if is_copy and option in foreign_words.OUTPUT and "--output" not in known:
        return f"the destination is the last word, {last}"
    if last.startswith("NAME") and option in foreign_words.NAMES:
        return "write the names alone, without an option"
    rows = [(foreign_words.SHORT.get(option, ()), (option,)), *foreign_words.OPTIONS.items()]
    for candidates, words in rows:
        meant = next((name for name in candidates if name in known), None)
        if meant is not None and option in words:
            return f"use {meant}"
    if is_copy or "--output" in known:
        return {**foreign_words.ADVICE, **foreign_words.ADVICE_OF_COPIES}.get(option)
    return foreign_words.ADVICE.get(option)


def _verbs_with(option: str, context: click.Context) -> list[str]:
    group = context.find_root().command
    if not isinstance(group, click.Group) or not option.startswith("--"):
        return []
    commands = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [
        name
        for name, command in commands
        if command and any(option in parameter.opts for parameter in command.params)
    ]


def _similar(word: str, known: Iterable[str]) -> list[str]:
    """Those of `known` that a slip of the fingers makes `word`, or that it begins."""
    letters = word.lstrip("-")
    begun = [other for other in known if len(letters) > 3 and other.startswith(word)]
    if len(begun) == 1:
        return begun
    slips = {other: _slips(letters, other.lstrip("-")) for other in known}
    fewest = min(slips.values(), default=0)
    most = max(1, len(letters) // 4)
    return [other for other, count in slips.items() if count == fewest <= most]


def _slips(one: str, other: str) -> int:
    """Letters to add, drop, change or swap with the next (the optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, another in enumerate(other, 1):
            costs = [rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (letter != another)]
            if i > 1 and j > 1 and (one[i - 2], letter) == (another, other[j - 2]):
                costs.append(rows[-2][j - 2] + 1)
            row.append(min(costs))
        rows.append(row)
    return rows[-1][-1]
