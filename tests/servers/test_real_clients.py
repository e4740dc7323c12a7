"""skopeo takes the tests' registry for one, and docker's registry runs in each of its kinds."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from tests.image_files import write_layout
from tests.images import make_image, make_index, make_source
from tests.real.tools import run_tool
from tests.servers.certificates import Authority
from tests.servers.debian_registry import PASSWORD, USER, running_debian_registry
from tests.servers.gates import basic_gate, bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.servers.token_server import TokenServer


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


def through_skopeo(host: str, folder: Path, *, trust: str, creds: bool) -> None:
    """An index of two images goes in and comes out as it was; `trust` is an option for TLS."""
    index = make_index(make_image(), make_image("linux/arm64"))
    layout = write_layout(folder / "in", make_source(index.named("1")))
    place = f"docker://{host}/team/app:1"
    login = f"creds={USER}:{PASSWORD}" if creds else "no-creds"
    copy(f"oci:{layout}:1", place, f"--dest-{trust}", f"--dest-{login}")
    copy(place, f"oci:{folder / 'out'}:1", f"--src-{trust}", f"--src-{login}")
    for digest, content in index.contents.items():
        assert (folder / "out" / digest.blob_path).read_bytes() == content


@pytest.mark.parametrize("kind", ["plain", "basic", "bearer"])
def test_skopeo_copies_through_the_registry(kind: str, tmp_path: Path) -> None:
    with registry_of(kind) as registry:
        through_skopeo(registry.host, tmp_path, trust="tls-verify=false", creds=kind != "plain")
        assert registry["team/app"].tags.keys() == {"1"}
        uploaded = sum(request.body_length for request in registry.seen("PATCH"))
        assert uploaded == sum(map(len, registry["team/app"].blobs.values()))


@pytest.mark.parametrize("password", [False, True])
def test_skopeo_copies_through_docker_registry(password: bool, tmp_path: Path) -> None:
    with running_debian_registry(password=password) as registry:
        through_skopeo(registry.host, tmp_path, trust="tls-verify=false", creds=password)


def test_docker_registry_speaks_tls(tmp_path: Path) -> None:
    authority = Authority()
    ca = str(authority.ca_file(tmp_path))
    with (
        running_debian_registry(authority=authority, password=True) as registry,
        urllib3.PoolManager(ca_certs=ca, retries=False) as pool,
    ):
        through_skopeo(registry.host, tmp_path, trust=f"cert-dir={tmp_path}", creds=True)
        assert pool.request("GET", f"https://{registry.host}/v2/").status == 401
