"""`--platform` of each verb: exact where images are kept, the best that runs in `load`."""

from pathlib import Path

import pytest

from ocilayout.commands import run
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_source
from tests.commands.clients import Clients
from tests.commands.conftest import CommandLine
from tests.image_files import write_oci_archive
from tests.images import make_image, make_index, make_source
from tests.real.command_line import Done, assert_refused
from tests.real.command_line import ocilayout as start
from tests.real.readers import read
from tests.snapshots import platforms_in, unchanged

NAME = "docker.io/lab/app:1"


@pytest.fixture
def clients(tmp_path: Path) -> Clients:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Clients(folder)


def write_image(folder: Path, *platforms: str) -> Path:
    index = make_index(*map(make_image, platforms))
    return write_oci_archive(folder / "app.tar", make_source(index.named(NAME)))


@pytest.mark.parametrize("verb", ["convert", "merge", "export", "inspect", "annotate", "diff"])
def test_what_would_run_is_named_and_not_taken(
    verb: str, ocilayout: CommandLine, tmp_path: Path
) -> None:
    image = write_image(tmp_path, "linux/amd64", "linux/arm64", "windows/amd64:10.0.20348.1")
    rest: dict[str, list[str | Path]] = {
        "convert": [tmp_path / "out"],
        "merge": ["-o", tmp_path / "out", "-t", NAME],
        "export": [tmp_path / "out"],
        "annotate": ["--annotation", "a=1"],
        "diff": [write_oci_archive(tmp_path / "b.tar", make_source(make_image().named(NAME)))],
    }
    for asked, runs in (
        ("linux/arm64/v9", "linux/arm64"),
        ("linux/amd64/v3", "linux/amd64"),
        ("windows(10.0.26100)/amd64", "windows/amd64:10.0.20348.1"),
    ):
        said = f"; {runs} would run there: --platform {runs}"
        with unchanged(tmp_path):
            ocilayout.refuse(1, said, verb, image, *rest.get(verb, []), "--platform", asked)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("arm64", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64/v8"),
        ("linux/arm64/v8.0", "linux/arm64/v8"),
        ("linux/arm64/v9.0", "linux/arm64/v9"),
        ("linux/arm/v7", "linux/arm"),
        ("armhf", "linux/arm"),
        ("x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("i386", "linux/386"),
        ("windows(10.0.17763)/amd64", "windows/amd64:10.0.17763.1234"),
        ("windows/amd64:10.0.17763.1234", "windows/amd64:10.0.17763.1234"),
    ],
)
def test_a_platform_is_kept_under_all_its_spellings(
    asked: str, kept: str, ocilayout: CommandLine, tmp_path: Path
) -> None:
    image = write_image(
        tmp_path,
        *("linux/amd64", "linux/386", "linux/arm", "linux/arm64/v8", "linux/arm64/v9"),
        *("windows/amd64:10.0.17763.1234", "windows/amd64:10.0.20348.1"),
    )
    ocilayout.succeed("convert", image, tmp_path / "out", "--platform", asked)
    with open_source(str(tmp_path / "out")) as source:
        assert platforms_in(source) == [kept]


