"""Credentials that a person states for a command: as an option, in a file, or by a variable.

They are written `[HOST[:PORT]=]USER:PASSWORD`. What stands before the first `=` is the registry
where it can be one and a colon follows; a password may hold both signs. No message quotes any
part of it, since what looks like a host may be half of a password.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import InvalidDocument, PlaceNotFound, UsageError
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.hosts import canonical
from ocilayout.registries.small_files import read_small
from ocilayout.spec.reference import is_domain

VARIABLE = "OCILAYOUT_CREDS"

_FORM = "[HOST[:PORT]=]USER:PASSWORD"
_MAX_SIZE = 64 * 1024
"""Bytes in a file; tokens have a few thousand."""
_OTHERS_CAN_READ = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True)
class Stated:
    """Credentials, and the one registry that they are for."""

    origin: str
    """Where they were stated: what messages call them."""
    host: str | None
    """None: the only registry of the command, whichever that is."""
    credentials: Credentials


def stated_credentials(
    options: Sequence[str] = (),
    file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> tuple[Stated, ...]:
    """All that were stated, what counts first in front: options, then the file, then the variable.

    Raises UsageError and PlaceNotFound.
    """
    found = [_parsed(text, "--creds") for text in options]
    if file is not None:
        found.append(_parsed(_first_line(file), f"--creds-file {file}"))
    if environment.get(VARIABLE):
        found.append(_parsed(environment[VARIABLE], VARIABLE))
    return tuple(found)


def bound(stated: Sequence[Stated], hosts: Sequence[str]) -> tuple[Stated, ...]:
    """The same, each for one of the registries that a command names.

    Raises UsageError where one without HOST= could go to several of `hosts`, or where an option
    or a file is for none of them; a variable may be set for other commands.
    """
    named = list(dict.fromkeys(canonical(host) for host in hosts))
    return tuple(_bound(each, named) for each in stated)


def _bound(one: Stated, named: Sequence[str]) -> Stated:
    if one.host is None:
        if len(named) > 1:
            raise UsageError(
                f"{one.origin} does not say which registry it is for, and there are "
                f"{len(named)}: {', '.join(named)}: write HOST[:PORT]=USER:PASSWORD"
            )
        return Stated(one.origin, named[0], one.credentials) if named else one
    if named and one.host not in named and one.origin != VARIABLE:
        raise UsageError(
            f"{one.origin} is for a registry that the command does not name; it names "
            f"{', '.join(named)}: write the same HOST[:PORT] in both"
        )
    return one


def _parsed(text: str, origin: str) -> Stated:
    head, equals, rest = text.partition("=")
    host = None
    if equals and ":" in rest and is_domain(head):
        host, text = canonical(head), rest
    elif equals and (":" not in head or "://" in head):
        # Were it taken as part of the name, a secret with a misspelled host could go anywhere.
        raise UsageError(f"{origin}: what stands before the first = is no HOST[:PORT]")
    username, _, password = text.partition(":")
    if not (username and password):
        raise UsageError(f"{origin} is not of the form {_FORM}")
    if not text.isprintable():
        raise UsageError(f"{origin} has a control character in it")
    return Stated(origin, host, Credentials.of(username, password))


def _first_line(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        content = read_small(file, _MAX_SIZE)
    except FileNotFoundError:
        raise PlaceNotFound(f"--creds-file {file}: there is no such file") from None
    except InvalidDocument as error:
        raise UsageError(f"--creds-file {error}") from None
    if stat.S_ISREG(mode) and mode & _OTHERS_CAN_READ:
        notices.warn(f"{file} can be read by other users: chmod 600 it")
    try:
        return content.decode("utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise UsageError(f"--creds-file {file} is not valid UTF-8") from None
