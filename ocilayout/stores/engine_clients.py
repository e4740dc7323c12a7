"""Engines through their own clients: which one answers, and what it says that it is and has.

So contexts, DOCKER_HOST, ssh and credentials work as people have set them up.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ocilayout.errors import EngineFailed, UsageError
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_answers import Answer, object_from, part, run, text


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
    version = object_from("docker", "version", "--format", "{{json .}}")
    info = object_from("docker", "info", "--format", "{{json .}}")
    if "host" in info:
        # podman answers to the name of docker.
        return _podman("docker", info)
    drivers = json.dumps(info.get("DriverStatus") or [])
    return Client(
        "docker",
        ("docker",),
        text(part(version, "Server"), "Version"),
        _machine(info),
        "io.containerd.snapshotter" in drivers,
    )


def _ask_podman(namespace: str | None) -> Client:
    return _podman("podman", object_from("podman", "info", "--format", "json"))


def _podman(command: str, info: Answer) -> Client:
    host = part(info, "host")
    version = text(part(info, "version"), "Version")
    names = (text(host, "os") or "linux", text(host, "arch"), text(host, "variant"))
    machine = Platform.of_machine(*names)
    return Client("podman", (command,), version, machine)


def _ask_nerdctl(namespace: str | None) -> Client:
    chosen = namespace or _kubernetes(run("nerdctl", "namespace", "ls", "--quiet").split())
    command = ("nerdctl", *(("--namespace", chosen) if chosen else ()))
    info = object_from(*command, "info", "--format", "{{json .}}")
    return Client("containerd", command, text(info, "ServerVersion"), _machine(info))


def _ask_ctr(namespace: str | None) -> Client:
    words = run("ctr", "version")
    version = re.search(r"Server:\s+Version:\s+(\S+)", words)
    chosen = namespace or _kubernetes(run("ctr", "namespaces", "list", "--quiet").split())
    command = ("ctr", *(("--namespace", chosen) if chosen else ()))
    # ctr speaks to a socket of this machine alone.
    return Client("containerd", command, version[1] if version else "", Platform.local())


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


def _machine(info: Answer) -> Platform:
    """Where the engine runs, as `docker info` says it: with the version of a Windows."""
    system = text(info, "OSType") or "linux"
    machine = Platform.of_machine(system, text(info, "Architecture"))
    version = text(info, "OSVersion") if machine.os == "windows" else ""
    return machine._replace(os_version=version)


def held(client: Client, words: str) -> list[Held]:
    """The images that a client says it has loaded, as the engine has them now."""
    if client.command[0] == "ctr":
        names = re.findall(r"^unpacking (\S+) \(", words, re.MULTILINE)
        return [_held_by_ctr(client, name) for name in dict.fromkeys(names)]
    found = re.findall(r"^Loaded image(?:\(s\))?(?: ID)?: *(\S+)", words, re.MULTILINE)
    names = [name for each in found for name in each.split(",") if name]
    return [_inspected(client, name) for name in dict.fromkeys(names)]


def _inspected(client: Client, name: str) -> Held:
    found = object_from(*client.command, "image", "inspect", name)
    image_id = text(found, "Id")
    words = (text(found, key) for key in ("Os", "Architecture", "Variant"))
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
