"""What `check` says of files of every kind is what engines do, and each fix that it prints loads.

A fixed sample is tried; all of them where KINDS_ALL is 1, as in `scripts/torture engines`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.program import ROOT
from tests.real.command_line import ocilayout
from tests.real.engines import Containerd, Docker, Podman
from tests.real.kinds import KINDS
from tests.real.tools import NATIVE_PLATFORMS
from tests.real.verdicts import Verdict, in_containerd, in_docker, in_podman

MACHINE = NATIVE_PLATFORMS[os.uname().machine][0]
SAMPLE = (
    "configs-docker-created-empty",
    "configs-docker-history-long",
    "indexes-attested-linux-arm64",
    "layers-mixed-docker-docker-oci",
    "layers-oci-none-is-gzip",
    "links-manifest-hard",
    "documents-index-empty",
    "names-docker-capitals",
    "names-docker-ipv6",
)
ELSEWHERE = ("docker-29", "docker-29-containerd", "containerd-2", "k3s")
Found = Mapping[str, Any]

tried = pytest.mark.parametrize("name", KINDS if os.environ.get("KINDS_ALL") == "1" else SAMPLE)


def predicted(engine: str, file: Path) -> Found | None:
    """What check says of one engine; None of what it cannot read itself."""
    done = ocilayout("check", file, "--for", engine, "--platform", MACHINE, "--layers", "--json")
    if done.returncode == 1:
        assert len(done.stderr.splitlines()) == 1, done.stderr
        return None
    assert done.returncode in {0, 3}, done.stderr
    [found] = json.loads(done.stdout)["engines"]
    assert isinstance(found, dict)
    return found


def agrees(found: Found | None, happened: Verdict) -> None:
    """No wrong prediction, in either direction."""
    if found is None:
        return
    stored = [image for image in found["images"] if image["verdict"] in {"loads", "name lost"}]
    names = frozenset(name for image in stored for name in image["names"])
    verdict = found["verdict"]
    if happened.verdict == "loads" and names:
        # Of a file with several images, some may be left out without an error.
        assert (names, verdict != "broken") == (happened.names, True), (found, happened)
        return
    assert happened.verdict == ("loads" if verdict == "name lost" else verdict), (found, happened)


def fixed(found: Found | None, directory: Path) -> Path | None:
    """The file that the printed command makes, with a name where it leaves that to the person."""
    command = found and found["fix"] and found["fix"]["command"]
    if not command:
        return None
    directory.mkdir()
    program = f"{sys.executable} -m ocilayout"
    line = command.replace("REPOSITORY:TAG", "registry.example/fixed:1")
    done = subprocess.run(
        f'set -o pipefail; ocilayout() {{ {program} "$@"; }}; {line}',
        shell=True,
        executable="/bin/bash",
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (line, done.stderr)
    [made] = directory.iterdir()
    return made


@tried
def test_docker_does_as_predicted(name: str, docker: Docker, tmp_path: Path) -> None:
    file = KINDS[name].write(tmp_path)
    found = predicted("docker-20.10", file)
    agrees(found, in_docker(docker, file))
    made = fixed(found, tmp_path / "fixed")
    assert made is None or in_docker(docker, made).verdict == "loads"


@tried
def test_podman_does_as_predicted(name: str, podman: Podman, tmp_path: Path) -> None:
    file = KINDS[name].write(tmp_path)
    found = predicted("podman", file)
    agrees(found, in_podman(podman, file))
    made = fixed(found, tmp_path / "fixed")
    assert made is None or in_podman(podman, made).verdict == "loads"


@tried
def test_containerd_does_as_predicted(name: str, containerd: Containerd, tmp_path: Path) -> None:
    file = KINDS[name].write(tmp_path)
    found = predicted("containerd-1.6", file)
    agrees(found, in_containerd(containerd, file))
    made = fixed(found, tmp_path / "fixed")
    assert made is None or in_containerd(containerd, made).verdict == "loads"


@tried
def test_what_a_fix_makes_is_predicted_to_load_elsewhere(name: str, tmp_path: Path) -> None:
    file = KINDS[name].write(tmp_path)
    for engine in ELSEWHERE:
        made = fixed(predicted(engine, file), tmp_path / engine)
        if made is not None:
            found = predicted(engine, made)
            assert found is not None
            assert found["verdict"] in {"loads", "name lost"}, found
