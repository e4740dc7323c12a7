"""Credential helpers: the programs `docker-credential-NAME` that keep logins for docker.

`docker-credential-NAME get` reads the registry's name from its standard input and answers in
JSON. Source: docker/docker-credential-helpers, client/client.go. A helper that gives no usable
answer is no reason to fail, since the registry may need no login: a warning says what it did.
"""

import os
import re
import select
import shutil
import subprocess
import time
from contextlib import suppress
from typing import IO, cast

from ocilayout import notices
from ocilayout.errors import InvalidDocument, UsageError
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.hosts import DOCKER_HUB, DOCKER_HUB_LOGIN
from ocilayout.spec.fields import Fields
from ocilayout.spec.strict_json import parse_object

_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*", re.ASCII)
_SECONDS = 30
_MAX_ANSWER = 64 * 1024
_NO_LOGIN = frozenset(
    {
        b"credentials not found in native keychain",
        b"no credentials server URL",
        b"no credentials username",
    }
)


class _NoAnswer(Exception):
    """Why a helper's answer is of no use."""


def ask(name: str, host: str, seconds: float = _SECONDS) -> Credentials | None:
    """What the helper of that name keeps for a registry; None where it keeps nothing."""
    server = DOCKER_HUB_LOGIN if host == DOCKER_HUB else host
    if not server.isprintable():
        # A second line would be a second question.
        raise UsageError("the name of a registry has no line breaks")
    if not _NAME.fullmatch(name):
        notices.warn(
            f"the credential helper for {host} is passed over: its name may hold letters, "
            "digits, dots, dashes and underscores, and starts with no dash"
        )
        return None
    program = f"docker-credential-{name}"
    path = shutil.which(program)
    if path is None:
        notices.warn(f"{program}, which keeps the login for {host}, is not in PATH")
        return None
    try:
        return _read(_answer(path, server, seconds))
    except _NoAnswer as why:
        notices.warn(f"{program} {why}: try `echo {server} | {program} get`")
        return None


def _read(answer: bytes | None) -> Credentials | None:
    if answer is None:
        return None
    try:
        fields = Fields(parse_object(answer, "the answer"), "the answer")
        username = fields.optional_text("Username") or ""
        secret = fields.optional_text("Secret") or ""
    except InvalidDocument:
        # Not in the parser's words: they may hold a part of the secret.
        raise _NoAnswer("did not answer in the JSON that is expected") from None
    return Credentials.of(username, secret) if secret else None


def _answer(path: str, server: str, seconds: float) -> bytes | None:
    """What a helper writes; None where it says that it keeps no login."""
    try:
        process = subprocess.Popen(
            (path, "get"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
    except OSError as error:
        raise _NoAnswer(f"cannot be started ({error.strerror})") from None
    deadline = time.monotonic() + seconds
    with process:
        try:
            with suppress(BrokenPipeError), cast(IO[bytes], process.stdin) as question:
                question.write(server.encode())
            answer = _bounded(cast(IO[bytes], process.stdout), deadline)
            status = process.wait(max(0.1, deadline - time.monotonic()))
        except (TimeoutError, subprocess.TimeoutExpired):
            raise _NoAnswer(f"gave no answer in {seconds:g} seconds") from None
        finally:
            process.kill()
    if answer.strip() in _NO_LOGIN:
        return None
    if status:
        raise _NoAnswer(f"failed (status {status})")
    return answer


def _bounded(pipe: IO[bytes], deadline: float) -> bytes:
    """All that comes out of a pipe; raises TimeoutError, and _NoAnswer where it is too much.

    A thread that reads would wait for every child that the helper leaves behind.
    """
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    content = b""
    while len(content) <= _MAX_ANSWER:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError
        piece = os.read(pipe.fileno(), _MAX_ANSWER)
        if not piece:
            return content
        content += piece
    raise _NoAnswer(f"wrote more than {_MAX_ANSWER} bytes")
