import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.spec.digest import Digest
from ocilayout.stores import open_source
from tests.attestations import make_cosign_signature, make_referrer
from tests.commands.conftest import CommandLine
from tests.images import make_blob, make_image, make_index, make_layer, make_manifest
from tests.registries.talking import ANN, fill, write_creds
from tests.servers import rogue as rogues
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Fault, lying, redirecting
from tests.servers.gates import basic_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.rogue import rogue
from tests.servers.site import running
from tests.snapshots import contents_of, manifest_json, names_in, platforms_in, snapshot

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

FIRST = make_image(layers=[make_layer("first")])
SECOND = make_image(layers=[make_layer("second")])
MEMBERS = [make_image("linux/amd64"), make_image("linux/arm64")]
INDEX = make_index(*MEMBERS)


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        fill(registry, FIRST)
        fill(registry, *MEMBERS, INDEX, tag="multi")
        yield registry


def contents(path: Path) -> dict[Digest, bytes]:
    with open_source(f"oci:{path}") as source:
        return contents_of(source)


def test_an_image_comes_byte_for_byte_under_its_name(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    ocilayout.succeed("pull", f"{registry.host}/team/app:multi", tmp_path / "out")
    with open_source(f"oci:{tmp_path / 'out'}") as source:
        assert contents_of(source) == INDEX.contents
        assert names_in(source) == {f"{registry.host}/team/app:multi": INDEX.descriptor.digest}


def test_one_platform_comes_alone(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    out = tmp_path / "out"
    name = f"docker://{registry.host}/team/app:multi"
    ocilayout.succeed("pull", name, out, "--platform", "linux/arm64")
    with open_source(f"oci:{out}") as source:
        assert platforms_in(source) == ["linux/arm64"]
    asked = [request.path for request in registry.seen("GET", "/blobs/")]
    others = set(MEMBERS[0].contents) - set(MEMBERS[1].contents)
    assert not any(str(digest) in path for digest in others for path in asked)


def test_several_come_into_one_place(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    fill(registry, SECOND, path="team/db")
    out = tmp_path / "out.tar"
    host = registry.host
    ocilayout.succeed("pull", f"{host}/team/app:1", f"{host}/team/db:1", out)
    listed = [tag for entry in manifest_json(out) for tag in entry["RepoTags"]]
    assert listed == [f"{host}/team/app:1", f"{host}/team/db:1"]


def test_all_tags_come(ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry) -> None:
    out = tmp_path / "out"
    ocilayout.succeed("pull", f"{registry.host}/team/app", out, "--all-tags")
    with open_source(f"oci:{out}") as source:
        assert {name.rpartition(":")[2] for name in names_in(source)} == {"1", "multi"}


def test_all_tags_of_one_tag_make_no_sense(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    name = f"{registry.host}/team/app:1"
    ocilayout.refuse(2, "wants HOST/REPOSITORY alone", "pull", name, tmp_path / "o", "--all-tags")


def test_a_digest_pins_what_comes(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    held = registry["team/app"]
    digest = str(FIRST.descriptor.digest)
    name = f"{registry.host}/team/app@{digest}"
    ocilayout.succeed("pull", name, tmp_path / "out")
    held.manifests[digest] = held.manifests[str(MEMBERS[0].descriptor.digest)]
    ocilayout.refuse(1, digest, "pull", name, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_what_is_there_is_not_fetched_again(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    name = f"{registry.host}/team/app:multi"
    ocilayout.succeed("pull", name, tmp_path / "out")
    registry.requests.clear()
    ocilayout.succeed("pull", name, tmp_path / "out")
    configs = 2
    assert len(registry.seen("GET", "/blobs/")) <= configs


def test_a_blob_that_was_spoiled_leaves_nothing(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    held = registry["team/app"].blobs
    for digest in FIRST.contents:
        if (good := held.get(str(digest))) is None or digest == FIRST.descriptor.digest:
            continue
        held[str(digest)] = good[::-1]
        for out in ("layout", "a.tar"):
            name = f"{registry.host}/team/app:1"
            ocilayout.refuse(1, str(digest), "pull", name, tmp_path / out)
            assert snapshot(tmp_path) == {}
        held[str(digest)] = good


def test_a_body_that_is_always_short_leaves_nothing(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    with rogue(registry.host, b"GET /v2/.*/blobs/", rogues.short_body) as host:
        name = f"{host}/team/app:1"
        ocilayout.refuse(1, "it broke off, at byte 10 of", "pull", name, tmp_path / "out.tar")
    assert snapshot(tmp_path) == {}


@pytest.mark.parametrize("seed", range(2))
def test_a_pull_over_a_line_that_breaks_arrives(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, seed: int
) -> None:
    layers = [random.Random(number).randbytes(300_000) for number in range(3)]
    image = make_image(layers=layers, codec="none")
    fill(registry, image, tag="large")
    with cutting(registry.host, Cuts(down=(100, 200_000), chance=0.6, seed=seed)) as proxy:
        name = f"{proxy.host}/team/app:large"
        ocilayout.succeed("pull", name, tmp_path / "out", "--jobs", "3")
    assert contents(tmp_path / "out") == image.contents


def test_blobs_come_from_elsewhere_without_the_login(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    with running(OciRegistry(gate=basic_gate(ANN))) as private:
        fill(private, FIRST)
        away = redirecting(registry.url)
        private.faults.append(Fault("GET", "/blobs/", away, times=None))
        private.faults.append(Fault("*", "", lying({"Set-Cookie": "a=b"}), times=None))
        creds = ("--creds-file", write_creds(tmp_path))
        ocilayout.succeed("pull", f"{private.host}/team/app:1", tmp_path / "out", *creds)
    assert registry.seen("GET", "/blobs/")
    assert all("Authorization" not in request.headers for request in registry.requests)
    assert all("Cookie" not in request.headers for request in registry.requests)
    assert contents(tmp_path / "out") == FIRST.contents


def test_referrers_do_not_come_unless_they_are_wanted(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    signature = make_referrer(FIRST)
    fill(registry, signature, tag="signature")
    name = f"{registry.host}/team/app:1"
    ocilayout.succeed("pull", name, tmp_path / "without")
    ocilayout.succeed("pull", name, tmp_path / "with", "--referrers")
    assert listed(tmp_path / "without") == [FIRST.descriptor.digest]
    assert listed(tmp_path / "with") == [FIRST.descriptor.digest, signature.descriptor.digest]


def test_tags_of_cosign_go_both_ways(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    cosign = make_manifest(make_blob("application/vnd.oci.image.config.v1+json", b"{}"))
    tag = f"sha256-{FIRST.descriptor.digest.encoded}.sig"
    fill(registry, cosign, tag=tag)
    out = tmp_path / "out"
    ocilayout.succeed("pull", f"{registry.host}/team/app:1", out, "--referrers")
    place = f"docker://{registry.host}/copy/app:1"
    ocilayout.succeed("push", out, place, "--referrers")
    assert registry["copy/app"].tags[tag] == str(cosign.descriptor.digest)


def test_inspect_asks_for_referrers_where_they_are_wanted(
    ocilayout: CommandLine, registry: OciRegistry
) -> None:
    fill(registry, make_referrer(FIRST), tag="signature")
    cosign = make_cosign_signature(FIRST)
    fill(registry, cosign, tag=cosign.names[0])
    name = f"docker://{registry.host}/team/app:1"
    (alone,) = ocilayout.succeed("inspect", name, "--json").json["images"]
    assert alone["referrers"] == []
    assert registry.seen("GET", "/referrers/") == []
    (image,) = ocilayout.succeed("inspect", name, "--json", "--referrers").json["images"]
    assert len(image["referrers"]) == 2


def listed(layout: Path) -> list[object]:
    with open_source(f"oci:{layout}") as source:
        return [entry.digest for entry in source.index.children]


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("team/app:2", 1, "has no team/app:2: ocilayout ls docker://"),
        ("team/none:1", 1, "has no team/none:1"),
        ("Team/app", 2, "Team/app"),
    ],
)
def test_what_is_not_there_is_told(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, name: str, code: int, said: str
) -> None:
    ocilayout.refuse(code, said, "pull", f"{registry.host}/{name}", tmp_path / "out")
    assert snapshot(tmp_path) == {}


def test_tags_are_listed(ocilayout: CommandLine, registry: OciRegistry) -> None:
    place = f"docker://{registry.host}/team/app"
    done = ocilayout.succeed("ls", place)
    assert done.out.splitlines() == [f"{place}: registry, 2 tags", "  1", "  multi"]
    (listing,) = ocilayout.succeed("ls", place, "--json").json["places"]
    assert listing["tags"] == ["1", "multi"]


def test_a_repository_that_is_not_there_is_told(
    ocilayout: CommandLine, registry: OciRegistry
) -> None:
    place = f"docker://{registry.host}/team/none"
    ocilayout.refuse(1, "cannot list the tags of team/none (404: ", "ls", place)


def test_images_are_listed_and_looked_into_where_they_are(
    ocilayout: CommandLine, registry: OciRegistry
) -> None:
    place = f"docker://{registry.host}/team/app:multi"
    assert "linux/amd64,linux/arm64" in ocilayout.succeed("ls", place).out
    assert "linux/arm64" in ocilayout.succeed("inspect", place).out
    layers = {str(at) for at, raw in INDEX.contents.items() if raw[:2] == b"\x1f\x8b"}
    assert not any(path.path.rpartition("/")[2] in layers for path in registry.requests)


def test_images_of_registries_are_merged(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    for image, tag in zip(MEMBERS, ("amd", "arm"), strict=True):
        fill(registry, image, tag=tag)
    places = [f"docker://{registry.host}/team/app:{tag}" for tag in ("amd", "arm")]
    out = tmp_path / "out"
    ocilayout.succeed("merge", *places, "-o", out, "-t", "demo:1")
    with open_source(f"oci:{out}") as source:
        assert platforms_in(source) == ["linux/amd64", "linux/arm64"]


def test_a_report_is_json(ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry) -> None:
    done = ocilayout.succeed("pull", f"{registry.host}/team/app:1", tmp_path / "out", "--json")
    assert json.loads(done.out)["copied"]


def test_what_a_registry_has_is_not_checked_for_engines(
    ocilayout: CommandLine, registry: OciRegistry
) -> None:
    place = f"docker://{registry.host}/team/app:multi"
    ocilayout.refuse(2, "pull it first", "check", place, "--for", "podman")
