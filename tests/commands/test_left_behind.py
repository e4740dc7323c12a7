"""What a registry has besides the images that are copied: it is said, or comes along."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.spec import media_types
from tests.attestations import make_cosign_signature, make_referrer, subject_of
from tests.commands.clients import Clients
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import (
    Made,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.real.command_line import ocilayout as run
from tests.registries.talking import fill
from tests.servers.faults import Fault, answering
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import running

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

IMAGE = make_image(layers=[make_layer("one")])
OTHER = make_image("linux/arm64", layers=[make_layer("two")])
INDEX = make_index(IMAGE, OTHER)
SAMPLES = Path(__file__).parents[2] / "samples"


def notation(of: Made) -> Made:
    fields = {"artifactType": "application/vnd.cncf.notary.signature"}
    empty, blob = make_blob(media_types.OCI_EMPTY, b"{}"), make_blob("application/jose+json", b"{}")
    return make_manifest(empty, [blob], media_types.OCI_MANIFEST, subject=subject_of(of), **fields)


SIGNATURE, COSIGN = notation(IMAGE), make_cosign_signature(IMAGE)
DIGESTS = {str(made.descriptor.digest) for made in (SIGNATURE, COSIGN)}


def filled(registry: OciRegistry, *referrers: Made, image: Made = IMAGE) -> str:
    """The name of an image, put beside these referrers."""
    for made in referrers:
        fill(registry, made, tag=made.names[0] if made.names else "listed")
    registry["team/app"].tags.pop("listed", None)
    fill(registry, IMAGE, OTHER, image)
    return f"docker://{registry.host}/team/app:1"


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


Words = tuple[str, ...]
VERBS: dict[str, Words] = {
    "convert": ("convert", "SRC", "DST"),
    "pull": ("pull", "SRC", "DST"),
    "merge": ("merge", "SRC", "OTHER", "-o", "DST", "-t", "app:1"),
    "convert to a registry": ("convert", "SRC", "docker://HOST/copy/app:1"),
    "push": ("push", "SRC", "docker://HOST/copy/app:1"),
}


def words(verb: str, place: str, registry: OciRegistry, folder: Path) -> list[str]:
    other = make_image("linux/s390x", layers=[make_layer("s390x")])
    known = {
        "SRC": place,
        "OTHER": str(write_layout(folder / "other", make_source(other))),
        "DST": str(folder / "out"),
    }
    return [known.get(word, word).replace("HOST", registry.host) for word in VERBS[verb]]


def copied(registry: OciRegistry, folder: Path) -> set[str]:
    """The digests of all that was written."""
    if (folder / "out").exists():
        return {f"sha256:{path.name}" for path in (folder / "out/blobs/sha256").iterdir()}
    return set(registry["copy/app"].manifests)


@pytest.mark.parametrize("verb", VERBS)
def test_what_stays_behind_is_said(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, verb: str
) -> None:
    place = filled(registry, SIGNATURE, COSIGN, make_referrer(IMAGE))
    done = ocilayout.succeed(*words(verb, place, registry, tmp_path))
    assert f"note: what refers to {place.removeprefix('docker://')} stays behind (" in done.err
    for title in ("notation signature", "cosign signature", "application/vnd.example.signature"):
        assert title in done.err
    assert "--referrers takes it along" in done.err
    assert not copied(registry, tmp_path) & DIGESTS


@pytest.mark.parametrize("verb", VERBS)
def test_it_comes_along_where_it_is_wanted(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, verb: str
) -> None:
    place = filled(registry, SIGNATURE, COSIGN)
    done = ocilayout.succeed(*words(verb, place, registry, tmp_path), "--referrers")
    assert "stays behind" not in done.err
    assert copied(registry, tmp_path) >= DIGESTS
    if "registry" in verb or verb == "push":
        assert registry["copy/app"].tags[COSIGN.names[0]] == str(COSIGN.descriptor.digest)


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_said_where_there_is_nothing(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, verb: str
) -> None:
    done = ocilayout.succeed(*words(verb, filled(registry), registry, tmp_path))
    assert "refers" not in done.err


def test_a_report_has_it_among_its_notes(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    done = ocilayout.succeed("pull", filled(registry, SIGNATURE), tmp_path / "out", "--json", "-q")
    assert any("notation signature" in note for note in done.json["notes"])


def test_two_requests_are_made_to_say_so(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = filled(registry, SIGNATURE, COSIGN, image=INDEX)
    ocilayout.succeed("convert", place, tmp_path / "out")
    asked = [at.path for at in registry.requests if "referrers" in at.path or "sha256-" in at.path]
    assert len(asked) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("path", ["/referrers/", "/manifests/sha256-"])
def test_a_registry_that_refuses_to_say_is_no_reason_to_fail_or_to_wait(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, status: int, path: str
) -> None:
    registry.faults.append(Fault("*", path, answering(status, {"Retry-After": "60"}), times=None))
    ocilayout.succeed("convert", filled(registry), tmp_path / "out")
    assert len(registry.seen("GET", "/referrers/")) == 1


def test_a_registry_may_answer_nonsense(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    page = answering(200, {"Content-Type": "text/html"}, "<html>")
    registry.faults.append(Fault("*", "/referrers/", page, times=None))
    ocilayout.succeed("convert", filled(registry), tmp_path / "out")


def test_a_registry_without_the_interface_is_asked_by_tags(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    with running(OciRegistry(Manners(referrers_api=False))) as registry:
        tag = f"sha256-{IMAGE.descriptor.digest.encoded}"
        entry = SIGNATURE.descriptor.edited(artifactType="application/vnd.cncf.notary.signature")
        fill(registry, SIGNATURE, make_index(Made(entry, SIGNATURE.contents)), tag=tag)
        done = ocilayout.succeed("convert", filled(registry), tmp_path / "out")
        assert "stays behind (notation signature)" in done.err
        ocilayout.succeed("convert", filled(registry), tmp_path / "all", "--referrers")
    index = json.loads((tmp_path / "all/index.json").read_bytes())
    assert len(index["manifests"]) == 2


def test_nobody_asks_for_what_is_to_be_dropped(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = filled(registry, SIGNATURE)
    done = ocilayout.succeed("convert", place, tmp_path / "out", "--attestations", "drop")
    assert "stays behind" not in done.err
    assert registry.seen("GET", "/referrers/") == []


def test_a_signature_of_all_platforms_does_not_come_with_one(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = filled(registry, notation(INDEX), SIGNATURE, image=INDEX)
    options = ("--referrers", "--platform", "linux/amd64")
    done = ocilayout.succeed("convert", place, tmp_path / "out", *options)
    name = place.removeprefix("docker://")
    assert f"left out, since it refers to all of {name}, not to a part: notation" in done.err
    found = copied(registry, tmp_path)
    assert str(SIGNATURE.descriptor.digest) in found
    assert str(notation(INDEX).descriptor.digest) not in found


def test_many_tags_are_asked_about_within_reason(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    for number in range(40):
        image = make_image(layers=[make_layer(str(number))])
        fill(registry, image, tag=f"v{number}")
    ocilayout.succeed("pull", f"{registry.host}/team/app", tmp_path / "out", "--all-tags")
    assert len(registry.seen("GET", "/referrers/")) == 32


def test_an_engine_has_no_referrers_to_ask_for(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    clients = Clients(folder)
    clients.add_saving(SAMPLES / "docker-20.10-two-images.tar")
    target = f"oci:{tmp_path / 'out'}"
    done = run("save", "greeter", target, "--referrers", environment=clients.environment)
    assert done.returncode == 0, done.stderr
