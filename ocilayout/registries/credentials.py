"""A secret and its owner. Neither secret shows in any repr, so none gets into logs or errors."""

from dataclasses import dataclass, field

IDENTITY_USER = "<token>"
"""The user name that says that the secret is an identity token. Source: docker/cli,
cli/config/credentials/native_store.go."""


@dataclass(frozen=True)
class Credentials:
    """A user's name and password, or an identity token, which is sent to a token server alone."""

    username: str
    password: str = field(repr=False)
    identity_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, username: str, secret: str) -> "Credentials":
        """What a pair stands for: `<token>` is nobody's name."""
        if username == IDENTITY_USER:
            return cls("", "", secret)
        return cls(username, secret)
