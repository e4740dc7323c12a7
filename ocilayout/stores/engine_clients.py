"""Engines through their own clients: the only place that runs programs.

So contexts, DOCKER_HOST, ssh and credentials work as people have set them up. A tar goes through
a pipe both ways; no file is made on the way into an engine.
"""

import io
import json
import os
import platform as this_machine
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any, BinaryIO, cast

from ocilayout.errors import EngineFailed, UsageError
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference

_ANSWER_SECONDS = 60
_END_SECONDS = 20
_WORDS_KEPT = 64 * 1024
_SAID_KEPT = 500


@dataclass(frozen=True)
class Client:
    """A client that an engine has answered."""

    kind: str
    """docker, podman or containerd."""
    command: tuple[str, ...]
    version: str
    """The engine's."""
    machine: Platform
    """The engine's."""
    has_containerd_store: bool = False

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.command[0]} {self.version}".strip()


@dataclass(frozen=True)
class Held:
    """An image that an engine has."""

    name: str
    image_id: str
    platforms: tuple[str, ...]


def answering(engine: str | None = None, namespace: str | None = None) -> Client:
    """The client of that engine, or else the first that gets an answer; raises EngineFailed.

    `namespace` is containerd's: `k8s.io` where that exists, unless it is given.
    """
    wanted = (engine,) if engine else ("docker", "podman", "nerdctl", "containerd")
    failures = []
    for name in wanted:
        try:
            found = _ASK[name](namespace)
        except EngineFailed as failure:
            failures.append(str(failure))
            continue
        if namespace is not None and found.kind != "containerd" and found.command[0] != "nerdctl":
            raise UsageError(f"--namespace is containerd's, {found.command[0]} has none")
        return found
    if engine:
        raise EngineFailed(failures[0])
    raise EngineFailed(f"no engine answers: {'; '.join(failures)}")


def _ask_docker(namespace: str | None) -> Client:
    version = _json("docker", "version", "--format", "{{json .}}")
    server = version.get("Server") or {}
    info = _json("docker", "info", "--format", "{{json .}}")
    if "host" in info:
        # podman answers to the name of docker.
        return _podman("docker", info)
    drivers = json.dumps(info.get("DriverStatus") or [])
    return Client(
        "docker",
        ("docker",),
        str(server.get("Version", "")),
        _platform(info.get("OSType"), info.get("Architecture")),
        "io.containerd.snapshotter" in drivers,
    )


def _ask_podman(namespace: str | None) -> Client:
    return _podman("podman", _json("podman", "info", "--format", "json"))


def _podman(command: str, info: dict[str, Any]) -> Client:
    host = info.get("host") or {}
    version = (info.get("version") or {}).get("Version", "")
    return Client("podman", (command,), str(version), _platform(host.get("os"), host.get("arch")))


def _ask_nerdctl(namespace: str | None) -> Client:
    chosen = namespace or _kubernetes(run("nerdctl", "namespace", "ls", "--quiet").split())
    command = ("nerdctl", *(("--namespace", chosen) if chosen else ()))
    info = _json(*command, "info", "--format", "{{json .}}")
    machine = _platform(info.get("OSType"), info.get("Architecture"))
    return Client("containerd", command, str(info.get("ServerVersion", "")), machine)


def _ask_ctr(namespace: str | None) -> Client:
    words = run("ctr", "version")
    version = re.search(r"Server:\s+Version:\s+(\S+)", words)
    chosen = namespace or _kubernetes(run("ctr", "namespaces", "list", "--quiet").split())
    command = ("ctr", *(("--namespace", chosen) if chosen else ()))
    # ctr speaks to a socket of this machine alone.
    machine = _platform(this_machine.system(), this_machine.machine())
    return Client("containerd", command, version[1] if version else "", machine)


