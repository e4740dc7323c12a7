"""skopeo, for which the registries of tests are registries like others."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from tests.image_files import write_layout
from tests.images import make_image, make_index, make_source
from tests.real.tools import run_tool
from tests.servers.debian_registry import PASSWORD, USER, DebianRegistry
from tests.servers.gates import basic_gate, bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.servers.token_server import TokenServer

PLAIN = "tls-verify=false"


@contextmanager
def registry_of(kind: str) -> Iterator[OciRegistry]:
    users = {USER: PASSWORD}
    if kind == "plain":
        with running(OciRegistry()) as registry:
            yield registry
    elif kind == "basic":
        with running(OciRegistry(gate=basic_gate(users))) as registry:
            yield registry
    else:
        with running(TokenServer(users)) as tokens:
            gate = bearer_gate(tokens.book, tokens.realm)
            with running(OciRegistry(gate=gate)) as registry:
                yield registry


def copy(source: str, destination: str, *options: str) -> None:
    run_tool(
        "skopeo", "--insecure-policy", "copy", "--quiet", "--all", *options, source, destination
    )


def through_skopeo(repository: str, folder: Path, *, trust: str, creds: bool = True) -> None:
    """An index of two images goes in and comes out as it was; `trust` is an option for TLS."""
    index = make_index(make_image(), make_image("linux/arm64"))
    layout = write_layout(folder / "in", make_source(index.named("1")))
    place = f"docker://{repository}:1"
    login = f"creds={USER}:{PASSWORD}" if creds else "no-creds"
    copy(f"oci:{layout}:1", place, f"--dest-{trust}", f"--dest-{login}")
    copy(place, f"oci:{folder / 'out'}:1", f"--src-{trust}", f"--src-{login}")
    for digest, content in index.contents.items():
        assert (folder / "out" / digest.blob_path).read_bytes() == content


@pytest.mark.parametrize("kind", ["plain", "basic", "bearer"])
def test_skopeo_copies_through_the_tests_own_registry(kind: str, tmp_path: Path) -> None:
    with registry_of(kind) as registry:
        repository = f"{registry.host}/team/app"
        through_skopeo(repository, tmp_path, trust=PLAIN, creds=kind != "plain")
        assert registry["team/app"].tags.keys() == {"1"}
        uploaded = sum(request.body_length for request in registry.seen("PATCH"))
        assert uploaded == sum(map(len, registry["team/app"].blobs.values()))


def test_skopeo_copies_through_docker_registry(
    plain_registry: DebianRegistry, tmp_path: Path
) -> None:
    through_skopeo(plain_registry.repository(), tmp_path, trust=PLAIN, creds=False)


def test_skopeo_copies_with_a_password(password_registry: DebianRegistry, tmp_path: Path) -> None:
    assert urllib3.request("GET", f"http://{password_registry.host}/v2/").status == 401
    through_skopeo(password_registry.repository(), tmp_path, trust=PLAIN)


def test_skopeo_copies_over_tls(tls_registry: DebianRegistry, tmp_path: Path) -> None:
    trust = f"cert-dir={tls_registry.trust}"
    through_skopeo(tls_registry.repository(), tmp_path, trust=trust)
