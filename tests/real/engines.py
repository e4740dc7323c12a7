"""Real engines, each with a folder and a unix socket of its own, and nothing shared with the host.

Each context manager yields a client; the daemon and its folder are gone when it is left.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.tools import ToolFailed, require, require_root, run_tool

START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True)
class Docker:
    """A dockerd, spoken to by the client that comes with it."""

    client: str
    host: str
    config: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which any docker client speaks to this daemon."""
        return {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.config)}

    def load(self, archive: Path) -> list[str]:
        """The names that docker says it loaded; an id where the archive has no name."""
        return loaded(self.run_client("load", "--input", archive))

    def import_(self, rootfs: Path, name: str, *changes: str) -> None:
        """`docker import`: a root file system becomes the image `name`."""
        options = [part for change in changes for part in ("--change", change)]
        self.run_client("import", *options, rootfs, name)

    def save(self, archive: Path, *names: str) -> None:
        """`docker save` of these images into one file."""
        self.run_client("save", "--output", archive, *names)

    def run(self, image: str, *command: str) -> str:
        """What a container of the image prints; it has no network."""
        return self.run_client("run", "--rm", "--network=none", image, *command)

    def images(self) -> dict[str, str]:
        """The ids of the images by their names; nameless ones are left out."""
        line = "{{.Repository}}:{{.Tag}} {{.ID}}"
        return named(self.run_client("images", "--no-trunc", "--format", line))

    def platform(self, image: str) -> str:
        """The platform as docker tells it."""
        inspected = json.loads(self.run_client("image", "inspect", image))[0]
        return joined(inspected["Os"], inspected["Architecture"], inspected.get("Variant"))

    def empty(self) -> None:
        """Remove every container and every image."""
        if containers := self.run_client("ps", "--all", "--quiet").split():
            self.run_client("rm", "--force", *containers)
        if images := set(self.run_client("images", "--quiet", "--no-trunc").split()):
            self.run_client("rmi", "--force", *images)

    def run_client(self, *arguments: str | Path) -> str:
        """The docker client with this daemon, and no settings of the user."""
        return run_tool(self.client, "--config", self.config, "--host", self.host, *arguments)


@dataclass(frozen=True)
class Containerd:
    """A containerd, spoken to by ctr in a namespace of the tests."""

    address: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which any ctr speaks to this daemon, in the namespace of the tests."""
        return {
            "CONTAINERD_ADDRESS": str(self.address),
            "CONTAINERD_NAMESPACE": "test",
            "CONTAINERD_SNAPSHOTTER": "native",
        }

    def import_(self, archive: Path, *, all_platforms: bool = True) -> str:
        """`ctr images import`, which unpacks what this machine can run."""
        platforms = ["--all-platforms"] if all_platforms else []
        # Overlays are not available everywhere that tests run; plain folders are.
        return self.ctr("images", "import", "--snapshotter=native", *platforms, archive)

    def names(self) -> list[str]:
        """The names of the images, sorted."""
        return sorted(self.ctr("images", "list", "--quiet").split())

    def images(self) -> dict[str, str]:
        """The digests of the images by their names."""
        rows = [line.split() for line in self.ctr("images", "list").splitlines()[1:]]
        return {row[0]: row[2] for row in rows}

    def platforms(self, name: str) -> list[str]:
        """The platforms of an image, sorted, as ctr tells them."""
        rows = [line.split() for line in self.ctr("images", "list").splitlines()[1:]]
        # name, media type, digest, size in two words, platforms, labels
        return sorted(next(row[5] for row in rows if row[0] == name).split(","))

    def empty(self) -> None:
        """Remove every image, and wait until what it held is gone."""
        if names := self.names():
            self.ctr("images", "remove", "--sync", *names)

    def ctr(self, *arguments: str | Path) -> str:
        """The client of containerd."""
        return run_tool("ctr", "--address", self.address, "--namespace", "test", *arguments)


@dataclass(frozen=True)
class Podman:
    """A podman with a store of its own; it has no daemon."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """With which any podman has this store."""
        settings = self.folder / "storage.conf"
        root, run = self.folder / "root", self.folder / "run"
        settings.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{root}"\nrunroot = "{run}"\n')
        return {"CONTAINERS_STORAGE_CONF": str(settings)}

    def load(self, archive: Path) -> list[str]:
        """The names that podman says it loaded; an id where the archive has no name."""
        return loaded(self.podman("load", "--quiet", "--input", archive))

    def pull(self, place: str, platform: str) -> str:
        """`podman pull` from a place such as `oci-archive:x.tar`; the image's id.

        The id is the config's digest, which tells variants apart as podman's inspect does not.
        """
        return with_algorithm(self.podman("pull", "--quiet", "--platform", platform, place).strip())

    def images(self) -> dict[str, str]:
        """The ids of the images by their names; nameless ones are left out."""
        line = "{{.Repository}}:{{.Tag}} {{.ID}}"
        return named(self.podman("images", "--no-trunc", "--format", line))

    def empty(self) -> None:
        """Remove every image."""
        if self.podman("images", "--all", "--quiet").split():
            self.podman("rmi", "--all", "--force")

    def podman(self, *arguments: str | Path) -> str:
        """podman with this store."""
        root, run = self.folder / "root", self.folder / "run"
        places = ("--root", root, "--runroot", run, "--tmpdir", self.folder / "tmp")
        return run_tool("podman", "--storage-driver=vfs", *places, *arguments)


@contextmanager
def running_docker() -> Iterator[Docker]:
    """A dockerd without any network, on the vfs driver, which works inside containers too."""
    daemon = require("dockerd")
    # Another, newer client may come first in the path than the one of the same package.
    packaged = Path("/usr/bin/docker")
    client = str(packaged) if packaged.exists() else require("docker")
    require_root("dockerd")
    with engine_folder() as folder:
        docker = Docker(client, f"unix://{folder}/docker.sock", folder / "config")
        command = [
            daemon,
            *("--data-root", f"{folder}/docker"),
            *("--exec-root", f"{folder}/exec"),
            *("--pidfile", f"{folder}/pid"),
            *("--config-file", empty_json(folder / "daemon.json")),
            *("--host", docker.host),
            *("--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false"),
            "--exec-opt=native.cgroupdriver=cgroupfs",
        ]
        with running_daemon(command, folder, lambda: docker.run_client("version")):
            yield docker


def empty_json(path: Path) -> str:
    """A settings file that sets nothing, so that the host's is not read."""
    path.write_text("{}")
    return str(path)


