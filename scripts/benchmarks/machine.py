"""What was measured on, and with which programs."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.benchmarks.workspace import OURS, is_installed, processors

_VERSIONS: Sequence[tuple[str, ...]] = (
    ("skopeo", "--version"),
    ("umoci", "--version"),
    ("podman", "--version"),
    ("buildah", "--version"),
    ("regctl", "version", "--format", "{{.VCSTag}}"),
    ("crane", "version"),
    ("docker", "--version"),
    ("docker-registry", "--version"),
    ("openssl", "version"),
    ("pigz", "--version"),
    ("zstd", "--version"),
)
_NUMBER = re.compile(r"\d+(?:\.\d+)+[-+~.\w]*")


def described(folder: Path) -> dict[str, str]:
    """The machine as a table: processor, memory, kernel, file system, programs."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = {
        "processors": f"{processors()} × {_processor()}",
        "memory": f"{memory / (1 << 30):.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(folder),
        "Python": platform.python_version(),
        "ocilayout": _version((*OURS, "--version")),
    }
    for command in _VERSIONS:
        found[command[0]] = _version(command) if is_installed(command[0]) else "not installed"
    return found


def load() -> float:
    """How many programs wanted a processor in the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the mount that holds `folder`, of /proc/self/mounts the longest that fits."""
    place = folder.resolve()
    best = ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mount, kind, *_ = line.split(" ")
        if place.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, kind)
    return best[1]


def _version(command: Sequence[str]) -> str:
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    match = _NUMBER.search(found.stdout + found.stderr)
    return match[0] if match else "unknown"
