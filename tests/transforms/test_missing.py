from typing import get_args

import pytest

from ocilayout.errors import BlobNotFound
from ocilayout.graph import walk
from ocilayout.spec.digest import Digest
from ocilayout.transforms.missing import Policy, settle_missing
from tests.attestations import make_attestation, make_referrer
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_manifest,
    make_source,
)
from tests.snapshots import contents_of, names_in, platforms_in

POLICIES = get_args(Policy)
NAME = "registry.example/app:v1"
AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
OF_ARM64 = sorted(ARM64.contents.keys() - AMD64.contents.keys())


def sparse(*lost: Digest, also: tuple[Made, ...] = ()) -> MemorySource:
    """Two platforms, without some blobs of theirs."""
    source = make_source(make_index(AMD64, ARM64, *also).named(NAME))
    for digest in lost:
        del source.contents[digest]
    return source


def test_what_is_whole_stays_as_it_is() -> None:
    source = sparse()
    for policy in POLICIES:
        assert settle_missing(source, policy) is source


@pytest.mark.parametrize("lost", OF_ARM64)
def test_refuse_names_the_platform_and_the_ways_out(lost: Digest) -> None:
    with pytest.raises(BlobNotFound, match=f"linux/arm64 is not whole: {lost}.*--missing prune"):
        settle_missing(sparse(lost), "refuse")


def test_refuse_counts_the_others() -> None:
    with pytest.raises(BlobNotFound, match=r"linux/amd64 is not whole \(and 1 more\)"):
        settle_missing(sparse(AMD64.descriptor.digest, ARM64.descriptor.digest), "refuse")


@pytest.mark.parametrize("lost", OF_ARM64)
def test_keep_keeps_the_index_and_the_gaps(lost: Digest) -> None:
    source = sparse(lost)
    settled = settle_missing(source, "keep")
    assert settled.index.raw == source.index.raw
    assert set(settled.absent) == {lost}
    assert lost not in {blob.digest for blob in walk(settled)}
    contents_of(settled)


@pytest.mark.parametrize("lost", OF_ARM64)
def test_prune_leaves_out_what_is_not_whole_and_says_so(
    lost: Digest, caplog: pytest.LogCaptureFixture
) -> None:
    settled = settle_missing(sparse(lost), "prune")
    assert platforms_in(settled) == ["linux/amd64"]
    assert list(names_in(settled)) == [NAME]
    assert contents_of(settled) == AMD64.contents
    assert not settled.absent
    assert "linux/arm64" in caplog.text


def test_prune_leaves_out_the_attestations_of_what_is_gone() -> None:
    attestations = (make_attestation(AMD64), make_attestation(ARM64))
    source = sparse(ARM64.descriptor.digest, also=attestations)
    found = contents_of(settle_missing(source, "prune"))
    assert attestations[0].descriptor.digest in found
    assert attestations[1].descriptor.digest not in found


def test_prune_leaves_out_an_attestation_that_is_not_here() -> None:
    attestation = make_attestation(AMD64)
    source = sparse(attestation.descriptor.digest, also=(attestation,))
    assert platforms_in(settle_missing(source, "prune")) == ["linux/amd64", "linux/arm64"]


def test_prune_leaves_out_a_referrer_at_the_top_of_what_is_gone() -> None:
    source = make_source(AMD64, ARM64, make_referrer(ARM64))
    del source.contents[ARM64.descriptor.digest]
    assert contents_of(settle_missing(source, "prune")) == AMD64.contents


def test_prune_that_would_leave_nothing_is_refused() -> None:
    with pytest.raises(BlobNotFound, match="would leave nothing"):
        settle_missing(sparse(AMD64.descriptor.digest, ARM64.descriptor.digest), "prune")


def test_an_index_that_is_not_here_is_not_whole() -> None:
    index = make_index(ARM64)
    source = make_source(AMD64.named("registry.example/app:a"), index.named(NAME))
    del source.contents[index.descriptor.digest]
    with pytest.raises(BlobNotFound, match=f"{NAME} is not whole"):
        settle_missing(source, "refuse")
    assert contents_of(settle_missing(source, "prune")) == AMD64.contents


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_layers_that_may_not_be_distributed_may_be_absent(
    media_type: str, policy: Policy, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = make_blob(media_type, b"of another's making")
    config = make_blob(
        "application/vnd.oci.image.config.v1+json", make_config("windows/amd64", [b"x"])
    )
    source = make_source(make_manifest(config, [foreign]))
    del source.contents[foreign.descriptor.digest]
    settled = settle_missing(source, policy)
    assert set(settled.absent) == {foreign.descriptor.digest}
    assert contents_of(settled) == source.contents
    assert "may not be distributed" in caplog.text


def test_such_layers_that_are_here_are_kept() -> None:
    media_type = "application/vnd.oci.image.layer.nondistributable.v1.tar"
    config = make_blob("application/vnd.oci.image.config.v1+json", make_config("linux/amd64", []))
    source = make_source(make_manifest(config, [make_blob(media_type, b"here")]))
    assert settle_missing(source, "refuse") is source
