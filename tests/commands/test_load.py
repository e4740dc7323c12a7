"""`load` with clients that are programs of the tests; real ones are in tests/real."""

import json
from pathlib import Path

import pytest

from tests.commands.clients import Clients
from tests.image_files import write_oci_archive
from tests.images import make_image, make_source
from tests.real.command_line import Arguments, Done, assert_refused, ocilayout
from tests.real.readers import read

SAMPLES = Path(__file__).parents[2] / "samples"
MULTI = SAMPLES / "buildx-multi-attested.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Clients(folder)


def load(clients: Clients, *arguments: Arguments) -> Done:
    return ocilayout("load", *arguments, environment=clients.environment)


def test_old_docker_gets_one_platform_and_its_manifest_json(clients: Clients) -> None:
    clients.add_docker()
    done = load(clients, MULTI)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "docker 20.10.24 has hello:1 linux/amd64 sha256:1\n"
    got = read(clients.folder / "got.tar")
    assert [item.platform for item in got.saved] == ["linux/amd64"]
    assert {image.platform for entry in got.entries for image in entry.images} == {"linux/amd64"}


def test_the_containerd_store_gets_all_platforms_and_the_same_digest(clients: Clients) -> None:
    clients.add_docker("29.1.0", "io.containerd.snapshotter.v1")
    assert load(clients, MULTI).returncode == 0
    got = read(clients.folder / "got.tar")
    assert [entry.digest for entry in got.entries] == [e.digest for e in read(MULTI).entries]


@pytest.mark.parametrize(("version", "codec"), [("20.10.24", "gzip"), ("23.0.1", "zstd")])
def test_zstd_becomes_gzip_where_it_is_not_known(
    version: str, codec: str, clients: Clients
) -> None:
    clients.add_docker(version)
    assert load(clients, ZSTD, "--platform", "linux/ppc64le").returncode == 0
    (saved,) = read(clients.folder / "got.tar").saved
    assert set(saved.codecs) == {codec}


def test_what_the_machine_cannot_run_is_refused(clients: Clients) -> None:
    clients.add_docker()
    assert_refused(load(clients, ZSTD), "linux/amd64", "--platform linux/ppc64le")
    assert not (clients.folder / "got.tar").exists()


def test_a_name_can_be_given(clients: Clients) -> None:
    clients.add_docker()
    assert load(clients, MULTI, "--tag", "app:2").returncode == 0
    (saved,) = read(clients.folder / "got.tar").saved
    assert saved.repo_tags == {"docker.io/library/app:2"}


def test_json_says_what_the_engine_has(clients: Clients) -> None:
    clients.add_docker()
    told = json.loads(load(clients, MULTI, "--json").stdout)
    assert told["engine"] == {"client": "docker", "version": "20.10.24"}
    assert told["has"] == [{"name": "hello:1", "id": "sha256:1", "platforms": ["linux/amd64"]}]


def test_the_words_of_an_engine_that_fails_are_passed_on(clients: Clients) -> None:
    clients.add_docker(complains="no space left on device\n", code=1)
    assert_refused(load(clients, MULTI), "docker failed", "no space left on device")


def test_an_engine_that_stops_to_listen_is_heard(clients: Clients, tmp_path: Path) -> None:
    clients.add_docker(takes=512, complains="unexpected EOF\n", code=1)
    big = tmp_path / "big.tar"
    big.write_bytes(MULTI.read_bytes())
    assert_refused(load(clients, big), "docker failed", "unexpected EOF")


def test_the_first_that_answers_is_taken(clients: Clients) -> None:
    clients.add("docker", {"version": {"complains": "Cannot connect", "code": 1}})
    clients.add_ctr("default")
    assert load(clients, MULTI).returncode == 0
    assert clients.calls()[-1][:3] == ["ctr", "images", "import"]


def test_each_that_does_not_answer_is_named(clients: Clients) -> None:
    clients.add("docker", {"version": {"complains": "Cannot connect", "code": 1}})
    done = load(clients, MULTI)
    assert_refused(done, "no engine answers", "Cannot connect", "podman is not in PATH")


@pytest.mark.parametrize(
    ("namespaces", "options", "expected"),
    [
        (("default", "k8s.io"), (), ["--namespace", "k8s.io"]),
        (("default",), (), ["images", "import"]),
        (("default", "k8s.io"), ("--namespace", "lab"), ["--namespace", "lab"]),
    ],
)
def test_the_namespace_is_that_of_kubernetes_if_there_is_one(
    namespaces: tuple[str, ...], options: tuple[str, ...], expected: list[str], clients: Clients
) -> None:
    clients.add_ctr(*namespaces)
    assert load(clients, MULTI, "--engine", "containerd", *options).returncode == 0
    (call,) = [call for call in clients.calls() if "import" in call]
    assert call[1:3] == expected


def test_docker_has_no_namespaces(clients: Clients) -> None:
    clients.add_docker()
    done = load(clients, MULTI, "--engine", "docker", "--namespace", "lab")
    assert (done.returncode, "--namespace" in done.stderr) == (2, True)


def test_a_place_that_is_not_there_asks_no_engine(clients: Clients) -> None:
    clients.add_docker()
    assert_refused(load(clients, "nowhere.tar"), "nowhere.tar")
    assert not (clients.folder / "calls").exists()


def test_what_the_machine_runs_beside_its_own_is_loaded_too(
    clients: Clients, tmp_path: Path
) -> None:
    clients.add_docker()
    images = [make_image("linux/386").named("old:1"), make_image().named("new:1")]
    done = load(clients, write_oci_archive(tmp_path / "two.tar", make_source(*images)))
    assert (done.returncode, done.stderr) == (0, "")
    got = read(clients.folder / "got.tar")
    assert {(*item.repo_tags, item.platform) for item in got.saved} == {
        ("docker.io/library/old:1", "linux/386"),
        ("docker.io/library/new:1", "linux/amd64"),
    }
