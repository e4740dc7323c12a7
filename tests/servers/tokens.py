"""Bearer tokens: what they are for and how long, in a book that server and registry share."""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scope:
    """What may be done with a repository: `repository:team/app:pull,push`."""

    repository: str
    actions: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """The scope of this text; repositories may have a colon of a port."""
        kind, rest = text.split(":", 1)
        repository, actions = rest.rsplit(":", 1)
        if kind != "repository":
            raise ValueError(f"{text!r} is no scope of a repository")
        return cls(repository, frozenset(actions.split(",")))

    def __str__(self) -> str:
        return f"repository:{self.repository}:{','.join(sorted(self.actions))}"


@dataclass
class TokenBook:
    """Every token that was given out."""

    tokens: dict[str, tuple[tuple[Scope, ...], float]] = field(default_factory=dict)
    """What for, and until when by the monotonic clock."""

    def issue(self, scopes: Iterable[Scope], seconds: float) -> str:
        """A new token."""
        token = secrets.token_urlsafe(16)
        self.tokens[token] = (tuple(scopes), time.monotonic() + seconds)
        return token

    def allows(self, token: str, wanted: Iterable[Scope]) -> bool:
        """Whether the token is alive and for all of this."""
        scopes, until = self.tokens.get(token, ((), 0.0))
        return time.monotonic() < until and all(_within(scope, scopes) for scope in wanted)

    def expire_now(self) -> None:
        """Let every token die that was given out so far."""
        self.tokens.clear()


def _within(wanted: Scope, scopes: Iterable[Scope]) -> bool:
    actions = [scope.actions for scope in scopes if scope.repository == wanted.repository]
    return wanted.actions <= frozenset().union(*actions)