def _kubernetes(namespaces: Sequence[str]) -> str | None:
    stated = os.environ.get("CONTAINERD_NAMESPACE")
    return stated or ("k8s.io" if "k8s.io" in namespaces else None)


_ASK: dict[str, Callable[[str | None], Client]] = {
    "docker": _ask_docker,
    "podman": _ask_podman,
    "nerdctl": _ask_nerdctl,
    "containerd": _ask_ctr,
    "ctr": _ask_ctr,
}


def _platform(system: object, architecture: object) -> Platform:
    return Platform(str(system or "linux"), str(architecture or "")).normalized


def _json(*command: str) -> dict[str, Any]:
    words = run(*command)
    try:
        found = json.loads(words)
    except ValueError:
        raise EngineFailed(f"{' '.join(command[:2])} did not answer in JSON") from None
    return cast(dict[str, Any], found)


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
        raise _failure(command, done.stderr or done.stdout)
    return done.stdout.decode("utf-8", "replace")


def _failure(command: Sequence[str], words: bytes) -> EngineFailed:
    lines = words.decode("utf-8", "replace").strip().splitlines()
    said = " / ".join(line.strip() for line in lines)[-_SAID_KEPT:] or "nothing"
    return EngineFailed(f"{command[0]} failed, and says: {said}")


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
        raise _failure(command, heard[1].words() or heard[0].words()) from None
    finally:
        _end(process)
    if found.finished and process.returncode != 0:
        raise _failure(command, heard[1].words() or heard[0].words())
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


_LOAD = {
    "docker": ("load",),
    "podman": ("load",),
    "nerdctl": ("load", "--all-platforms"),
    "ctr": ("images", "import", "--all-platforms", "-"),
}


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
            raise _failure(self._command, self._heard.words())
        return count


def _save_arguments(
    client: Client, names: Sequence[str], platforms: Sequence[Platform]
) -> tuple[str, ...]:
    if client.kind == "docker":
        return ("save", *names)
    if client.kind == "podman":
        several = ("--multi-image-archive",) if len(names) > 1 else ()
        return ("save", "--quiet", "--format", "docker-archive", *several, *names)
    asked = [word for each in platforms for word in ("--platform", str(each))]
    kept = tuple(asked) or ("--all-platforms",)
    if client.command[0] == "nerdctl":
        return ("save", *kept, *names)
    return ("images", "export", *kept, "-", *(str(Reference.parse(name)) for name in names))


def held(client: Client, words: str) -> list[Held]:
    """The images that a client says it has loaded, as the engine has them now."""
    if client.command[0] == "ctr":
        names = re.findall(r"^unpacking (\S+) \(", words, re.MULTILINE)
        return [_held_by_ctr(client, name) for name in dict.fromkeys(names)]
    found = re.findall(r"^Loaded image(?:\(s\))?(?: ID)?: *(\S+)", words, re.MULTILINE)
    names = [name for each in found for name in each.split(",") if name]
    return [_inspected(client, name) for name in dict.fromkeys(names)]


def _inspected(client: Client, name: str) -> Held:
    found = json.loads(run(*client.command, "image", "inspect", name))[0]
    image_id = str(found.get("Id", ""))
    words = (found.get("Os"), found.get("Architecture"), found.get("Variant"))
    shown = "" if name.startswith("sha256:") else name
    is_bare = bool(image_id) and ":" not in image_id
    platform = "/".join(filter(None, words))
    return Held(
        shown, f"sha256:{image_id}" if is_bare else image_id, (platform,) if platform else ()
    )


def _held_by_ctr(client: Client, name: str) -> Held:
    rows = run(*client.command, "images", "list", f"name=={name}").splitlines()[1:]
    cells = rows[0].split() if rows else []
    digest = next((cell for cell in cells if cell.startswith("sha256:")), "")
    platforms = next((cell for cell in cells[1:] if "/" in cell and "+" not in cell), "")
    return Held(name, digest, tuple(filter(None, platforms.split(","))))
