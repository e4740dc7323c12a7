"""A verdict for each fault and each engine: one table, whose inputs are made here.

docker-29 with either store and containerd-2 are as the heads of August 2026 did when they were run,
containerd-1.6 and docker-20.10 as 1.6.20 and 20.10.24 did; k3s, kind and nerdctl follow the
importer that they use, which was read in their sources.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.outcomes import Verdict
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES as TABLE
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_place
from tests.attestations import make_attestation
from tests.engines.archives import (
    Members,
    docker_members,
    hybrid_members,
    layout_members,
    write_members,
)
from tests.engines.inputs import (
    BLOCK,
    GZIP,
    KEY,
    LAYER,
    NAME,
    OCI_GZIP,
    OCI_PLAIN,
    OTHER,
    OTHER_CONFIG,
    PACKED,
    SHA512,
    STEPS,
    TWO,
    artifact,
    below_top,
    config,
    cut,
    edited,
    gnu_sparse,
    hybrid,
    image,
    layout,
    linked,
    named,
    pax_sparse,
    ref,
    relisted,
    saved,
    saved_layer,
    spoiled,
    stray_link,
    typed,
    with_backslashes,
    with_config,
)
from tests.engines.test_prediction import zstd
from tests.images import (
    encode,
    in_sha512,
    make_index,
    make_layer,
)

VERDICTS: Mapping[str, Verdict] = {
    "L": "loads",
    "R": "refused",
    "B": "broken",
    "U": "not unpacked",
    "N": "nothing kept",
    "X": "name lost",
}
ENGINES = (
    "docker-20.10",
    "docker-25",
    "docker-29",
    "docker-29-containerd",
    "containerd-1.6",
    "containerd-2",
    "k3s",
    "kind",
    "nerdctl",
)


class Row(NamedTuple):
    """An input, and a letter for each engine."""

    title: str
    make: Callable[[], Members]
    verdicts: str


ROWS = (
    # RepoTags, by the grammar of each: moby:image/tarexport/load.go, distribution/reference
    Row("RepoTags in full", saved("docker.io/lab/app:1"), "LLL LLLLLL"),
    Row("RepoTags short", saved("app:1"), "LLL LLLLLL"),
    Row("RepoTags of docker.io without library", saved("docker.io/nginx:1"), "LLL LLLLLL"),
    Row("RepoTags of index.docker.io", saved("index.docker.io/library/x:1"), "LLL LLLLLL"),
    Row("RepoTags without a tag", saved("app"), "RRR LLLLLL"),
    Row("RepoTags of a port without a tag", saved("host:5000/app"), "RRR LLLLLL"),
    Row("RepoTags of an IPv6 host", saved("[::1]:5000/app:1"), "RLL LRLLLL"),
    Row("RepoTags with a digest for a tag", saved(f"app@{OTHER.descriptor.digest}"), "RRR BLLXXX"),
    Row("RepoTags with tag and digest", saved(f"app:1@{OTHER.descriptor.digest}"), "XXX BLLXXX"),
    *(
        Row(f"RepoTags {tag!r}", saved(tag), "RRR RRRRRR")
        for tag in (
            "ComfyUI:latest",
            "Lab/App:1",
            "<none>:<none>",
            "a:b:c",
            "my app:1",
            "http://h/x",
            "h//x:1",
            f"x:{'1' * 129}",
            "app@sha256:12",
        )
    ),
    Row("RepoTags of 64 hex digits", saved("a" * 64), "RRR RRRRRR"),
    Row("RepoTags of 64 hex digits with a tag", saved("a" * 64 + ":1"), "LLL LLLLLL"),
    Row("RepoTags good and bad together", saved("app:1", "Bad:1"), "RRR RRRRRR"),
    Row("RepoTags null", saved(), "LLL LNNNXX"),
    # Names of index.json: containerd:client/import.go, moby:daemon/containerd
    Row("a name in full", ref(NAME), "RRR LLLLLL"),
    Row("a tag alone", ref("1.0"), "RRR BLLXXX"),
    Row("a name without a registry", ref("made:1"), "RRR BLLXXX"),
    Row("a name of docker.io without library", ref("docker.io/made:1"), "RRR BLLXXX"),
    Row("a name of index.docker.io", ref("index.docker.io/library/x:1"), "RRR BLLXXX"),
    Row("a name without a tag", ref("docker.io/lab/made"), "RRR BLLXXX"),
    Row("two names in one", ref("docker.io/lab/a:1,docker.io/lab/b:1"), "RRR BLLXXX"),
    Row("a name with capitals", ref("docker.io/Lab/Made:1"), "RRR BLLXXX"),
    Row("a tag in capitals", ref("UPPERCASE"), "RRR BLLXXX"),
    Row("a name with a space", ref("docker.io/lab/my app:1"), "RRR BLNXNX"),
    Row(
        "a name with the digest of another",
        ref(f"docker.io/lab/app:1@{OTHER.descriptor.digest}"),
        "RRR BLLXXX",
    ),
    Row("a name with its digest", ref(f"{NAME}@{image().descriptor.digest}"), "RRR LLLLLL"),
    Row("a good name and a tag alone", ref(NAME, "latest"), "RRR XLLXXX"),
    Row("no name", named({}), "RRR LNNNXX"),
    Row("no name beside a name", layout(image(), OTHER), "RRR LLLLXX"),
    Row("one name for two images", layout(image(), OTHER.named(NAME)), "RRR NNNNNN"),
    Row(
        "containerd's name beside a tag",
        named({KEY: "1", "io.containerd.image.name": NAME}),
        "RRR LLLLLL",
    ),
    # Configs: image-spec:specs-go/v1/config.go, moby:image/image.go
    *(
        Row(f"created: {value!r}", saved("app:1", created=value), "RRR BRURUR")
        for value in ("", " ", 5, "2024-01-01", "yesterday")
    ),
    Row("created: null", saved("app:1", created=None), "LLL LLLLLL"),
    Row("an Env of numbers", saved("app:1", config={"Env": [1]}), "RRR BRURUR"),
    Row("an Env of null", saved("app:1", config={"Env": None}), "LLL LLLLLL"),
    Row("a Size of text", saved("app:1", Size="1"), "RRR LLLLLL"),
    Row("a long history", saved("app:1", history=STEPS), "RRR LLLLLL"),
    Row("a history of null", saved("app:1", history=None), "LLL LLLLLL"),
    Row("a short history", saved("app:1", history=[]), "LLL LLLLLL"),
    Row("no architecture", saved("app:1", architecture=""), "LLL LLLLLL"),
    Row("no system", saved("app:1", os=""), "LLL LLLLLL"),
    Row("a config of 5 MiB", saved("app:1", author="x" * (5 << 20)), "LLL LLLLLL"),
    Row("diff ids of sha512", saved("app:1", rootfs=SHA512), "RRR BRRRRR"),
    Row("more diff ids than layers", layout(image(raw=TWO)), "RRR BRRRRR"),
    # Layers: containerd:core/diff/stream.go, core/images/mediatypes.go
    Row("a layer of unknown type", hybrid(typed("application/tar+gzip")), "LLL BRURUR"),
    Row(
        "an encrypted layer",
        layout(typed("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", b"\x13" * 1024)),
        "RRR BRRRRR",
    ),
    Row(
        "an encrypted layer in a Docker archive",
        hybrid(typed("application/vnd.oci.image.layer.v1.tar+encrypted", b"\x13" * 1024)),
        "RRR BRRRRR",
    ),
    Row(
        "a nydus blob",
        layout(typed("application/vnd.oci.image.layer.nydus.blob.v1", b"\x13" * 1024)),
        "RRR BRRRRR",
    ),
    Row(
        "a layer that may not be passed on", layout(typed(media_types.DOCKER_FOREIGN)), "RRR LLLLLL"
    ),
    Row("blobs of sha512", layout(in_sha512(image()).named(NAME)), "RRR BRRRRR"),
    Row(
        "Docker's manifest of OCI's config and layers",
        layout(image(media_type=media_types.DOCKER_MANIFEST)),
        "RRR LLLLLL",
    ),
    # What is inside layers, which are small here and so are read: Go's archive/tar
    Row("a sparse member of GNU tar", saved_layer(gnu_sparse(LAYER)), "RRR BRRRRR"),
    Row("a sparse member as PAX has it", saved_layer(pax_sparse()), "LLL LLLLLL"),
    Row("a layer without its last padding", saved_layer(LAYER[: BLOCK + 4]), "LLL LLLLLL"),
    Row("a layer that ends inside a file", saved_layer(LAYER[: BLOCK + 2]), "RRR BRRRRR"),
    Row("a layer that is no tar", saved_layer(b"\x13" * 2048), "RRR BRRRRR"),
    Row("a layer that is cut", lambda: cut(layout_members(image(GZIP))), "RRR BRRRRR"),
    Row("a wrong diff id", layout(image(raw=OTHER_CONFIG)), "RRR BRRRRR"),
    Row("a wrong diff id in both halves", hybrid(image(raw=OTHER_CONFIG)), "RRR BRRRRR"),
    Row("a plain layer called gzip", layout(typed(OCI_GZIP)), "RRR LLLLLL"),
    Row("a zstd layer called gzip", layout(typed(OCI_GZIP, zstd(LAYER))), "RRR LLLLLL"),
    *(
        Row(f"a plain layer that is {name}", layout(typed(OCI_PLAIN, pack(LAYER))), "RRR BRRRRR")
        for name, pack in PACKED.items()
    ),
    Row("a bzip2 layer", saved_layer(LAYER, bz2.compress), "LLL BRRRRR"),
    Row("an xz layer", saved_layer(LAYER, lzma.compress), "LLL BRRRRR"),
    Row("a gzip layer", saved_layer(LAYER, gzip.compress), "LLL LLLLLL"),
    Row("a zstd layer", saved_layer(LAYER, zstd), "RLL LLLLLL"),
    Row("a manifest with other bytes", lambda: spoiled(image(), b"schemaVersion"), "RRR BRRRRR"),
    Row("a config with other bytes", lambda: spoiled(image(), b"diff_ids"), "RRR BRRRRR"),
    Row("a config that is no JSON", layout(with_config(b"{")), "RRR BRURUR"),
    *(
        Row(f"a config of type {kind}", layout(with_config(config(), kind)), "RRR LLULUL")
        for kind in ("application/octet-stream", "application/json", "text/html")
    ),
    # Members: containerd:core/images/archive/importer.go
    Row("manifest.json as a hard link", linked("manifest.json", b"1"), "LLL RRRRRR"),
    Row("manifest.json as a symlink", linked("manifest.json", b"2"), "LLL RRRRRR"),
    Row("a layer as a hard link", linked("layer.tar", b"1"), "LLL RRRRRR"),
    Row("a layer as a symlink", linked("layer.tar", b"2"), "LLL LLLLLL"),
    Row("a config as a symlink", linked(".json", b"2"), "LLL LLLLLL"),
    Row("a link to nowhere that nothing needs", stray_link, "LLL RRRRRR"),
    Row("layers with backslashes", with_backslashes, "RRR RRRRRR"),
    Row("a directory on top", lambda: below_top(hybrid_members(image())), "RRR RRRRRR"),
    Row("no oci-layout", edited(layout(image()), oci_layout=None), "RRR RRRRRR"),
    Row(
        "no oci-layout beside a manifest.json",
        edited(hybrid(image()), oci_layout=None),
        "LLL LLLLLL",
    ),
    Row(
        "an empty index.json beside a manifest.json",
        edited(hybrid(image()), index__json=encode({"schemaVersion": 2, "manifests": []})),
        "LLL RRRRRR",
    ),
    Row(
        "halves that disagree",
        lambda: hybrid_members(image(), saved=[OTHER.named(NAME)]),
        "LLL LLLLLL",
    ),
    # Indexes
    Row("an entry of a wrong size", relisted(lambda entry: entry.update(size=3)), "RRR LLLLLL"),
    Row("an index in an index", layout(make_index(make_index(OTHER)).named(NAME)), "RRR LLLLLL"),
    Row(
        "a platform with an attestation",
        layout(make_index(OTHER, make_attestation(OTHER)).named(NAME)),
        "RRR LLLLLL",
    ),
    Row("an artifact", layout(artifact().named(NAME)), "RRR LRURUR"),
    Row(
        "an artifact beside an image",
        layout(image(), artifact().named("docker.io/lab/c:1")),
        "RRR LRURUR",
    ),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_each_engine_has_its_verdict(row: Row, tmp_path: Path) -> None:
    file = write_members(tmp_path / "image.tar", row.make())
    expected = dict(zip(ENGINES, row.verdicts.replace(" ", ""), strict=True))
    with open_place(str(file)) as opened:
        cargo = cargo_of(opened)
        found = {name: predict(cargo, TABLE[name]).verdict for name in ENGINES}
    assert found == {name: VERDICTS[letter] for name, letter in expected.items()}


@pytest.mark.parametrize("engine", ["containerd-1.6", "containerd-2", "docker-29-containerd"])
@pytest.mark.parametrize(
    ("make", "is_told"),
    [
        (saved_layer(LAYER, zstd), True),
        (saved_layer(LAYER, gzip.compress), False),
        (saved_layer(LAYER), False),
        (hybrid(typed(f"{media_types.OCI_LAYER}+zstd", zstd(LAYER))), False),
    ],
    ids=["zstd", "gzip", "plain", "zstd in a layout"],
)
def test_zstd_layers_of_a_docker_archive_lose_their_type(
    make: Callable[[], Members], is_told: bool, engine: str, tmp_path: Path
) -> None:
    file = write_members(tmp_path / "image.tar", make())
    with open_place(str(file)) as opened:
        (outcome,) = predict(cargo_of(opened), TABLE[engine]).outcomes
    assert outcome.loads
    assert any("labelled gzip" in part for part in outcome.lost) == is_told


def test_of_a_wrong_diff_id_both_digests_are_told(tmp_path: Path) -> None:
    members = docker_members(OTHER_CONFIG, [LAYER], ("lab/app:1",))
    file = write_members(tmp_path / "image.tar", members)
    with open_place(str(file)) as opened:
        (outcome,) = predict(cargo_of(opened), TABLE["docker-20.10"]).outcomes
    wanted = Digest.of(make_layer("others"))
    assert f"is {Digest.of(LAYER)} inside, not {wanted}" in outcome.reason


@pytest.mark.parametrize("make", [with_backslashes, saved("app:1", Size="1")])
def test_podman_refuses_it_too(make: Callable[[], Members], tmp_path: Path) -> None:
    file = write_members(tmp_path / "image.tar", make())
    with open_place(str(file)) as opened:
        assert predict(cargo_of(opened), TABLE["podman"]).verdict == "refused"


@pytest.mark.parametrize("engine", [*ENGINES, "podman"])
@pytest.mark.parametrize("lacking", ["os", "architecture"])
def test_an_image_that_names_no_system_is_for_the_machine(
    lacking: str, engine: str, tmp_path: Path
) -> None:
    file = write_members(tmp_path / "image.tar", saved("lab/app:1", **{lacking: ""})())
    with open_place(str(file)) as opened:
        assert predict(cargo_of(opened), TABLE[engine], Platform("linux", "amd64")).loads
