"""Words of a Dockerfile: split, unquoted, and with variables put in (BuildKit's parser and shlex).

Not Python's shlex: a backslash, a single quote or a `$` means other things there.
"""

import re
from collections.abc import Iterator, Mapping

from ocilayout.errors import UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-]", re.ASCII)


def split_words(text: str) -> list[str]:
    """The words of `text`, still with their quotes; spaces within quotes do not split."""
    words: list[str] = []
    word: str | None = None
    quote = ""
    letters = iter(text)
    for letter in letters:
        if letter.isspace() and not quote:
            if word is not None:
                words.append(word)
            word = None
            continue
        word = (word or "") + letter
        if letter == "\\" and quote != "'":
            word += next(letters, "")
        elif letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
    if word is not None:
        words.append(word)
    return words


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """The word without its quotes, its variables replaced; raises UsageError."""
    return _Expansion(word, variables).run("")


class _Expansion:
    def __init__(self, word: str, variables: Mapping[str, str]) -> None:
        self._word = word
        self._position = 0
        self._variables = variables

    def run(self, stop: str) -> str:
        """All up to the letter `stop`, which is passed over; up to the end where it is empty."""
        return "".join(self._pieces(stop))

    def _pieces(self, stop: str) -> Iterator[str]:
        while self._position < len(self._word):
            letter = self._take()
            if letter == stop:
                return
            if letter == "'":
                yield self._single_quoted()
            elif letter == '"':
                yield from self._double_quoted()
            elif letter == "$":
                yield self._variable()
            elif letter == "\\":
                yield self._take()
            else:
                yield letter
        if stop:
            raise self._unfinished(stop)

    def _single_quoted(self) -> str:
        end = self._word.find("'", self._position)
        if end < 0:
            raise self._unfinished("'")
        text = self._word[self._position : end]
        self._position = end + 1
        return text

    def _double_quoted(self) -> Iterator[str]:
        while self._position < len(self._word):
            letter = self._take()
            if letter == '"':
                return
            if letter == "$":
                yield self._variable()
            elif letter == "\\":
                following = self._take()
                yield following if following in '"$\\' else letter + following
            else:
                yield letter
        raise self._unfinished('"')

    def _variable(self) -> str:
        if self._word[self._position : self._position + 1] != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._take()
        name = self._name()
        following = self._take()
        if name and following == "}":
            return self._variables.get(name, "")
        modifier = self._take() if following == ":" else ""
        if not name or modifier not in {"-", "+", "?"}:
            raise UsageError(f"{self._word!r}: what stands in ${{...}} is no name or modifier")
        return self._modified(name, modifier, self.run("}"))

    def _modified(self, name: str, modifier: str, word: str) -> str:
        value = self._variables.get(name, "")
        if modifier == "+":
            return word if value else ""
        if modifier == "?" and not value:
            raise UsageError(f"{self._word!r}: {name}: {word or 'is not set'}")
        return value or word

    def _name(self) -> str:
        match = _NAME.match(self._word, self._position)
        if match is None:
            return ""
        self._position = match.end()
        return match[0]

    def _take(self) -> str:
        letter = self._word[self._position : self._position + 1]
        self._position += 1
        return letter

    def _unfinished(self, missing: str) -> UsageError:
        return UsageError(f"{self._word!r}: the closing {missing} is missing")
