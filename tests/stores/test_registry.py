import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import (
    AccessDenied,
    BlobNotFound,
    CannotHold,
    ImageNotFound,
    IntegrityError,
    RegistryFailed,
)
from ocilayout.protocols import ImageDestination, ImageSource
from ocilayout.registries.referrers import referrers_of
from ocilayout.registries.registry import Registries
from ocilayout.registries.repository import Repository
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.stores.places import Place, registry_place
from ocilayout.stores.registry import all_images_at, image_at, open_destination, open_source
from ocilayout.transforms.foreign import with_own_layers
from ocilayout.transforms.rename import rename
from tests.attestations import subject_of
from tests.images import (
    Made,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.registries.talking import (
    ANN,
    access,
    assert_was_told_nothing,
    fill,
    holds,
    named,
    push,
)
from tests.servers.cutting_proxy import Cuts, cutting
from tests.servers.faults import Fault, answering, lying
from tests.servers.gates import basic_gate, bearer_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import running
from tests.servers.token_server import TokenServer
from tests.snapshots import contents_of, names_in
from tests.stores.contract import PlaceContract

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

IMAGE = make_image()
INDEX = make_index(make_image("linux/amd64"), make_image("linux/arm64"))


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def place(registry: OciRegistry, name: str = "team/app:1") -> Place:
    return registry_place(f"{registry.host}/{name}", "the test's")


def read(registry: OciRegistry, name: str = "team/app:1") -> dict[Digest, bytes]:
    with open_source(place(registry, name)) as source:
        return contents_of(source)


class TestRegistry(PlaceContract):
    """What is left of an output that failed is its names: blobs without a name are no image."""

    registry: OciRegistry

    @pytest.fixture(autouse=True)
    def _serving(self, registry: OciRegistry) -> None:
        self.registry = registry

    def left(self, folder: Path) -> Mapping[str, bytes | None]:
        tags = self.registry["team/app"].tags
        found = {tag: digest.encode() for tag, digest in tags.items()}
        self.registry.content.repositories.clear()
        return found

    def open_destination(
        self, folder: Path, options: DestinationOptions | None = None
    ) -> AbstractContextManager[ImageDestination]:
        return open_destination(place(self.registry), options or DestinationOptions())

    def open_source(self, folder: Path) -> AbstractContextManager[ImageSource]:
        return open_source(place(self.registry))

    def write(
        self, folder: Path, source: ImageSource, options: DestinationOptions | None = None
    ) -> Path:
        with self.open_destination(folder, options) as destination:
            transfer(rename(source, [f"{self.registry.host}/team/app:1"]), destination)
        return folder


def test_documents_come_after_what_they_lead_to_and_names_last(registry: OciRegistry) -> None:
    push(named(INDEX, registry), registry, jobs=4)
    puts = [request.path.rpartition("/")[2] for request in registry.seen("PUT", "/manifests/")]
    *members, index, tag = puts
    assert len(members) == 2
    assert (index, tag) == (str(INDEX.descriptor.digest), "1")
    assert holds(registry, INDEX)


def test_what_is_there_is_not_sent_again(registry: OciRegistry) -> None:
    push(named(INDEX, registry), registry)
    registry.requests.clear()
    push(named(INDEX, registry), registry)
    assert [request.path for request in registry.seen("PUT")] == ["/v2/team/app/manifests/1"]
    assert registry.seen("POST") == []


def test_a_push_that_broke_off_is_gone_on_with(registry: OciRegistry) -> None:
    registry.faults.append(Fault("PUT", "/uploads/", answering(403), after=2, times=None))
    with pytest.raises(AccessDenied):
        push(named(INDEX, registry), registry)
    assert registry["team/app"].tags == {}
    registry.faults.clear()
    registry.requests.clear()
    push(named(INDEX, registry), registry)
    blobs = len(INDEX.contents) - 3
    assert len(registry.seen("POST")) == blobs - 2
    assert holds(registry, INDEX)


def test_a_source_reads_a_document_once(registry: OciRegistry) -> None:
    fill(registry, *(make_image("linux/amd64"), make_image("linux/arm64"), INDEX))
    assert read(registry) == INDEX.contents
    assert len(registry.seen("GET", "/manifests/")) == 3


def test_a_pull_by_digest_has_no_name(registry: OciRegistry) -> None:
    fill(registry, IMAGE)
    digest = IMAGE.descriptor.digest
    with open_source(place(registry, f"team/app@{digest}")) as source:
        assert (names_in(source), contents_of(source)) == ({}, IMAGE.contents)


def test_a_pull_by_tag_and_digest_is_of_the_digest_under_the_tag(registry: OciRegistry) -> None:
    fill(registry, IMAGE, tag="old")
    fill(registry, make_image(layers=[make_layer("newer")]))
    digest = IMAGE.descriptor.digest
    with open_source(place(registry, f"team/app:1@{digest}")) as source:
        assert names_in(source) == {f"{registry.host}/team/app:1": digest}


def test_other_bytes_for_a_pinned_digest_are_refused(registry: OciRegistry) -> None:
    fill(registry, make_image(layers=[make_layer("evil")]))
    held = registry["team/app"]
    digest = str(IMAGE.descriptor.digest)
    held.manifests[digest] = held.manifests[held.tags["1"]]
    with pytest.raises(IntegrityError), open_source(place(registry, f"team/app@{digest}")):
        pass


@pytest.mark.parametrize("which", range(3))
def test_a_blob_that_was_spoiled_is_refused(registry: OciRegistry, which: int) -> None:
    fill(registry, IMAGE)
    leaves = [str(digest) for digest in IMAGE.contents if digest != IMAGE.descriptor.digest]
    held = registry["team/app"].blobs
    held[leaves[which]] = held[leaves[which]][::-1]
    with pytest.raises(IntegrityError, match=leaves[which]):
        read(registry)


def test_a_blob_that_is_too_short_is_refused(registry: OciRegistry) -> None:
    fill(registry, IMAGE)
    held = registry["team/app"].blobs
    held.update({digest: content[:-1] for digest, content in held.items()})
    with pytest.raises(RegistryFailed, match=r"at byte \d+ of|does not go on at byte"):
        read(registry)


def test_a_source_says_at_once_what_it_does_not_lead_to(registry: OciRegistry) -> None:
    """So that of several sources the right one is asked."""
    fill(registry, IMAGE)
    other = make_image(layers=[make_layer("other")])
    fill(registry, other, path="other")
    with open_source(place(registry)) as source:
        registry.requests.clear()
        with pytest.raises(BlobNotFound, match="leads to no"):
            source.open_blob(other.descriptor)
    assert registry.requests == []


def test_what_has_no_image_is_told_with_what_lists_them(registry: OciRegistry) -> None:
    with pytest.raises(ImageNotFound, match="has no team/app:1: ocilayout ls docker://"):
        read(registry)


def test_a_blob_that_is_missing_is_told(registry: OciRegistry) -> None:
    fill(registry, IMAGE)
    registry["team/app"].blobs.clear()
    with pytest.raises(BlobNotFound, match="it has nothing of that name"):
        read(registry)


def test_all_tags_are_a_source_but_for_those_that_speak_of_others(
    registry: OciRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    other = make_image(layers=[make_layer("other")])
    fill(registry, IMAGE, tag="1")
    fill(registry, other, tag="2")
    fill(registry, IMAGE, tag=f"sha256-{IMAGE.descriptor.digest.encoded}.sig")
    with Registries(access()) as registries:
        source = all_images_at(place(registry, "team/app"), registries)
        assert names_in(source) == {
            f"{registry.host}/team/app:1": IMAGE.descriptor.digest,
            f"{registry.host}/team/app:2": other.descriptor.digest,
        }
        assert "stay behind (1): --referrers takes them along" in caplog.text
        caplog.clear()
        all_images_at(place(registry, "team/app"), registries, referrers=True)
        assert caplog.text == ""


@pytest.mark.parametrize("mounts", [True, False])
def test_between_repositories_of_a_registry_blobs_are_mounted(
    registry: OciRegistry, mounts: bool
) -> None:
    registry.content.manners = Manners(mounts=mounts)
    fill(registry, IMAGE, path="base")
    with Registries(access()) as registries:
        source = image_at(place(registry, "base:1"), registries)
        options = DestinationOptions(registries=registries)
        with open_destination(place(registry), options) as destination:
            report = transfer(rename(source, [f"{registry.host}/team/app:1"]), destination)
    assert holds(registry, IMAGE)
    assert len(report.mounted) == (3 if mounts else 0)
    assert len(registry.seen("PUT", "/uploads/")) == (0 if mounts else 3)


def test_a_source_that_may_not_be_read_does_not_hinder_a_push() -> None:
    hidden = {"containerd.io/distribution.source.{}": "secret/base"}
    with (
        running(TokenServer(ANN)) as tokens,
        running(OciRegistry(gate=bearer_gate(tokens.book, tokens.realm))) as registry,
    ):
        registry.faults.append(
            Fault("POST", "mount=", answering(401, {"WWW-Authenticate": 'Basic realm="no"'}))
        )
        noted = {key.format(registry.host): value for key, value in hidden.items()}
        layer = make_blob(media_types.OCI_LAYER, make_layer("x")).annotated(noted)
        image = make_manifest(make_blob("application/vnd.example.config", b"{}"), [layer])
        known = access(registry.host, token_servers=frozenset({tokens.host}))
        push(named(image, registry), registry, known)
        assert holds(registry, image)


def foreign(url: str) -> tuple[Made, bytes]:
    content = make_layer("windows")
    kind = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    layer = make_blob(kind, content)
    stated = Made(layer.descriptor.edited(urls=[url]), layer.contents)
    config = make_blob(media_types.OCI_CONFIG, b"{}")
    made = make_manifest(config, [stated])
    contents = {at: raw for at, raw in made.contents.items() if raw != content}
    return Made(made.descriptor, contents), content


@pytest.mark.parametrize("allowed", [False, True])
def test_foreign_layers_are_fetched_where_allowed_and_never_with_the_login(allowed: bool) -> None:
    with (
        running(OciRegistry(gate=basic_gate(ANN))) as registry,
        running(OciRegistry()) as other,
    ):
        image, content = foreign(f"{other.url}/layer")
        fill(registry, image)
        other.faults.append(Fault("GET", "/layer", answering(200, body=content), times=None))
        with Registries(access(registry.host, allow_foreign=allowed)) as registries:
            source = image_at(place(registry), registries)
            if allowed:
                assert content in contents_of(source).values()
            else:
                with pytest.raises(BlobNotFound, match="--allow-foreign fetches it"):
                    contents_of(source)
        assert bool(other.requests) is allowed
        assert_was_told_nothing(other)


def test_foreign_layers_that_are_made_ordinary_are_fetched_without_the_login() -> None:
    with (
        running(OciRegistry(gate=basic_gate(ANN))) as registry,
        running(OciRegistry()) as other,
    ):
        image, content = foreign(f"{other.url}/layer")
        fill(registry, image)
        other.faults.append(Fault("GET", "/layer", answering(200, body=content), times=None))
        with Registries(access(registry.host, allow_foreign=True)) as registries:
            own = with_own_layers(image_at(place(registry), registries))
            assert content in contents_of(own).values()
        assert_was_told_nothing(other)


@pytest.mark.parametrize("refused", [400, 415])
def test_a_registry_that_knows_no_oci_types_is_told_of_dockers(refused: int) -> None:
    with running(OciRegistry(Manners(refuses_oci=refused))) as registry:
        with pytest.raises(RegistryFailed, match="say --media-types docker"):
            push(named(IMAGE, registry), registry)
        docker = make_image(family="docker")
        push(named(docker, registry), registry)
        assert holds(registry, docker)


def test_a_name_of_another_repository_is_refused_before_anything_is_sent(
    registry: OciRegistry,
) -> None:
    with pytest.raises(CannotHold, match=f"other/app:1 is not in {registry.host}/team/app"):
        push(named(IMAGE, registry, path="other/app"), registry)
    assert registry.requests == []


def test_a_registry_that_lies_about_blobs_is_found_out(registry: OciRegistry) -> None:
    registry.faults.append(Fault("HEAD", "/blobs/", answering(200), times=None))
    with pytest.raises(RegistryFailed, match=r"refused to take the manifest .* \(400: sha256:"):
        push(named(IMAGE, registry), registry)
    assert registry["team/app"].tags == {}


@pytest.mark.parametrize("seed", range(3))
def test_a_push_over_a_line_that_breaks_arrives(registry: OciRegistry, seed: int) -> None:
    layers = [bytes([number]) * 200_000 for number in range(4)]
    image = make_image(layers=layers, codec="none")
    with cutting(registry.host, Cuts(up=(200, 150_000), chance=0.7, seed=seed)) as proxy:
        site = OciRegistry()
        site.host = proxy.host
        push(named(image, site), site, jobs=4)
        assert proxy.cuts > 0
    assert holds(registry, image)
    assert registry["team/app"].tags == {"1": str(image.descriptor.digest)}


@pytest.mark.parametrize("seed", range(3))
def test_a_pull_over_a_line_that_breaks_arrives(registry: OciRegistry, seed: int) -> None:
    layers = [bytes([number]) * 200_000 for number in range(4)]
    image = make_image(layers=layers, codec="none")
    fill(registry, image)
    with cutting(registry.host, Cuts(down=(100, 150_000), chance=0.7, seed=seed)) as proxy:
        at = registry_place(f"{proxy.host}/team/app:1", "the test's")
        with open_source(at) as source:
            assert contents_of(source) == image.contents
        assert proxy.cuts > 0


def test_a_token_of_a_lying_lifetime_and_storms_do_not_stop_a_push() -> None:
    with (
        running(TokenServer(ANN, expires_in=None)) as tokens,
        running(OciRegistry(gate=bearer_gate(tokens.book, tokens.realm))) as registry,
    ):
        # Six in all, which is fewer than one request is repeated.
        for fault in (answering(429, {"Retry-After": "9"}), answering(503)):
            registry.faults.append(Fault("*", "", fault, chance=0.5, times=3))
        registry.faults.append(Fault("GET", "", lying({"Docker-Content-Digest": "x"}), times=None))
        known = access(registry.host, token_servers=frozenset({tokens.host}), chunk_size=512)
        push(named(INDEX, registry), registry, known, jobs=4)
        assert holds(registry, INDEX)


def test_documents_that_were_read_lately_are_kept_within_bounds(
    registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ocilayout.stores.registry._RECENT_SIZE", 10)
    fill(registry, IMAGE)
    with open_source(place(registry)) as source:
        for _ in range(2):
            assert contents_of(source) == IMAGE.contents
    assert len(registry.seen("GET", "/manifests/")) > 2


def test_an_index_that_lists_nothing_is_pushed(registry: OciRegistry) -> None:
    empty = make_index()
    push(named(empty, registry), registry)
    assert read(registry) == empty.contents


def test_a_destination_takes_names_that_are_tags_alone(registry: OciRegistry) -> None:
    source = make_source(IMAGE.named("v1", "v2"))
    with open_destination(place(registry), DestinationOptions()) as destination:
        transfer(source, destination)
    assert set(registry["team/app"].tags) == {"v1", "v2"}


def test_what_arrived_though_nobody_said_so_is_not_sent_again(registry: OciRegistry) -> None:
    """A transfer that broke after its last byte may have arrived all the same."""
    blob = make_blob("application/octet-stream", b"content")
    with open_destination(place(registry), DestinationOptions()) as destination:
        registry.faults.append(Fault("PUT", "", answering(503), times=1))
        with pytest.raises(RegistryFailed):
            destination.put_blob(blob.descriptor, io.BytesIO(b"content"))
        registry["team/app"].blobs[str(blob.descriptor.digest)] = b"content"
        destination.put_blob(blob.descriptor, io.BytesIO(b""))


def test_referrers_that_are_pushed_at_a_time_are_all_listed_under_one_tag() -> None:
    statement = make_blob("application/vnd.example", b"said")
    referrers = [
        make_manifest(
            make_blob(media_types.OCI_EMPTY, b"{}"),
            [statement],
            artifactType=f"application/vnd.example.{number}",
            subject=subject_of(IMAGE),
        )
        for number in range(6)
    ]
    with running(OciRegistry(Manners(referrers_api=False))) as registry:
        push(make_source(IMAGE, *referrers), registry, jobs=6)
        with Registries(access()) as registries:
            repository = Repository(registries.of(registry.host), "team/app")
            listed = list(referrers_of(repository, IMAGE.descriptor.digest))
    assert {found.descriptor.digest for found in listed} == {
        referrer.descriptor.digest for referrer in referrers
    }
