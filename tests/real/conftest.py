"""The real engines and docker's registry as fixtures, started when first asked for.

Engines are empty at the start of each test; of a registry, each test takes a repository.
"""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.engines import (
    Containerd,
    Docker,
    Podman,
    own_podman,
    running_containerd,
    running_docker,
)
from tests.real.readers import read
from tests.servers.certificates import Authority
from tests.servers.debian_registry import DebianRegistry, running_debian_registry

THREE_PLATFORMS = Path(__file__).parents[2] / "samples" / "buildx-multi-attested.tar"

ENGINES = ("docker", "containerd", "podman")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With several workers, give all the tests of an engine to one: one daemon is enough."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        for engine in ENGINES:
            if engine in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group(engine))
                break


@pytest.fixture(scope="session")
def docker_session() -> Iterator[Docker]:
    """The one dockerd of this run."""
    with running_docker() as docker:
        yield docker


@pytest.fixture(scope="session")
def containerd_session() -> Iterator[Containerd]:
    """The one containerd of this run."""
    with running_containerd() as containerd:
        yield containerd


@pytest.fixture(scope="session")
def podman_session() -> Iterator[Podman]:
    """The one podman store of this run."""
    with own_podman() as podman:
        yield podman


@pytest.fixture
def docker(docker_session: Docker) -> Docker:
    """A real dockerd without images."""
    docker_session.empty()
    return docker_session


@pytest.fixture
def containerd(containerd_session: Containerd) -> Containerd:
    """A real containerd without images."""
    containerd_session.empty()
    return containerd_session


@pytest.fixture
def podman(podman_session: Podman) -> Podman:
    """A real podman without images."""
    podman_session.empty()
    return podman_session


@pytest.fixture(scope="session")
def plain_registry() -> Iterator[DebianRegistry]:
    """docker's registry over plain HTTP, open to all."""
    with running_debian_registry() as registry:
        yield registry


@pytest.fixture(scope="session")
def password_registry() -> Iterator[DebianRegistry]:
    """docker's registry over plain HTTP, for those with a password."""
    with running_debian_registry(password=True) as registry:
        yield registry


@pytest.fixture(scope="session")
def tls_registry() -> Iterator[DebianRegistry]:
    """docker's registry over TLS with an authority of its own, for those with a password."""
    with running_debian_registry(password=True, authority=Authority()) as registry:
        yield registry


@pytest.fixture
def sparse(tmp_path: Path) -> Path:
    """A layout whose index names linux/arm64, without a blob of that image's own."""
    layout = tmp_path / "sparse"
    with tarfile.open(THREE_PLATFORMS) as tar:
        tar.extractall(layout, filter="data")
    [entry] = read(layout).entries
    [absent] = [image for image in entry.images if image.platform == "linux/arm64"]
    for digest in (absent.manifest, absent.config):
        (layout / "blobs" / digest.replace(":", "/")).unlink()
    return layout
