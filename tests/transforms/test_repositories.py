import pytest

from ocilayout.errors import AmbiguousName, UsageError
from ocilayout.spec.reference import Reference
from ocilayout.transforms.repositories import named_below, with_all_tags, without_referrers
from tests.attestations import make_attestation, make_containerd_referrer
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.snapshots import names_in

FIRST = make_image(layers=[make_layer("first")])
SECOND = make_image(layers=[make_layer("second")])
REPOSITORY = Reference("host.example", "team/app", "latest")


def below(prefix: str, *images: Made) -> dict[str, list[str]]:
    """The names that go to each repository."""
    return {
        f"{reference.domain}/{reference.path}": sorted(names_in(source))
        for reference, source in named_below(make_source(*images), "host.example", prefix)
    }


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("docker.io/library/demo:1", "project", "project/demo"),
        ("docker.io/team/demo:1", "project", "project/team/demo"),
        ("registry.example/library/demo:1", "project", "project/library/demo"),
        ("localhost:5000/a/b/c:1", "deep/er", "deep/er/a/b/c"),
        ("quay.io/a/b:1", "", "a/b"),
    ],
)
def test_an_image_keeps_its_name_below_a_prefix(name: str, prefix: str, expected: str) -> None:
    at = f"host.example/{expected}"
    assert below(prefix, FIRST.named(name)) == {at: [f"{at}:1"]}


def test_images_are_gathered_by_repository() -> None:
    first = FIRST.named("registry.example/a:1", "registry.example/a:2", "registry.example/b:1")
    second = SECOND.named("registry.example/a:3")
    assert below("p", first, second) == {
        "host.example/p/a": [f"host.example/p/a:{tag}" for tag in (1, 2, 3)],
        "host.example/p/b": ["host.example/p/b:1"],
    }


def test_what_speaks_of_an_image_goes_where_it_goes() -> None:
    referrer = make_containerd_referrer(FIRST)
    source = make_source(FIRST.named("a.example/a:1"), SECOND.named("a.example/b:1"), referrer)
    goes = {
        reference.path: referrer.descriptor.digest in {at.digest for at in found.index.children}
        for reference, found in named_below(source, "host.example", "p")
    }
    assert goes == {"p/a": True, "p/b": False}


def test_an_image_without_a_name_has_none_to_keep() -> None:
    with pytest.raises(UsageError, match=f"{SECOND.descriptor.digest} has no name to keep"):
        below("p", FIRST.named("a.example/a:1"), SECOND)


def test_a_name_may_be_too_long_below_a_prefix() -> None:
    long = f"a.example/{'x' * 200}"
    assert below("p", FIRST.named(f"{long}:1"))
    with pytest.raises(UsageError, match="longer than 255 characters below"):
        below("y" * 60, FIRST.named("b.example/app:1"), SECOND.named(f"{long}:1"))


def test_a_tag_alone_is_no_name_to_keep() -> None:
    with pytest.raises(UsageError, match="'v1' is a tag alone"):
        below("p", FIRST.named("v1"))


def test_all_tags_come_to_one_repository() -> None:
    source = make_source(FIRST.named("a.example/x:1", "v2"), SECOND.named("b.example/y:3"))
    found = with_all_tags(source, REPOSITORY)
    assert names_in(found) == {
        "host.example/team/app:1": FIRST.descriptor.digest,
        "host.example/team/app:v2": FIRST.descriptor.digest,
        "host.example/team/app:3": SECOND.descriptor.digest,
    }


def test_two_images_do_not_get_one_name_below_a_prefix() -> None:
    images = FIRST.named("docker.io/team/app:1"), SECOND.named("ghcr.io/team/app:1")
    said = "docker.io/team/app:1 and ghcr.io/team/app:1 would both be host.example/p/team/app:1"
    with pytest.raises(AmbiguousName, match=said):
        below("p", *images)


def test_two_images_do_not_get_one_tag() -> None:
    source = make_source(FIRST.named("a.example/x:1"), SECOND.named("b.example/y:1"))
    labels = {FIRST.descriptor.digest: "a.tar", SECOND.descriptor.digest: "b.tar"}
    said = (
        r"a\.tar and b\.tar would both be host\.example/team/app:1: .* push b\.tar host\.example/"
    )
    with pytest.raises(AmbiguousName, match=said):
        with_all_tags(source, REPOSITORY, labels)


def test_one_image_under_two_names_that_become_one_is_listed_once() -> None:
    source = make_source(FIRST.named("a.example/app:1", "b.example/app:1"))
    [(_, found)] = named_below(source, "host.example", "p")
    assert len(found.index.children) == 1


def test_all_tags_are_those_of_all_images() -> None:
    with pytest.raises(UsageError, match="has no name to keep"):
        with_all_tags(make_source(FIRST.named("v1"), SECOND), REPOSITORY)


def test_referrers_stay_behind_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ocilayout")
    source = make_source(FIRST.named("v1"), make_containerd_referrer(FIRST))
    found = without_referrers(source)
    assert [entry.digest for entry in found.index.children] == [FIRST.descriptor.digest]
    assert caplog.messages == ["referrers stay behind (1): --referrers takes them along"]


def test_attestations_in_an_index_are_part_of_the_image() -> None:
    source = make_source(make_index(FIRST, make_attestation(FIRST)).named("v1"))
    assert without_referrers(source) is source
