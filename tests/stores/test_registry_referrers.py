from collections.abc import Iterator

import pytest

from ocilayout.errors import RegistryFailed
from ocilayout.protocols import ImageSource
from ocilayout.registries.registry import Registries
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.marks import SUBJECT
from ocilayout.spec.platform import Platform
from ocilayout.stores import registry_referrers
from ocilayout.stores.places import registry_place
from ocilayout.stores.registry import RegistrySource, image_at
from ocilayout.stores.registry_referrers import with_referrers
from ocilayout.transforms.select import select
from tests.attestations import make_referrer
from tests.images import Made, make_blob, make_image, make_index, make_manifest, make_source
from tests.registries.talking import access, fill
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manners
from tests.servers.site import running
from tests.snapshots import contents_of

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

MEMBER = make_image("linux/amd64")
IMAGE = make_index(MEMBER, make_image("linux/arm64"))
SBOM = make_referrer(IMAGE)
SIGNATURE = make_referrer(SBOM)
OF_MEMBER = make_referrer(MEMBER)
COSIGN = make_manifest(make_blob("application/vnd.oci.image.config.v1+json", b"{}"))
ALL = {made.descriptor.digest for made in (SBOM, SIGNATURE, OF_MEMBER)}


@pytest.fixture(params=[1000, 1], ids=["one-page", "pages"])
def registry(request: pytest.FixtureRequest) -> Iterator[OciRegistry]:
    with running(OciRegistry(Manners(page=request.param))) as registry:
        for made in (SBOM, SIGNATURE, OF_MEMBER, MEMBER, make_image("linux/arm64"), IMAGE):
            fill(registry, made)
        yield registry


@pytest.fixture
def registries() -> Iterator[Registries]:
    with Registries(access()) as registries:
        yield registries


def source_of(registry: OciRegistry, registries: Registries) -> RegistrySource:
    return image_at(registry_place(f"{registry.host}/team/app:1", "the test's"), registries)


def entries(source: ImageSource) -> list[Descriptor]:
    image, *others = source.index.children
    assert image.digest == IMAGE.descriptor.digest
    return list(others)


def test_all_that_refers_comes_along_and_what_refers_to_that(
    registry: OciRegistry, registries: Registries
) -> None:
    source = with_referrers(source_of(registry, registries))
    assert {entry.digest for entry in entries(source)} == ALL
    expected: dict[Digest, bytes] = {}
    for made in (IMAGE, SBOM, SIGNATURE, OF_MEMBER):
        expected.update(made.contents)
    assert contents_of(source) == expected


def test_each_says_what_it_speaks_of_and_has_no_name(
    registry: OciRegistry, registries: Registries
) -> None:
    source = with_referrers(source_of(registry, registries))
    subjects = {entry.digest: entry.annotations[SUBJECT] for entry in entries(source)}
    assert subjects == {
        SBOM.descriptor.digest: str(IMAGE.descriptor.digest),
        SIGNATURE.descriptor.digest: str(SBOM.descriptor.digest),
        OF_MEMBER.descriptor.digest: str(MEMBER.descriptor.digest),
    }
    assert all(names.names_of(entry) == () for entry in entries(source))


def test_tags_of_cosign_come_under_their_names(
    registry: OciRegistry, registries: Registries
) -> None:
    tag = f"sha256-{IMAGE.descriptor.digest.encoded}.sig"
    fill(registry, COSIGN, tag=tag)
    source = with_referrers(source_of(registry, registries))
    named = [entry for entry in entries(source) if names.names_of(entry)]
    assert [entry.digest for entry in named] == [COSIGN.descriptor.digest]
    assert names.names_of(named[0]) == (f"{registry.host}/team/app:{tag}",)


def test_of_platforms_that_stay_behind_nothing_comes(
    registry: OciRegistry, registries: Registries
) -> None:
    found = select(
        source_of(registry, registries),
        platforms=[Platform.parse("linux/arm64")],
    )
    source = with_referrers(found)
    assert OF_MEMBER.descriptor.digest not in {entry.digest for entry in source.index.children}


def test_an_image_that_nothing_speaks_of_stays_as_it_is(registries: Registries) -> None:
    with running(OciRegistry()) as registry:
        fill(registry, MEMBER)
        source = source_of(registry, registries)
        assert with_referrers(source) is source


def test_a_source_of_no_registry_is_asked_of_none() -> None:
    source = make_source(IMAGE)
    assert with_referrers(source) is source


def test_referrers_that_refer_to_one_another_end(
    registries: Registries, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_referrers, "MAX_SUBJECTS", 5)
    chain: list[Made] = [MEMBER]
    for _ in range(8):
        chain.append(make_referrer(chain[-1]))
    with running(OciRegistry()) as registry:
        fill(registry, *chain)
        fill(registry, MEMBER)
        with pytest.raises(RegistryFailed, match=r"team/app: .* more than 5 .*--referrers"):
            with_referrers(source_of(registry, registries))
