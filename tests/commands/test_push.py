import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.wrappers import Request, Response

from tests.attestations import make_containerd_referrer
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.program import program, started
from tests.registries.talking import ANN, SECRET, fill, holds, write_creds
from tests.servers import rogue as rogues
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Answer, Fault, answering, late, meanwhile, redirecting
from tests.servers.gates import basic_gate, bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.rogue import rogue
from tests.servers.site import running
from tests.servers.token_server import TokenServer

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

FIRST = make_image(layers=[make_layer("first")])
SECOND = make_image(layers=[make_layer("second")])
INDEX = make_index(make_image("linux/amd64"), make_image("linux/arm64"))


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


@pytest.fixture
def private() -> Iterator[OciRegistry]:
    with running(OciRegistry(gate=basic_gate(ANN))) as private:
        yield private


def layout(folder: Path, *images: Made, name: str = "layout") -> Path:
    return write_layout(folder / name, make_source(*images))


def tags(registry: OciRegistry) -> dict[str, str]:
    """Every name in the registry, and the digest that it leads to."""
    return {
        f"{path}:{tag}": digest
        for path, held in registry.content.repositories.items()
        for tag, digest in held.tags.items()
    }


def test_an_image_is_pushed_under_the_name_that_is_stated(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    source = layout(tmp_path, INDEX.named("v1"))
    done = ocilayout.succeed("push", source, f"docker://{registry.host}/team/app:2", "-t", "latest")
    digest = str(INDEX.descriptor.digest)
    assert tags(registry) == {"team/app:2": digest, "team/app:latest": digest}
    assert holds(registry, INDEX)
    assert f"{registry.host}/team/app:2" in done.out


def test_a_report_says_what_was_copied_skipped_and_mounted(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    source = layout(tmp_path, FIRST)
    place = f"docker://{registry.host}/team/app:1"
    (first,) = ocilayout.succeed("push", source, place, "--json").json["pushed"]
    (again,) = ocilayout.succeed("push", source, place, "--json").json["pushed"]
    other = f"docker://{registry.host}/other:1"
    (moved,) = ocilayout.succeed("push", place, other, "--json").json["pushed"]
    counts = [
        tuple(report[key]["blobs"] for key in ("copied", "skipped", "mounted"))
        for report in (first, again, moved)
    ]
    assert counts == [(3, 0, 0), (0, 3, 0), (1, 0, 2)]


def test_several_sources_keep_their_names_below_a_project(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    sources = [
        layout(tmp_path, FIRST.named("docker.io/library/demo:1"), name="a"),
        layout(tmp_path, SECOND.named("quay.io/team/db:2", "quay.io/team/db:3"), name="b"),
    ]
    ocilayout.succeed("push", *sources, f"docker://{registry.host}/project/")
    first, second = str(FIRST.descriptor.digest), str(SECOND.descriptor.digest)
    assert tags(registry) == {
        "project/demo:1": first,
        "project/team/db:2": second,
        "project/team/db:3": second,
    }


def test_all_tags_come_along(ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry) -> None:
    source = layout(tmp_path, FIRST.named("v1", "latest"), SECOND.named("v2"))
    ocilayout.succeed("push", source, f"{registry.host}/team/app", "--all-tags")
    assert set(tags(registry)) == {"team/app:v1", "team/app:latest", "team/app:v2"}


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("team/app:1", ["--all-tags"], "write HOST/REPOSITORY, and no --tag"),
        ("team/", ["-t", "x"], "keeps all names"),
        ("team/app@sha256:" + "0" * 64, [], "a digest follows from what is pushed"),
        ("team/app:1", ["-t", "other.example/x:1"], "write the tag alone"),
        ("Team/app:1", [], "repositories are in lower case: write"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(
    ocilayout: CommandLine,
    tmp_path: Path,
    registry: OciRegistry,
    name: str,
    options: list[str],
    said: str,
) -> None:
    source = layout(tmp_path, FIRST.named("v1"))
    ocilayout.refuse(2, said, "push", source, f"docker://{registry.host}/{name}", *options)
    assert registry.requests == []


def test_a_destination_alone_is_no_push(ocilayout: CommandLine) -> None:
    ocilayout.refuse(2, "missing destination", "push", "docker://registry.example/app:1")


def test_referrers_stay_behind_unless_they_are_wanted(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    referrer = make_containerd_referrer(FIRST)
    source = layout(tmp_path, FIRST.named("v1"), referrer)
    place = f"docker://{registry.host}/team/app:1"
    done = ocilayout.succeed("push", source, place)
    assert "note: referrers stay behind (1): --referrers takes them along" in done.err
    assert str(referrer.descriptor.digest) not in registry["team/app"].manifests
    ocilayout.succeed("push", source, place, "--referrers")
    assert str(referrer.descriptor.digest) in registry["team/app"].manifests


@pytest.mark.parametrize("interface", [True, False])
def test_referrers_are_listed_by_whatever_the_registry_knows(
    ocilayout: CommandLine, tmp_path: Path, interface: bool
) -> None:
    referrer = make_containerd_referrer(FIRST)
    source = layout(tmp_path, FIRST.named("v1"), referrer)
    with running(OciRegistry(Manners(referrers_api=interface))) as registry:
        ocilayout.succeed("push", source, f"docker://{registry.host}/app:1", "--referrers")
        out = tmp_path / "out"
        ocilayout.succeed("pull", f"{registry.host}/app:1", f"oci:{out}", "--referrers")
    listed = json.loads((out / "index.json").read_text())["manifests"]
    assert [entry["digest"] for entry in listed] == [
        str(FIRST.descriptor.digest),
        str(referrer.descriptor.digest),
    ]
    annotations = listed[1]["annotations"]
    assert annotations["io.containerd.manifest.subject"] == str(FIRST.descriptor.digest)


def test_an_old_registry_takes_dockers_types_when_it_is_told(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    source = layout(tmp_path, FIRST)
    with running(OciRegistry(Manners(refuses_oci=415))) as registry:
        place = f"docker://{registry.host}/team/app:1"
        ocilayout.refuse(1, "say --media-types docker", "push", source, place)
        ocilayout.succeed("push", source, place, "--media-types", "docker")
        assert list(tags(registry)) == ["team/app:1"]


def test_a_dry_run_sends_nothing(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    source = layout(tmp_path, INDEX)
    place = f"docker://{registry.host}/team/app:1"
    (plan,) = ocilayout.succeed("push", source, place, "--dry-run", "--json").json["pushed"]
    assert {request.method for request in registry.requests} == {"HEAD"}
    assert [(image["names"], image["digest"]) for image in plan["images"]] == [
        ([f"{registry.host}/team/app:1"], str(INDEX.descriptor.digest))
    ]


def test_errors_of_a_registry_are_one_line_without_escapes(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    body = json.dumps({"errors": [{"code": "X", "message": rogues.ESCAPES * 100}]})
    registry.faults.append(Fault("POST", "", answering(400, body=body), times=None))
    source = layout(tmp_path, FIRST)
    done = ocilayout.refuse(1, "refused to", "push", source, f"docker://{registry.host}/app:1")
    assert "\x1b" not in done.err
    assert "\x07" not in done.err
    assert len(done.err.splitlines()) == 1
    with rogue(registry.host, b"POST", rogues.loud_error) as host:
        done = ocilayout.refuse(1, "(403: [2J ]0;owned", "push", source, f"docker://{host}/app:1")
    assert len(done.err) < 1000


def logins(folder: Path, way: str) -> tuple[list[str | Path], dict[str, str]]:
    if way == "file":
        return ["--creds-file", write_creds(folder)], {}
    return [], {"OCILAYOUT_CREDS": f"ann:{SECRET}"}


@pytest.mark.parametrize("way", ["file", "variable"])
@pytest.mark.parametrize("gate", ["right", "wrong", "elsewhere"])
def test_no_secret_is_seen_anywhere(
    tmp_path: Path, private: OciRegistry, way: str, gate: str
) -> None:
    """Not in what is said, whether it goes well or not, nor in the list of processes."""
    if gate == "wrong":
        private.gate = basic_gate({"ann": "another"})
    source = layout(tmp_path, FIRST)
    options, environment = logins(tmp_path, way)
    cmdlines: list[bytes] = []
    look = meanwhile(lambda: cmdlines.extend(_cmdlines()))
    with running(OciRegistry()) as other:
        if gate == "elsewhere":
            away = redirecting(other.url)
            private.faults.append(Fault("POST", "", away, after=1, times=None))
        private.faults.append(Fault("*", "", look, times=None))
        place = f"docker://{private.host}/team/app:1"
        done = program("push", source, place, "--json", "-v", *options, environment=environment)
        assert other.requests == []
    assert (done.returncode == 0) is (gate == "right"), done.stderr
    said = done.stdout + done.stderr
    assert SECRET.encode() not in said
    assert b"Traceback" not in said
    assert any(b"push" in line for line in cmdlines)
    assert all(SECRET.encode() not in line for line in cmdlines)


def _cmdlines() -> list[bytes]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:
            continue
    return found


def test_a_login_of_docker_is_found(
    ocilayout: CommandLine, tmp_path: Path, private: OciRegistry
) -> None:
    auths = {private.host: {"username": "ann", "password": SECRET}}
    folder = Path(os.environ["DOCKER_CONFIG"])
    (folder / "config.json").write_text(json.dumps({"auths": auths}))
    ocilayout.succeed("push", layout(tmp_path, FIRST), f"docker://{private.host}/app:1")


def test_a_token_server_is_agreed_to_by_its_name(ocilayout: CommandLine, tmp_path: Path) -> None:
    creds = ("--creds-file", write_creds(tmp_path))
    source = layout(tmp_path, FIRST)
    with (
        running(TokenServer(ANN)) as tokens,
        running(OciRegistry(gate=bearer_gate(tokens.book, tokens.realm))) as registry,
    ):
        place = f"docker://{registry.host}/team/app:1"
        said = f"say --token-server {tokens.host}"
        ocilayout.refuse(1, said, "push", source, place, *creds)
        assert tokens.requests == []
        ocilayout.succeed("push", source, place, *creds, "--token-server", tokens.host)


@pytest.mark.parametrize("seed", range(3))
def test_a_push_that_was_killed_sends_only_what_is_missing(
    tmp_path: Path, registry: OciRegistry, seed: int
) -> None:
    layers = [make_layer(f"layer {number}", 1000) for number in range(8)]
    image = make_image(layers=layers, codec="none")
    source = layout(tmp_path, image)
    place = f"docker://{registry.host}/team/app:1"
    killed = random.Random(seed).randint(1, 8)
    victim: list[int] = []

    def kill(request: Request, answer: Answer) -> Response:
        os.kill(victim[0], signal.SIGKILL)
        return Response(status=500)

    registry.faults.append(Fault("PUT", "/uploads/", kill, after=killed, times=1))
    with started("push", source, place, "--jobs", "2", cwd=tmp_path) as running_push:
        victim.append(running_push.pid)
        running_push.communicate()
    assert running_push.returncode == -signal.SIGKILL
    assert registry["team/app"].tags == {}
    time.sleep(0.2)
    had = len(registry["team/app"].blobs)
    assert had >= killed - 1
    registry.requests.clear()
    assert program("push", source, place).returncode == 0
    assert len(registry.seen("PUT", "/uploads/")) == 9 - had
    assert holds(registry, image)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("trouble", ["silence", "limits"])
def test_a_push_that_waits_can_be_ended_at_once(
    tmp_path: Path, registry: OciRegistry, trouble: str, number: int
) -> None:
    what = late(5) if trouble == "silence" else answering(429, {"Retry-After": "1000000000"})
    registry.faults.append(Fault("PUT", "/uploads/", what, times=None))
    source = layout(tmp_path, INDEX)
    place = f"docker://{registry.host}/team/app:1"
    with started("push", source, place, "--jobs", "4", cwd=tmp_path) as waiting:
        deadline = time.monotonic() + 20
        while len(registry.seen("PUT")) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.1)
        waiting.send_signal(number)
        start = time.monotonic()
        _, err = waiting.communicate()
    assert time.monotonic() - start < 3
    assert waiting.returncode == 128 + number
    assert b"Traceback" not in err


@pytest.mark.parametrize("seed", range(2))
def test_a_push_over_a_line_that_breaks_arrives(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, seed: int
) -> None:
    layers = [random.Random(number).randbytes(300_000) for number in range(3)]
    image = make_image(layers=layers, codec="none")
    with cutting(registry.host, Cuts(up=(200, 200_000), chance=0.6, seed=seed)) as proxy:
        place = f"docker://{proxy.host}/team/app:1"
        ocilayout.succeed("push", layout(tmp_path, image), place, "--chunk-size", "64K")
    assert holds(registry, image)


def test_between_registries_nothing_touches_the_disk(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, private: OciRegistry
) -> None:
    fill(registry, *(make_image("linux/amd64"), make_image("linux/arm64"), INDEX))
    creds = tmp_path / "creds"
    creds.write_text(f"{private.host}=ann:{SECRET}")
    creds.chmod(0o600)
    source, target = f"docker://{registry.host}/team/app:1", f"docker://{private.host}/copy:1"
    ocilayout.succeed("convert", source, target, "--creds-file", creds)
    assert holds(private, INDEX, "copy")
    assert all("Authorization" not in request.headers for request in registry.requests)
