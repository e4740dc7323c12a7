"""What is sent into an engine that answers."""

import pytest

from ocilayout.engines.arrival import for_machine, row_of
from ocilayout.stores.engine_clients import Client
from tests.attestations import make_referrer
from tests.engines.files import AMD64, MEMBERS, NAME
from tests.images import make_index, make_source
from tests.snapshots import names_in, platforms_in

OLD_DOCKER = Client("docker", ("docker",), "20.10.24", AMD64)


@pytest.mark.parametrize(
    ("version", "containerd_store", "row"),
    [
        ("19.03.15", False, "docker-20.10"),
        ("20.10.24+dfsg1", False, "docker-20.10"),
        ("23.0.0", False, "docker-23"),
        ("24.0.9", False, "docker-23"),
        ("28.2.2", False, "docker-25"),
        ("29.1.0", False, "docker-29"),
        ("29.1.0", True, "docker-29-containerd"),
        ("library-import", False, "docker-20.10"),
        ("²", False, "docker-20.10"),
        ("", False, "docker-20.10"),
    ],
)
def test_the_row_follows_from_what_docker_says(
    version: str, containerd_store: bool, row: str
) -> None:
    client = Client("docker", ("docker",), version, AMD64, containerd_store)
    assert row_of(client).name == row


def test_each_image_is_sent_for_the_platform_that_suits_it() -> None:
    amd64, i386, arm64 = MEMBERS
    index = make_index(arm64, i386, amd64).named(NAME)
    sent = for_machine(make_source(i386.named("old:1"), index), OLD_DOCKER, None)
    assert sorted(platforms_in(sent)) == ["linux/386", "linux/amd64"]
    assert names_in(sent) == {
        "docker.io/library/old:1": i386.descriptor.digest,
        NAME: amd64.descriptor.digest,
    }


def test_of_two_images_with_one_name_the_machines_own_is_sent() -> None:
    amd64, i386, _ = MEMBERS
    sent = for_machine(make_source(i386.named(NAME), amd64.named(NAME)), OLD_DOCKER, None)
    assert names_in(sent) == {NAME: amd64.descriptor.digest}


def test_members_that_stand_beside_their_index_are_not_sent_twice() -> None:
    amd64, *_ = MEMBERS
    source = make_source(make_index(*MEMBERS).named(NAME), *MEMBERS)
    sent = for_machine(source, OLD_DOCKER, None)
    assert [entry.digest for entry in sent.index.children] == [amd64.descriptor.digest]


def test_referrers_go_with_the_image_that_is_sent() -> None:
    amd64, i386, arm64 = MEMBERS
    referrers = [make_referrer(amd64), make_referrer(arm64)]
    source = make_source(make_index(*MEMBERS).named(NAME), i386.named("old:1"), *referrers)
    sent = {entry.digest for entry in for_machine(source, OLD_DOCKER, None).index.children}
    assert sent == {made.descriptor.digest for made in (amd64, i386, referrers[0])}


def test_what_the_machine_does_not_run_is_named(caplog: pytest.LogCaptureFixture) -> None:
    amd64, _, arm64 = MEMBERS
    sent = for_machine(make_source(arm64.named("arm:1"), amd64.named(NAME)), OLD_DOCKER, None)
    assert list(names_in(sent)) == [NAME]
    assert caplog.messages == [
        "left out, since docker 20.10.24 runs linux/amd64: docker.io/library/arm:1"
    ]
