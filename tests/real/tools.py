"""Real tools of the field, found by name and run; a failure shows what the tool said.

A tool that is absent skips the test that needs it, by name; with OCILAYOUT_REQUIRE_TOOLS=1
it fails the test, so that a machine that should have everything can't pass by skipping.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))

NATIVE_PLATFORMS = {
    "x86_64": ("linux/amd64", "linux/386"),
    "aarch64": ("linux/arm64",),
    "riscv64": ("linux/riscv64",),
    "ppc64le": ("linux/ppc64le",),
    "s390x": ("linux/s390x",),
}
EMULATORS = {
    "linux/amd64": "qemu-x86_64-static",
    "linux/386": "qemu-i386-static",
    "linux/arm64": "qemu-aarch64-static",
    "linux/arm/v7": "qemu-arm-static",
    "linux/riscv64": "qemu-riscv64-static",
    "linux/ppc64le": "qemu-ppc64le-static",
    "linux/s390x": "qemu-s390x-static",
}


class ToolFailed(subprocess.CalledProcessError):
    """A tool's failure, with what it said in the message."""

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.stderr}{self.stdout}"


def require(tool: str) -> str:
    """The path of a tool, or else the test is skipped."""
    return shutil.which(tool, path=SEARCH_PATH) or absent(f"{tool} is not installed")


def require_root(tool: str) -> None:
    """Skip the test where the tool cannot work for lack of root."""
    if os.geteuid() != 0:
        absent(f"{tool} needs root")


def absent(reason: str) -> NoReturn:
    """Skip, or fail where this machine promises to have every tool."""
    if os.environ.get("OCILAYOUT_REQUIRE_TOOLS") == "1":
        pytest.fail(f"{reason}, and OCILAYOUT_REQUIRE_TOOLS=1")
    pytest.skip(reason)


def run_tool(
    tool: str, *arguments: str | Path, environment: Mapping[str, str] | None = None
) -> str:
    """What the tool writes to standard output; ToolFailed where it fails."""
    command = [require(tool), *map(str, arguments)]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise ToolFailed(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


def runs_here(platform_name: str) -> bool:
    """Whether this machine's processor runs programs of the platform."""
    return platform_name in NATIVE_PLATFORMS.get(platform.machine(), ())


def run_program(program: Path, platform_name: str) -> str:
    """What a static program prints, run by the processor or else by qemu."""
    if runs_here(platform_name):
        return run_tool(str(program))
    return run_tool(EMULATORS[platform_name], program)