@contextmanager
def running_containerd() -> Iterator[Containerd]:
    """A containerd with nothing of Kubernetes in it."""
    daemon = require("containerd")
    require("ctr")
    require_root("containerd")
    with engine_folder() as folder:
        containerd = Containerd(folder / "containerd.sock")
        settings = folder / "config.toml"
        settings.write_text(
            f"""\
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{containerd.address}"
"""
        )
        command = [daemon, "--config", str(settings)]
        with running_daemon(command, folder, lambda: containerd.ctr("version")):
            yield containerd


@contextmanager
def own_podman() -> Iterator[Podman]:
    """A podman with an empty store."""
    require("podman")
    with engine_folder() as folder:
        yield Podman(folder)


@contextmanager
def engine_folder() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket, which pytest's is not."""
    with tempfile.TemporaryDirectory(prefix="oci-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running_daemon(
    command: list[str], folder: Path, answers: Callable[[], object]
) -> Iterator[None]:
    """A daemon from when it answers until the block is left; its log is in the folder."""
    log = folder / "log"
    with log.open("wb") as out:
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        wait_until_up(daemon, log, answers)
        yield
    finally:
        stop(daemon)


def wait_until_up(
    daemon: subprocess.Popen[bytes], log: Path, answers: Callable[[], object]
) -> None:
    """Return when the daemon answers; with its log where it ends, or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace")[-4000:]
            raise RuntimeError(f"{daemon.args!r} did not come up:\n{last}")
        try:
            answers()
        except ToolFailed:
            time.sleep(0.1)
        else:
            return


def stop(daemon: subprocess.Popen[bytes]) -> None:
    """Ask the daemon to end, so that it ends its children; then insist."""
    daemon.terminate()
    try:
        daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def loaded(output: str) -> list[str]:
    """The names in `Loaded image: NAME` and `Loaded image ID: sha256:...`."""
    lines = [line for line in output.splitlines() if line.startswith("Loaded image")]
    return [line.split(": ", 1)[1] for line in lines]


def named(output: str) -> dict[str, str]:
    """The table of `NAME ID` lines."""
    pairs = [line.split() for line in output.splitlines()]
    return {name: with_algorithm(image_id) for name, image_id in pairs if "<none>" not in name}


def with_algorithm(image_id: str) -> str:
    """The id as a digest, which podman does not always print."""
    return image_id if ":" in image_id else f"sha256:{image_id}"


def joined(*parts: str | None) -> str:
    """A platform from its parts, of which the last may be absent."""
    return "/".join(part for part in parts if part)
