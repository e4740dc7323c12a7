"""Tars on their way into an engine and out of it, through a pipe to its own client.

No file is made on the way into an engine.
"""

import io
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from ocilayout import remains
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference
from ocilayout.stores.engine_answers import failure
from ocilayout.stores.engine_clients import Client

_END_SECONDS = 20
_WORDS_KEPT = 64 * 1024
_LOAD = {
    "docker": ("load",),
    "podman": ("load",),
    "nerdctl": ("load", "--all-platforms"),
    "ctr": ("images", "import", "--all-platforms", "-"),
}


@dataclass
class Loading:
    """A tar on its way into an engine."""

    descriptor: int
    """Where its bytes are to be written."""
    finished: bool = False
    """Whether all of them were."""
    words: str = ""
    """What the client said."""


@contextmanager
def loading(client: Client) -> Iterator[Loading]:
    """A client that loads what is written to it; raises EngineFailed with its own words.

    One that gets no whole tar loads nothing, since manifest.json and index.json come last.
    """
    command = (*client.command, *_LOAD[client.command[0]])
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    heard = [_Listener(cast(IO[bytes], pipe)) for pipe in (process.stdout, process.stderr)]
    found = Loading(process.stdin.fileno())
    try:
        yield found
        if found.finished:
            process.stdin.close()
            process.wait()
    except BrokenPipeError:
        process.wait()
        raise failure(command, heard[1].words() or heard[0].words()) from None
    except BaseException:
        if found.finished:
            remains.keep(f"{command[0]} got all of it, and may have loaded it")
        raise
    finally:
        _end(process)
    if found.finished and process.returncode != 0:
        raise failure(command, heard[1].words() or heard[0].words())
    found.words = b"\n".join(each.words() for each in heard).decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the client end by itself, as it cleans up then; insist where it does not."""
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Listener:
    """Reads a pipe to its end, so that nobody waits for us, and keeps the last words."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._kept = b""
        self._thread = threading.Thread(target=self._listen, args=(pipe,), daemon=True)
        self._thread.start()

    def _listen(self, pipe: IO[bytes]) -> None:
        with pipe:
            while piece := pipe.read1(4096):  # type: ignore[attr-defined]
                self._kept = (self._kept + piece)[-_WORDS_KEPT:]

    def words(self) -> bytes:
        self._thread.join()
        return self._kept


@contextmanager
def saving(
    client: Client, names: Sequence[str], platforms: Sequence[Platform] = ()
) -> Iterator[BinaryIO]:
    """The tar in which an engine saves these images; raises EngineFailed with its own words."""
    command = (*client.command, *_save_arguments(client, names, platforms))
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    heard = _Listener(cast(IO[bytes], process.stderr))
    try:
        yield cast(BinaryIO, _Whole(process, command, heard))
    finally:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
        process.wait()


class _Whole(io.RawIOBase):
    """What a client writes; where it failed, its end is an error and no end."""

    def __init__(
        self, process: subprocess.Popen[bytes], command: Sequence[str], heard: _Listener
    ) -> None:
        assert process.stdout is not None
        self._pipe = process.stdout.fileno()
        self._process = process
        self._command = command
        self._heard = heard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        count = os.readv(self._pipe, [buffer])
        if not count and self._process.wait() != 0:
            raise failure(self._command, self._heard.words())
        return count


def _save_arguments(
    client: Client, names: Sequence[str], platforms: Sequence[Platform]
) -> tuple[str, ...]:
    if client.kind == "docker":
        return ("save", *names)
    if client.kind == "podman":
        several = ("--multi-image-archive",) if len(names) > 1 else ()
        return ("save", "--quiet", "--format", "docker-archive", *several, *names)
    asked = [word for each in platforms for word in ("--platform", each.formatted)]
    kept = tuple(asked) or ("--all-platforms",)
    if client.command[0] == "nerdctl":
        return ("save", *kept, *names)
    return ("images", "export", *kept, "-", *(str(Reference.parse(name)) for name in names))
