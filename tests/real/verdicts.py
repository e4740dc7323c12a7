"""What a real engine makes of a file: a verdict in the words of `check`, and usable names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.real.engines import Containerd, Docker, Podman
from tests.real.readers import normalize
from tests.real.tools import ToolFailed


@dataclass(frozen=True)
class Verdict:
    """What came of a load into an empty engine."""

    verdict: str
    """`loads` where a container can be created of all that the engine says that it has."""
    names: frozenset[str] = frozenset()
    """By which a container could be created, in full; ids are left out."""
    said: str = ""


def in_docker(docker: Docker, file: Path) -> Verdict:
    """`docker load` and `docker create`."""
    docker.empty()
    create = _creating(docker.run_client, "create", "--network=none")
    return _judged(lambda: docker.load(file), create, normalize)


def in_podman(podman: Podman, file: Path) -> Verdict:
    """`podman load` and `podman create`."""
    podman.empty()
    create = _creating(podman.podman, "create", "--pull=never")
    try:
        return _judged(lambda: podman.load(file), create, _tagged)
    finally:
        podman.podman("rm", "--all", "--force")


def in_containerd(containerd: Containerd, file: Path) -> Verdict:
    """`ctr images import` and `ctr images check`: whether all is here, and unpacked."""
    containerd.empty()
    try:
        containerd.import_(file)
    except ToolFailed as failure:
        return Verdict("refused", said=failure.stderr)
    rows = containerd.ctr("images", "check", "--snapshotter=native").splitlines()[1:]
    if not rows:
        return Verdict("nothing kept")
    # An image of a config alone has nothing to unpack, which ctr calls not unpacked.
    unpacked = [row for row in rows if "complete (1/1)" in row or row.rstrip().endswith("true")]
    names = {re.sub(r"import-\d{4}-\d\d-\d\d", "import-YYYY-MM-DD", r.split()[0]) for r in unpacked}
    verdict = "loads" if len(unpacked) == len(rows) else "not unpacked"
    return Verdict(verdict, frozenset(names), "\n".join(rows))


def _creating(client: Callable[..., str], *command: str) -> Callable[[str], str]:
    def create(name: str) -> str:
        return client(*command, name, "/program")

    return create


def _judged(
    load: Callable[[], list[str]], create: Callable[[str], str], full: Callable[[str], str]
) -> Verdict:
    try:
        loaded = [name for name in load() if name]
    except ToolFailed as failure:
        return Verdict("refused", said=failure.stderr)
    if not loaded:
        return Verdict("nothing kept")
    names, said = set(), ""
    for name in loaded:
        try:
            create(name)
        except ToolFailed as failure:
            said += failure.stderr
        else:
            names.add(name)
    usable = frozenset(full(name) for name in names if not name.startswith("sha256:"))
    return Verdict("broken" if said else "loads", usable, said)


def _tagged(name: str) -> str:
    """podman leaves out the tag of what it named itself."""
    has_tag = "@" in name or ":" in name.rpartition("/")[2]
    return name if has_tag else f"{name}:latest"
