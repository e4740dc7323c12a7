"""Push and pull end right, or say why not, over lines that break and to registries that fail."""

import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.image_files import write_layout
from tests.images import Made, make_image, make_source, make_tar
from tests.real.command_line import succeed
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Fault, answering, meanwhile
from tests.servers.gates import bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.servers.token_server import TokenServer

LAYERS = [make_tar({"noise": random.Random(seed).randbytes(1_000_000)}) for seed in range(4)]


@pytest.fixture(scope="module")
def image() -> Made:
    """Four layers of about 1 MB, which do not compress."""
    return make_image(layers=LAYERS).named("1")


def blobs_of(registry: OciRegistry) -> Mapping[str, bytes]:
    """What team/app holds by digest, manifests too."""
    repository = registry["team/app"]
    return {**repository.blobs, **{at: kept.raw for at, kept in repository.manifests.items()}}


def expected(image: Made) -> Mapping[str, bytes]:
    return {str(digest): content for digest, content in image.contents.items()}


def pushed(layout: Path, host: str, *options: str) -> None:
    succeed("push", f"{layout}:1", f"docker://{host}/team/app:1", *options)


@pytest.fixture
def layout(image: Made, tmp_path: Path) -> Path:
    return write_layout(tmp_path / "in", make_source(image))


@pytest.mark.parametrize("options", [(), ("--chunk-size=300000",)])
def test_push_over_a_line_that_breaks(image: Made, layout: Path, options: tuple[str, ...]) -> None:
    with (
        running(OciRegistry()) as registry,
        cutting(registry.host, Cuts(up=(100_000, 290_000), times=4)) as proxy,
    ):
        pushed(layout, proxy.host, *options)
    assert proxy.cuts == 4
    assert blobs_of(registry) == expected(image)


@pytest.mark.parametrize("way", ["close", "reset"])
def test_pull_over_a_line_that_breaks(image: Made, layout: Path, tmp_path: Path, way: str) -> None:
    cuts = Cuts(down=(100_000, 900_000), times=6, way="reset" if way == "reset" else "close")
    with running(OciRegistry()) as registry:
        pushed(layout, registry.host)
        with cutting(registry.host, cuts) as proxy:
            succeed("pull", f"docker://{proxy.host}/team/app:1", f"oci:{tmp_path / 'out'}")
    assert proxy.cuts == 6
    for digest, content in image.contents.items():
        assert (tmp_path / "out" / digest.blob_path).read_bytes() == content
    assert [at for at in registry.requests if "Range" in at.headers]


def test_storms_of_errors_pass(image: Made, layout: Path, tmp_path: Path) -> None:
    storms = [
        Fault("*", "/team/", answering(429, {"Retry-After": "0"}), times=6, chance=0.2),
        Fault("*", "/team/", answering(503), times=4, chance=0.2),
    ]
    with running(OciRegistry()) as registry:
        registry.faults += storms
        # One after the other, so that the dice strike the same requests in each run.
        pushed(layout, registry.host, "--jobs=1")
        place = f"docker://{registry.host}/team/app:1"
        succeed("pull", "--jobs=1", place, f"oci:{tmp_path / 'out'}")
    assert {429, 503} <= {at.status for at in registry.requests}
    assert blobs_of(registry) == expected(image)


def test_tokens_that_die_during_a_push_are_renewed(image: Made, layout: Path) -> None:
    with running(TokenServer({"ann": "secret"})) as tokens:
        gate = bearer_gate(tokens.book, tokens.realm)
        with running(OciRegistry(gate=gate)) as registry:
            death = meanwhile(tokens.book.expire_now)
            registry.faults.append(Fault("*", "/uploads/", death, times=2, after=3))
            options = ("--creds=ann:secret", f"--token-server={tokens.host}", "--jobs=1")
            pushed(layout, registry.host, *options)
    assert len(tokens.grants) >= 3
    assert blobs_of(registry) == expected(image)


def test_a_push_that_was_killed_sends_only_the_rest(image: Made, layout: Path) -> None:
    with running(OciRegistry()) as registry:
        place = f"docker://{registry.host}/team/app:1"
        command = [sys.executable, "-m", "ocilayout", "push", "--jobs=1", f"{layout}:1", place]
        push = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        registry.faults.append(Fault("PUT", "/uploads/", meanwhile(push.kill), after=2))
        push.wait()
        kept = dict(registry["team/app"].blobs)
        assert 2 <= len(kept) < 5
        registry.requests.clear()
        pushed(layout, registry.host)
    sent = sum(at.body_length for at in registry.requests if "/uploads/" in at.path)
    assert sent == sum(map(len, registry["team/app"].blobs.values())) - sum(map(len, kept.values()))
    assert blobs_of(registry) == expected(image)
