"""What clients of engines answer to questions: in words, or in JSON, which is not trusted."""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import cast

from ocilayout.errors import EngineFailed

_ANSWER_SECONDS = 60
_SAID_KEPT = 500

Answer = Mapping[str, object]


def object_from(*command: str) -> Answer:
    """The JSON object that a client answers, or the first of several; raises EngineFailed."""
    try:
        found: object = json.loads(run(*command))
    except (ValueError, RecursionError):
        raise EngineFailed(f"{' '.join(command)} did not answer in JSON") from None
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, dict):
        raise EngineFailed(f"{' '.join(command)} answered JSON, but no object")
    return cast(Answer, found)


def part(answer: Answer, key: str) -> Answer:
    """The object that an answer has there, empty where it has none."""
    value = answer.get(key)
    return cast(Answer, value) if isinstance(value, dict) else {}


def text(answer: Answer, key: str) -> str:
    """The text that an answer has there, empty where it has none."""
    value = answer.get(key)
    return value if isinstance(value, str) else ""


def run(*command: str) -> str:
    """What a client says; raises EngineFailed with its own words."""
    if shutil.which(command[0]) is None:
        raise EngineFailed(f"{command[0]} is not in PATH")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"{command[0]} gave no answer in {_ANSWER_SECONDS} seconds") from None
    if done.returncode != 0:
        raise failure(command, done.stderr or done.stdout)
    return done.stdout.decode("utf-8", "replace")


def failure(command: Sequence[str], words: bytes) -> EngineFailed:
    """The error to raise where a client failed and said `words`."""
    lines = words.decode("utf-8", "replace").strip().splitlines()
    said = " / ".join(line.strip() for line in lines)[-_SAID_KEPT:] or "nothing"
    return EngineFailed(f"{command[0]} failed, and says: {said}")
