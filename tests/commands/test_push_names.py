"""Which names a push writes: never one for two images, and no more than are stated."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.conftest import CommandLine
from tests.image_files import write_docker_archive, write_layout, write_oci_archive
from tests.images import Made, make_image, make_layer, make_source
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

FIRST = make_image(layers=[make_layer("first")])
SECOND = make_image(layers=[make_layer("second")])
ONE, TWO = str(FIRST.descriptor.digest), str(SECOND.descriptor.digest)


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def layout(folder: Path, name: str, *images: Made) -> Path:
    return write_layout(folder / name, make_source(*images))


def tags(registry: OciRegistry) -> dict[str, str]:
    """Every name in the registry, and the digest that it leads to."""
    return {
        f"{path}:{tag}": digest
        for path, held in registry.content.repositories.items()
        for tag, digest in held.tags.items()
    }


def was_only_asked(registry: OciRegistry) -> bool:
    return {request.method for request in registry.requests} <= {"GET", "HEAD"}


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--json"]])
@pytest.mark.parametrize(
    ("first", "second", "destination", "both"),
    [
        ("team/app:1", "ghcr.io/team/app:1", "project/", "project/team/app:1"),
        ("app:1", "localhost/app:1", "project/", "project/app:1"),
        ("quay.io/library/app:1", "ghcr.io/library/app:1", "p/", "p/library/app:1"),
        ("a.example:5000/app", "b.example/app:latest", "p/q/", "p/q/app:latest"),
        ("team/app:1", "team/other:1", "app --all-tags", "app:1"),
        ("v1", "team/other:v1", "app --all-tags", "app:v1"),
    ],
)
def test_two_images_are_not_given_one_name(
    ocilayout: CommandLine,
    tmp_path: Path,
    registry: OciRegistry,
    first: str,
    second: str,
    destination: str,
    both: str,
    options: list[str],
) -> None:
    sources = [
        layout(tmp_path, "a", FIRST.named(first)),
        layout(tmp_path, "b", SECOND.named(second)),
    ]
    target, *more = destination.split()
    said = f"would both be {registry.host}/{both}"
    words: list[str | Path] = [*sources, f"docker://{registry.host}/{target}", *more, *options]
    done = ocilayout.refuse(1, said, "push", *words)
    assert f"{sources[0]}:" in done.err
    assert f"as in ocilayout push {sources[1]}:" in done.err
    assert was_only_asked(registry)


def test_the_command_that_is_offered_works(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    images = FIRST.named("team/app:1"), SECOND.named("ghcr.io/team/app:1")
    source = layout(tmp_path, "both", *images)
    place = f"docker://{registry.host}/p/"
    done = ocilayout.refuse(1, "would both be", "push", source, place)
    _, _, offered = done.err.strip().partition("as in ocilayout ")
    ocilayout.succeed(*offered.replace("OTHER", "2").split())
    assert tags(registry) == {"p/team/app:2": TWO}


@pytest.mark.parametrize("target", ["p/", "p --all-tags"])
def test_one_name_in_two_sources_is_not_given_to_two_images(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, target: str
) -> None:
    sources = [
        layout(tmp_path, "a", FIRST.named("docker.io/library/app:1")),
        write_docker_archive(tmp_path / "b.tar", "app:1"),
    ]
    name, *more = target.split()
    words: list[str | Path] = [*sources, f"docker://{registry.host}/{name}", *more]
    done = ocilayout.refuse(1, f"docker.io/library/app:1 is {ONE} in {sources[0]}", "push", *words)
    assert f"in {sources[1]}" in done.err
    assert was_only_asked(registry)


@pytest.mark.parametrize(("words", "name"), [("app -t 7", "app:7"), ("app:3", "app:3")])
def test_several_images_are_refused_by_the_name_that_they_would_share(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, words: str, name: str
) -> None:
    source = layout(tmp_path, "a", FIRST.named("app:1"), SECOND.named("app:2"))
    target, *more = words.split()
    place = f"docker://{registry.host}/{target}"
    ocilayout.refuse(2, f"cannot all be {registry.host}/{name}: ", "push", source, place, *more)
    assert was_only_asked(registry)


def test_one_image_may_come_twice(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    sources = [
        layout(tmp_path, "a", FIRST.named("team/app:1")),
        layout(tmp_path, "b", FIRST.named("ghcr.io/team/app:1")),
    ]
    ocilayout.succeed("push", *sources, f"docker://{registry.host}/p/")
    assert tags(registry) == {"p/team/app:1": ONE}


@pytest.mark.parametrize(
    ("source", "target", "options", "expected"),
    [
        ("a", "repo", [], ["latest"]),
        ("a", "repo", ["-t", "7"], ["7"]),
        ("a", "repo", ["-t", "7", "-t", "8"], ["7", "8"]),
        ("a", "repo:2", [], ["2"]),
        ("a", "repo:2", ["-t", "7"], ["2", "7"]),
        ("a:1.2.3", "repo", [], ["1.2.3"]),
        ("a:app:1.2.3", "repo", [], ["1.2.3"]),
        ("a:docker.io/library/app:1.2.3", "repo", [], ["1.2.3"]),
        ("a:1.2.3", "repo", ["-t", "7"], ["7"]),
        ("a:1.2.3", "repo:2", [], ["2"]),
        (f"a@{ONE}", "repo", [], ["latest"]),
        (f"a:1.2.3@{ONE}", "repo", [], ["1.2.3"]),
        ("a:1.2.3", "repo", ["--all-tags"], ["1.2.3"]),
    ],
)
@pytest.mark.parametrize("verb", ["push", "convert"])
def test_a_tag_that_is_stated_is_the_only_one_that_is_written(
    ocilayout: CommandLine,
    tmp_path: Path,
    registry: OciRegistry,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    source: str,
    target: str,
    options: list[str],
    expected: list[str],
) -> None:
    if verb == "convert" and "--all-tags" in options:
        pytest.skip("it has no --all-tags")
    monkeypatch.chdir(tmp_path)
    layout(tmp_path, "a", FIRST.named("app:1.2.3", "app:other"))
    ocilayout.succeed(verb, source, f"docker://{registry.host}/{target}", *options)
    assert tags(registry) == {f"repo:{tag}": ONE for tag in expected}


def test_a_tag_of_a_registry_stays_one_in_another(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = f"docker://{registry.host}/app:1.2.3"
    ocilayout.succeed("push", layout(tmp_path, "a", FIRST), place)
    ocilayout.succeed("push", place, f"docker://{registry.host}/copy")
    ocilayout.succeed("pull", f"{registry.host}/app:1.2.3", f"docker://{registry.host}/third")
    assert set(tags(registry)) == {"app:1.2.3", "copy:1.2.3", "third:1.2.3"}


def test_a_merged_image_gets_the_tag_that_is_stated(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    arm = make_image("linux/arm64").named("app:2")
    sources = [layout(tmp_path, "a", FIRST.named("app:2")), layout(tmp_path, "b", arm)]
    words: list[str | Path] = ["merge", *sources, "-o", f"docker://{registry.host}/app"]
    ocilayout.succeed(*words, "-t", "7")
    assert set(tags(registry)) == {"app:7"}
    named = [f"{source}:2" for source in sources]
    ocilayout.succeed("merge", *named, "-o", f"docker://{registry.host}/app")
    assert set(tags(registry)) == {"app:7", "app:2"}


def test_a_name_that_is_no_tag_is_none_that_latest_stands_for(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    annotations = {"org.opencontainers.image.ref.name": "v1+meta"}
    source = layout(tmp_path, "a", FIRST.annotated(annotations))
    words: list[str | Path] = [f"{source}:v1+meta", f"docker://{registry.host}/app"]
    ocilayout.refuse(2, "v1+meta", "push", *words)
    assert tags(registry) == {}
    ocilayout.succeed("push", *words, "-t", "v1")
    assert set(tags(registry)) == {"app:v1"}


@pytest.mark.parametrize("verb", ["push", "convert"])
def test_a_tag_that_moves_is_told(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, verb: str
) -> None:
    place = f"docker://{registry.host}/app:1"
    name = f"{registry.host}/app:1"
    first, second = layout(tmp_path, "a", FIRST), layout(tmp_path, "b", SECOND)
    assert "was" not in ocilayout.succeed(verb, first, place).err
    assert "was" not in ocilayout.succeed(verb, first, place).err
    done = ocilayout.succeed(verb, second, place, "--dry-run")
    assert f"note: {name} is {ONE} there, and would be {TWO}" in done.err
    report = ocilayout.succeed(verb, second, place, "--json").json
    (report,) = report["pushed"] if verb == "push" else [report]
    assert report["moved"] == [{"name": name, "old": ONE, "new": TWO}]
    done = ocilayout.succeed(verb, first, place)
    assert f"note: {name} was {TWO}, and is {ONE} now" in done.err


def test_a_name_that_moves_in_a_layout_is_told(ocilayout: CommandLine, tmp_path: Path) -> None:
    name = "docker.io/library/app:1"
    first = write_oci_archive(tmp_path / "a.tar", make_source(FIRST.named(name)))
    second = layout(tmp_path, "b", SECOND.named(name))
    out = tmp_path / "out"
    assert ocilayout.succeed("convert", first, out).err == ""
    assert ocilayout.succeed("convert", first, out).err == ""
    plan = ocilayout.succeed("convert", second, out, "--dry-run", "--json").json
    assert plan["moved"] == [{"name": name, "old": ONE, "new": TWO}]
    done = ocilayout.succeed("convert", second, out)
    assert f"note: {name} was {ONE}, and is {TWO} now" in done.err
    assert f"note: {ONE} lost its last name" in done.err
    report = ocilayout.succeed("convert", first, out, "--json", "-q").json
    assert report["moved"] == [{"name": name, "old": TWO, "new": ONE}]
    assert json.loads((out / "index.json").read_text())["manifests"][0]["digest"] == ONE


def test_a_digest_that_is_not_known_yet_is_no_digest(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    out = layout(tmp_path, "out", FIRST.named("app:1"))
    second = layout(tmp_path, "b", SECOND.named("app:1"))
    words: list[str | Path] = ["convert", second, out, "--compression", "zstd", "--dry-run"]
    assert ocilayout.succeed(*words, "--json").json["moved"][0]["new"] is None
    assert "would be another image" in ocilayout.succeed(*words).err
