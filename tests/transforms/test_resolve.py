from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.platform import Platform
from ocilayout.transforms.resolve import originals, resolved
from ocilayout.transforms.select import select
from tests.attestations import make_attestation
from tests.images import Made, make_image, make_index, make_source
from tests.snapshots import names_in

NAME = "registry.example/app:v1"
AMD64, ARM64, S390X = (make_image(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
ATTESTED = make_index(AMD64, make_attestation(AMD64), ARM64, make_attestation(ARM64)).named(NAME)


def selected(made: Made, *architectures: str) -> tuple[ImageSource, ImageSource]:
    source = make_source(made)
    wanted = [Platform("linux", architecture) for architecture in architectures]
    return source, select(source, platforms=wanted)


def digests(descriptors: tuple[Descriptor, ...]) -> list[str]:
    return [str(descriptor.digest) for descriptor in descriptors]


def test_an_index_of_one_image_is_that_image_by_its_names() -> None:
    found = resolved(selected(ATTESTED, "arm64")[1], referrers=False)
    assert digests(found.index.children) == [str(ARM64.descriptor.digest)]
    assert list(names_in(found)) == [NAME]


def test_what_speaks_of_the_image_comes_along() -> None:
    found = resolved(selected(ATTESTED, "arm64")[1], referrers=True)
    expected = [ARM64.descriptor, make_attestation(ARM64).descriptor]
    assert digests(found.index.children) == digests(tuple(expected))


def test_an_index_of_several_images_stays() -> None:
    source = make_source(ATTESTED)
    assert resolved(source, referrers=True).index.children == source.index.children


def test_a_platform_that_is_not_here_is_what_its_index_lists() -> None:
    source = make_source(ATTESTED)
    del source.contents[ARM64.descriptor.digest]
    source.absent = frozenset({ARM64.descriptor.digest})
    found = resolved(select(source, platforms=[Platform("linux", "arm64")]), referrers=False)
    assert digests(found.index.children) == [str(ARM64.descriptor.digest)]


def test_an_index_that_was_made_is_known_by_what_it_was_made_from() -> None:
    made = make_index(AMD64, ARM64, S390X).named(NAME)
    source, narrowed = selected(made, "amd64", "arm64")
    (entry,) = narrowed.index.children
    assert {key: index.digest for key, index in originals(source, narrowed).items()} == {
        entry.digest: made.descriptor.digest
    }


def test_what_was_there_before_was_made_from_nothing() -> None:
    inner = make_index(AMD64, ARM64)
    for architectures in (["amd64", "arm64"], ["amd64"], ["s390x"]):
        source, narrowed = selected(make_index(inner, S390X).named(NAME), *architectures)
        assert originals(source, narrowed) == {}