def test_features_tell_two_images_of_one_platform_apart(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    plain, gpu = make_image("linux/amd64"), make_image("linux(+gpu)/amd64")
    index = make_index(plain, gpu).named(NAME)
    image = write_oci_archive(tmp_path / "app.tar", make_source(index))
    ocilayout.succeed("convert", image, tmp_path / "out", "--platform", "linux(+gpu)/amd64")
    with open_source(str(tmp_path / "out")) as source:
        assert [entry.digest for entry in source.index.children] == [gpu.descriptor.digest]
    said = "no image for linux(+simd)/amd64"
    ocilayout.refuse(1, said, "convert", image, tmp_path / "no", "--platform", "linux(+simd)/amd64")


def test_local_and_all_are_understood_where_images_are_kept(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    local = str(Platform.local())
    image = write_image(tmp_path, "linux/s390x", local)
    for asked, kept in (("local", [local]), ("all", ["linux/s390x", local])):
        ocilayout.succeed("convert", image, tmp_path / asked, "--platform", asked)
        with open_source(str(tmp_path / asked)) as source:
            assert sorted(platforms_in(source)) == sorted(kept)
    for verb in ("ls", "inspect", "validate"):
        ocilayout.succeed(verb, image, "--platform", "all")
        ocilayout.succeed(verb, image, "--platform", "local")
    both = ("--platform", "all", "--platform", "linux/amd64")
    ocilayout.refuse(2, "all leaves out nothing", "convert", image, tmp_path / "x", *both)


@pytest.mark.parametrize("option", ["import", "set-platform"])
def test_all_is_no_platform_of_one_image(option: str, tmp_path: Path) -> None:
    image = write_image(tmp_path, "linux/amd64")
    words = {
        "import": ["import", tmp_path / "app.tar", tmp_path / "out", "--platform", "all"],
        "set-platform": ["merge", image, "-o", tmp_path / "out", "--set-platform", f"{image}=all"],
    }
    assert run([str(word) for word in words[option]]) == 2


def load(clients: Clients, image: Path, *options: str) -> Done:
    return start("load", image, *options, environment=clients.environment)


@pytest.mark.parametrize(
    ("asked", "there", "sent"),
    [
        ([], ("linux/386", "linux/arm64"), ["linux/386"]),
        ([], ("linux/386", "linux/amd64", "linux/amd64/v2"), ["linux/amd64"]),
        (["linux/amd64/v3"], ("linux/amd64", "linux/amd64/v2"), ["linux/amd64/v2"]),
        (["linux/arm64/v9"], ("linux/arm/v7", "linux/arm64"), ["linux/arm64"]),
        (["linux/arm64"], ("linux/arm/v6", "linux/arm/v7"), ["linux/arm/v7"]),
        (["linux/arm/v7"], ("linux/arm/v5", "linux/arm/v6"), ["linux/arm/v6"]),
        (["local"], ("linux/s390x", str(Platform.local())), [str(Platform.local())]),
    ],
)
def test_old_docker_gets_what_runs_best(
    asked: list[str], there: tuple[str, ...], sent: list[str], clients: Clients, tmp_path: Path
) -> None:
    clients.add_docker()
    options = [word for each in asked for word in ("--platform", each)]
    done = load(clients, write_image(tmp_path, *there), *options)
    assert done.returncode == 0, done.stderr
    assert [item.platform for item in read(clients.folder / "got.tar").saved] == sent


def test_the_containerd_store_gets_the_best_for_each_machine_asked_for(
    clients: Clients, tmp_path: Path
) -> None:
    clients.add_docker("29.1.0", "io.containerd.snapshotter.v1")
    image = write_image(tmp_path, "linux/amd64", "linux/arm/v6", "linux/arm64", "linux/s390x")
    done = load(clients, image, "--platform", "linux/amd64/v2,linux/arm64/v9")
    assert done.returncode == 0, done.stderr
    (entry,) = read(clients.folder / "got.tar").entries
    assert {each.platform for each in entry.images} == {"linux/amd64", "linux/arm64"}


def test_what_runs_nothing_is_refused(clients: Clients, tmp_path: Path) -> None:
    clients.add_docker()
    image = write_image(tmp_path, "linux/arm64/v9", "linux/amd64/v2")
    assert_refused(load(clients, image), "docker 20.10.24 runs linux/amd64")
    assert_refused(
        load(clients, image, "--platform", "linux/arm64"),
        "no image for linux/arm64 here, but for linux/arm64/v9, linux/amd64/v2",
    )
    assert not (clients.folder / "got.tar").exists()


@pytest.mark.parametrize("asked", ["all", "linux/amd64,linux/arm64"])
def test_an_engine_that_holds_one_platform_is_not_sent_several(
    asked: str, clients: Clients, tmp_path: Path
) -> None:
    clients.add_docker()
    image = write_image(tmp_path, "linux/amd64", "linux/arm64")
    done = load(clients, image, "--platform", asked)
    assert_refused(done, "docker 20.10.24 holds one platform of an image", "--platform")


def test_all_goes_into_an_engine_that_holds_all(clients: Clients, tmp_path: Path) -> None:
    clients.add_docker("29.1.0", "io.containerd.snapshotter.v1")
    image = write_image(tmp_path, "linux/s390x", "linux/arm64")
    assert load(clients, image, "--platform", "all").returncode == 0
    (entry,) = read(clients.folder / "got.tar").entries
    assert {each.platform for each in entry.images} == {"linux/s390x", "linux/arm64"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("linux/amd64", 0),
        ("linux/amd64/v4", 0),
        ("linux/arm64/v9.2", 0),
        ("linux/arm64", 0),
        ("linux/arm/v6", 0),
        ("linux/arm/v5", 3),
        ("linux/s390x", 3),
        ("windows(10.0.26100)/amd64", 3),
        ("all", 0),
    ],
)
def test_check_asks_what_a_machine_runs(
    asked: str, code: int, ocilayout: CommandLine, tmp_path: Path
) -> None:
    image = write_image(tmp_path, "linux/386", "linux/arm/v6")
    done = ocilayout("check", image, "--for", "k3s", "--platform", asked)
    assert done.code == code, done.out
    assert ("no fix: no image in it is for" in done.out) == bool(code)


@pytest.mark.parametrize(
    "engine", ["docker-20.10", "podman", "containerd-2", "docker-29-containerd"]
)
def test_check_finds_something_where_nothing_runs(
    engine: str, ocilayout: CommandLine, tmp_path: Path
) -> None:
    ocilayout.succeed("convert", write_image(tmp_path, "linux/s390x"), tmp_path / "one.tar")
    options = ("--for", engine, "--platform", "linux/amd64")
    done = ocilayout("check", tmp_path / "one.tar", *options, "--json")
    (found,) = done.json["engines"]
    assert (done.code, found["verdict"]) == (3, "loads")
    assert [image["usable"] for image in found["images"]] == [False]
    assert found["fix"] == {"command": None, "reason": "no image in it is for linux/amd64"}


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("linux/amd64/v3", "linux/amd64/v2"),
        ("linux/amd64", "linux/386"),
        ("linux/arm64/v9", "linux/arm64"),
        ("linux/arm64", "linux/arm64"),
        ("linux/arm/v7", "linux/arm/v6"),
        ("linux/s390x", None),
        ("all", None),
    ],
)
def test_check_names_what_the_machine_takes(
    asked: str, taken: str | None, ocilayout: CommandLine, tmp_path: Path
) -> None:
    platforms = ("linux/386", "linux/amd64/v2", "linux/arm/v6", "linux/arm64")
    image = write_image(tmp_path, *platforms)
    done = ocilayout("check", image, "--for", "k3s", "--platform", asked, "--json")
    (found,) = done.json["engines"][0]["images"]
    assert found["runs"] == taken
    words = ocilayout("check", image, "--for", "k3s", "--platform", asked).out
    assert ("runs as" in words) == (taken is not None)
    assert f"runs as {taken}" in words or taken is None
