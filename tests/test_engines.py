"""The table of engines, and what is said of files that are made here for the purpose."""

import bz2
import gzip
import io
import json
import lzma
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ocilayout.engines.arrival import for_machine, row_of
from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.facts import ALL, ENGINES, Engine, Fact, engines_named
from ocilayout.engines.mending import Mending, check_target, fitted, mending
from ocilayout.engines.prediction import predict
from ocilayout.engines.questions import Prediction
from ocilayout.errors import CannotHold, UsageError
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_place
from ocilayout.stores.engine_clients import Client
from tests.attestations import make_attestation, make_cosign_signature, make_referrer
from tests.image_files import layout_files, write_oci_archive
from tests.images import (
    Made,
    encode,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
    make_tar,
)
from tests.snapshots import names_in, platforms_in

SAMPLES = Path(__file__).parent.parent / "samples"
OLD = SAMPLES / "docker-20.10-amd64.tar"
HYBRID = SAMPLES / "docker-25-riscv64.tar"
MULTI = SAMPLES / "buildx-multi-attested.tar"
ZSTD = SAMPLES / "buildx-zstd-ppc64le"
AMD64 = Platform("linux", "amd64")
OLD_DOCKER = Client("docker", ("docker",), "20.10.24", AMD64)


def prediction(place: Path | str, engine: str, platform: Platform | None = None) -> Prediction:
    with open_place(str(place)) as opened:
        return predict(cargo_of(opened), ENGINES[engine], platform)


def reason(place: Path | str, engine: str, platform: Platform | None = None) -> str:
    found = prediction(place, engine, platform)
    assert not found.loads
    return found.outcomes[0].reason


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES.keys())
def test_each_fact_has_a_source(engine: Engine) -> None:
    facts = [value for value in vars(engine).values() if isinstance(value, Fact)]
    assert len(facts) >= 10
    assert all(fact.source for fact in facts)


def test_all_stands_for_every_engine_once() -> None:
    assert [engine.name for engine in engines_named((ALL, "k3s"))] == list(ENGINES)


def test_the_options_name_the_engines_of_the_table() -> None:
    from ocilayout.commands.terminal import options

    assert list(ENGINES) == list(options.ENGINES)


def test_an_engine_that_is_not_known_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"'docker-1' is no engine.*docker-20\.10"):
        engines_named(("docker-1",))


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
    ],
)
def test_the_row_follows_from_what_docker_says(
    version: str, containerd_store: bool, row: str
) -> None:
    client = Client("docker", ("docker",), version, AMD64, containerd_store)
    assert row_of(client).name == row


@pytest.mark.parametrize("engine", ["docker-20.10", "docker-25", "docker-29"])
def test_dockerd_wants_a_manifest_json(engine: str) -> None:
    assert "manifest.json" in reason(MULTI, engine)
    assert "folder" in reason(ZSTD, engine)


@pytest.mark.parametrize("engine", [name for name in ENGINES if name != "registry"])
def test_a_hybrid_loads_everywhere(engine: str) -> None:
    found = prediction(HYBRID, engine)
    assert found.loads
    assert found.outcomes[0].names == ("docker.io/library/hello:riscv64",)
    assert found.outcomes[0].platforms == (Platform("linux", "riscv64"),)


def test_podman_calls_short_names_its_own() -> None:
    (outcome,) = prediction(OLD, "podman").outcomes
    assert outcome.names == ("localhost/hello:amd64",)
    assert outcome.lost == ("the name docker.io/library/hello:amd64",)


def test_the_machine_decides_what_podman_takes() -> None:
    (outcome,) = prediction(MULTI, "podman", Platform("linux", "arm64")).outcomes
    assert outcome.platforms == (Platform("linux", "arm64"),)
    assert "linux/s390x" in reason(MULTI, "podman", Platform("linux", "s390x"))


def test_a_machine_that_cannot_run_it_is_said() -> None:
    (outcome,) = prediction(OLD, "docker-20.10", Platform("linux", "arm64")).outcomes
    assert (outcome.loads, outcome.lost) == (True, ("nothing of it runs on linux/arm64",))


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


OUTER: dict[str, Callable[[bytes], bytes]] = {
    ".tar.gz": gzip.compress,
    ".tar.xz": lzma.compress,
    ".tar.bz2": bz2.compress,
    ".tar.zst": zstd,
}


@pytest.mark.parametrize(
    ("suffix", "loading"),
    [
        (".tar.gz", {"docker-20.10", "docker-23", "docker-29", "docker-29-containerd", "k3s"}),
        (".tar.xz", {"docker-20.10", "docker-23", "docker-29", "docker-29-containerd", "podman"}),
        (
            ".tar.bz2",
            {"docker-20.10", "docker-23", "docker-29", "docker-29-containerd", "podman", "k3s"},
        ),
        (".tar.zst", {"docker-23", "docker-29", "docker-29-containerd", "podman", "k3s"}),
    ],
)
def test_who_takes_which_compression_outside(
    suffix: str, loading: set[str], tmp_path: Path
) -> None:
    archive = tmp_path / f"image{suffix}"
    archive.write_bytes(OUTER[suffix](OLD.read_bytes()))
    asked = [name for name in ENGINES if name not in {"docker-25", "rke2", "registry"}]
    assert {name for name in asked if prediction(archive, name).loads} == loading


def test_podman_takes_gzip_around_a_layout(tmp_path: Path) -> None:
    archive = tmp_path / "image.tar.gz"
    archive.write_bytes(gzip.compress(MULTI.read_bytes()))
    assert prediction(archive, "podman", AMD64).loads


@pytest.mark.parametrize("name", ["image", "image.tgz", "image.tar.xz"])
def test_k3s_goes_by_the_suffix(name: str, tmp_path: Path) -> None:
    shutil.copy(HYBRID, tmp_path / name)
    assert "end" in reason(tmp_path / name, "k3s")


@pytest.mark.parametrize(("window_log", "loads"), [(25, True), (27, False)])
def test_k3s_takes_windows_of_32_mib(window_log: int, loads: bool, tmp_path: Path) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    content = compressor.compress(HYBRID.read_bytes()) + compressor.flush()
    (tmp_path / "image.tar.zst").write_bytes(content)
    assert prediction(tmp_path / "image.tar.zst", "k3s").loads is loads


Edit = Callable[[str, bytes], bytes | None]


def rewritten(source: Path, target: Path, edit: Edit) -> Path:
    """The tar with each file edited, or left out by None."""
    with tarfile.open(source) as old, tarfile.open(target, "w") as new:
        for member in old:
            content = old.extractfile(member) if member.isfile() else None
            if content is None:
                new.addfile(member)
                continue
            edited = edit(member.name, content.read())
            if edited is not None:
                member.size = len(edited)
                new.addfile(member, io.BytesIO(edited))
    return target


@pytest.mark.parametrize(
    ("compress", "loading"),
    [
        (gzip.compress, {"docker-20.10", "docker-23", "containerd", "podman"}),
        (zstd, {"docker-23", "containerd", "podman"}),
        (lzma.compress, {"docker-20.10", "docker-23", "podman"}),
        (bz2.compress, {"docker-20.10", "docker-23", "podman"}),
    ],
)
def test_who_takes_which_layers(
    compress: Callable[[bytes], bytes], loading: set[str], tmp_path: Path
) -> None:
    archive = rewritten(
        OLD,
        tmp_path / "image.tar",
        lambda name, content: compress(content) if name.endswith("layer.tar") else content,
    )
    asked = ("docker-20.10", "docker-23", "containerd", "podman")
    assert {name for name in asked if prediction(archive, name).loads} == loading


def test_a_layout_without_its_marker_is_none_to_containerd(tmp_path: Path) -> None:
    archive = rewritten(
        MULTI,
        tmp_path / "image.tar",
        lambda name, content: None if name == "oci-layout" else content,
    )
    assert "oci-layout" in reason(archive, "containerd")
    assert prediction(archive, "podman", AMD64).loads


def relisted(tmp_path: Path, edit: Callable[[list[dict[str, object]]], object]) -> Path:
    """The multi-platform sample with other entries in its index.json."""

    def change(name: str, content: bytes) -> bytes:
        if name != "index.json":
            return content
        index = json.loads(content)
        edit(index["manifests"])
        return json.dumps(index).encode()

    return rewritten(MULTI, tmp_path / "image.tar", change)


def test_what_has_no_name_is_lost_in_containerd(tmp_path: Path) -> None:
    archive = relisted(tmp_path, lambda entries: entries[0].pop("annotations"))
    assert "no name" in reason(archive, "containerd")
    assert prediction(archive, "podman", AMD64).loads


def test_a_tag_alone_is_no_name(tmp_path: Path) -> None:
    tag = {"org.opencontainers.image.ref.name": "v1"}
    archive = relisted(tmp_path, lambda entries: entries[0].update(annotations=tag))
    names = {name: prediction(archive, name, AMD64).outcomes[0].names for name in ENGINES}
    assert names["containerd"] == ("import-YYYY-MM-DD:v1",)
    assert names["podman"] == ("localhost/v1:latest",)
    assert names["k3s"] == ("v1",)
    assert "repository" in reason(archive, "registry")


def mended(place: Path | str, engine: str) -> Mending | None:
    with open_place(str(place)) as opened:
        cargo = cargo_of(opened)
        return mending(cargo, opened.source, predict(cargo, ENGINES[engine]))


def test_what_loads_needs_no_mending() -> None:
    assert mended(HYBRID, "podman") is None


def test_a_lost_name_is_mended_by_a_full_one() -> None:
    found = mended(OLD, "podman")
    assert found is not None
    assert found.command == (f"ocilayout convert {OLD} docker-20.10-amd64.podman.tar --for podman")


def test_a_missing_name_is_left_to_the_person(tmp_path: Path) -> None:
    archive = relisted(tmp_path, lambda entries: entries[0].pop("annotations"))
    found = mended(archive, "containerd")
    assert found is not None
    assert found.command == (
        f"ocilayout convert {archive} image.containerd.tar --for containerd --tag REPOSITORY:TAG"
    )


def test_two_entries_are_too_many_for_podman(tmp_path: Path) -> None:
    named = {"io.containerd.image.name": "docker.io/library/other:1"}
    archive = relisted(tmp_path, lambda e: e.append({**e[0], "annotations": named}))
    assert "several entries" in reason(archive, "podman")
    assert prediction(archive, "containerd").loads


def test_a_gap_ends_the_import_of_containerd_alone(tmp_path: Path) -> None:
    with tarfile.open(MULTI) as tar:
        index = json.load(tar.extractfile("index.json"))  # type: ignore[arg-type]
        top = index["manifests"][0]["digest"].replace(":", "/")
        members = json.load(tar.extractfile(f"blobs/{top}"))["manifests"]  # type: ignore[arg-type]
    arm64 = next(m["digest"] for m in members if m["platform"]["architecture"] == "arm64")
    gone = f"blobs/{arm64.replace(':', '/')}"
    archive = rewritten(
        MULTI, tmp_path / "image.tar", lambda name, content: None if name == gone else content
    )
    assert "linux/arm64" in reason(archive, "containerd")
    assert prediction(archive, "podman", AMD64).loads
    assert prediction(archive, "docker-29-containerd").loads


def test_only_what_was_picked_is_judged() -> None:
    two = SAMPLES / "docker-20.10-two-images.tar"
    (outcome,) = prediction(f"{two}:greeter", "docker-20.10").outcomes
    assert outcome.names == ("docker.io/library/greeter:latest",)


def write_hybrid(path: Path, *tops: Made, saved: list[Made]) -> Path:
    """A tar with an index.json of `tops`, and a manifest.json of `saved` under their names."""
    entries = []
    for made in saved:
        manifest = json.loads(made.contents[made.descriptor.digest])
        config, *layers = (
            f"blobs/{part['digest'].replace(':', '/')}"
            for part in (manifest["config"], *manifest["layers"])
        )
        entries.append({"Config": config, "RepoTags": list(made.names), "Layers": layers})
    files = {**layout_files(make_source(*tops)), "manifest.json": encode(entries)}
    path.write_bytes(make_tar(files))
    return path


def deep(platform: str, layers: int) -> Made:
    return make_image(platform, layers=[make_layer(str(number)) for number in range(layers)])


@pytest.mark.parametrize(("layers", "loads"), [(125, True), (126, False)])
def test_docker_takes_125_layers(layers: int, loads: bool, tmp_path: Path) -> None:
    image = deep("linux/amd64", layers).named("lab/app:1")
    file = write_hybrid(tmp_path / "image.tar", image, saved=[image])
    assert prediction(file, "docker-20.10").loads is loads
    assert prediction(file, "docker-29").loads is loads
    assert prediction(file, "docker-29-containerd").loads


def test_nothing_mends_too_many_layers() -> None:
    source = make_source(deep("linux/amd64", 126).named("lab/app:1"))
    with pytest.raises(CannotHold, match="linux/amd64: it has 126 layers, 125 are the most"):
        fitted(source, ENGINES["docker-25"])
    assert fitted(source, ENGINES["containerd"]) is source


def test_the_layers_of_a_platform_that_docker_does_not_get_are_not_counted() -> None:
    index = make_index(deep("linux/arm64", 126), make_image()).named("lab/app:1")
    source = make_source(index)
    assert fitted(source, ENGINES["docker-25"]) is source


def test_docker_takes_diff_ids_of_sha256_alone(tmp_path: Path) -> None:
    layer = make_layer("base")
    rootfs = {"type": "layers", "diff_ids": [str(Digest.of(layer, "sha512"))]}
    raw = make_config("linux/amd64", [layer], rootfs=rootfs)
    parts = (make_blob(media_types.OCI_CONFIG, raw), make_blob(media_types.OCI_LAYER, layer))
    image = make_manifest(parts[0], parts[1:]).named("lab/app:1")
    file = write_hybrid(tmp_path / "image.tar", image, saved=[image])
    assert "sha512" in reason(file, "docker-20.10")
    assert prediction(file, "containerd").loads
    with pytest.raises(CannotHold, match="its diff ids are sha512"):
        fitted(make_source(image), ENGINES["docker-20.10"])


def test_only_a_registry_is_written_to_as_one() -> None:
    check_target(None, "docker", ENGINES["registry"])
    with pytest.raises(UsageError, match="podman does not load docker"):
        check_target(None, "docker", ENGINES["podman"])


NAME = "docker.io/lab/app:1"
MEMBERS = [make_image(platform) for platform in ("linux/amd64", "linux/386", "linux/arm64")]


def test_docker_has_the_entry_with_the_name_whatever_comes_first(tmp_path: Path) -> None:
    amd64, i386, arm64 = MEMBERS
    file = write_hybrid(
        tmp_path / "image.tar",
        make_index(*MEMBERS).named(NAME),
        *MEMBERS,
        saved=[arm64, i386.named(NAME), amd64],
    )
    outcome = prediction(file, "docker-20.10").outcomes[0]
    assert (outcome.names, outcome.platforms) == ((NAME,), (Platform("linux", "386"),))


def test_docker_has_the_first_of_manifest_json_where_no_name_tells(tmp_path: Path) -> None:
    amd64, i386, arm64 = MEMBERS
    saved = [arm64.named(NAME), amd64.named("docker.io/lab/other:1"), i386.named("lab/third:1")]
    file = write_hybrid(tmp_path / "image.tar", make_index(*MEMBERS), saved=saved)
    (outcome,) = prediction(file, "docker-20.10").outcomes
    assert (outcome.names, outcome.platforms) == ((NAME,), (Platform("linux", "arm64"),))


@pytest.mark.parametrize("engine", ["docker-20.10", "podman"])
def test_what_manifest_json_leaves_out_is_lost(engine: str, tmp_path: Path) -> None:
    image = MEMBERS[0].named(NAME)
    index = make_index(*MEMBERS, make_attestation(MEMBERS[0])).named(NAME)
    file = write_hybrid(tmp_path / "image.tar", index, make_image().named("b:1"), saved=[image])
    outcome = prediction(file, engine).outcomes[0]
    assert outcome.lost == (
        "the platforms linux/386, linux/arm64",
        "its attestations and other referrers",
    )


@pytest.mark.parametrize(
    ("engine", "is_lost"), [("podman", True), ("containerd", False), ("registry", False)]
)
@pytest.mark.parametrize("make", [make_attestation, make_referrer])
def test_referrers_are_lost_where_they_are_not_kept(
    make: Callable[[Made], Made], engine: str, is_lost: bool, tmp_path: Path
) -> None:
    image = make_image()
    index = make_index(image, make(image)).named(NAME)
    (outcome,) = prediction(
        write_oci_archive(tmp_path / "image.tar", make_source(index)), engine
    ).outcomes
    assert ("its attestations and other referrers" in outcome.lost) is is_lost


def test_referrers_at_the_top_are_lost_with_docker(tmp_path: Path) -> None:
    image = MEMBERS[0].named(NAME)
    file = write_hybrid(tmp_path / "image.tar", image, make_referrer(image), saved=[image])
    (outcome,) = prediction(file, "docker-29").outcomes
    assert outcome.lost == ("its attestations and other referrers",)


def test_podman_ends_at_a_signature_that_manifest_json_lists(tmp_path: Path) -> None:
    first, last = (image.named(f"lab/app:{n}") for n, image in enumerate(MEMBERS[:2]))
    signature = make_cosign_signature(first)
    saved = [first, signature, last]
    file = write_hybrid(tmp_path / "image.tar", *saved, saved=saved)
    outcomes = prediction(file, "podman").outcomes
    assert [outcome.loads for outcome in outcomes] == [True, False, False]
    assert "which ends all" in outcomes[2].reason


@pytest.mark.parametrize("engine", ["k3s", "rke2"])
def test_a_signature_with_a_name_ends_the_import_of_all(engine: str, tmp_path: Path) -> None:
    image = make_image().named(NAME)
    source = make_source(image, make_cosign_signature(image))
    assert "ends the import" in reason(write_oci_archive(tmp_path / "image.tar", source), engine)
    assert list(names_in(fitted(source, ENGINES[engine]))) == [NAME]
    assert len(fitted(source, ENGINES["podman"]).index.children) == 2


def test_podman_keeps_one_of_several_platforms(tmp_path: Path) -> None:
    source = make_source(make_index(*MEMBERS).named(NAME))
    file = write_oci_archive(tmp_path / "image.tar", source)
    (known,) = prediction(file, "podman", AMD64).outcomes
    assert known.platforms == (AMD64,)
    assert known.lost == ("the platforms linux/386, linux/arm64",)
    (unknown,) = prediction(file, "podman").outcomes
    assert unknown.lost == (
        "all but one of linux/amd64, linux/386, linux/arm64: it keeps its machine's own",
    )


@pytest.mark.parametrize("engine", ["k3s", "rke2", "kind"])
def test_a_tag_alone_has_no_form_where_nothing_asks_for_it(engine: str, tmp_path: Path) -> None:
    file = write_oci_archive(tmp_path / "image.tar", make_source(make_image().named("v1")))
    with (
        open_place(str(file)) as opened,
        pytest.raises(CannotHold, match=r"v1: .*no name with a repository.*--tag REPOSITORY:TAG"),
    ):
        fitted(opened.source, ENGINES[engine])
    found = mended(file, engine)
    assert found is not None
    assert found.command == (
        f"ocilayout convert {file} image.{engine}.tar --for {engine} --tag REPOSITORY:TAG"
    )


@pytest.mark.parametrize("engine", ["docker-29-containerd", "podman", "containerd"])
def test_a_tag_alone_is_taken_where_it_is_filled_in(engine: str) -> None:
    source = make_source(make_image().named("v1"))
    assert fitted(source, ENGINES[engine]) is source


def test_each_image_is_sent_for_the_platform_that_suits_it() -> None:
    amd64, i386, arm64 = MEMBERS
    index = make_index(arm64, i386, amd64).named(NAME)
    sent = for_machine(make_source(i386.named("old:1"), index), OLD_DOCKER, ())
    assert sorted(platforms_in(sent)) == ["linux/386", "linux/amd64"]
    assert names_in(sent) == {
        "docker.io/library/old:1": i386.descriptor.digest,
        NAME: amd64.descriptor.digest,
    }


def test_of_two_images_with_one_name_the_machines_own_is_sent() -> None:
    amd64, i386, _ = MEMBERS
    sent = for_machine(make_source(i386.named(NAME), amd64.named(NAME)), OLD_DOCKER, ())
    assert names_in(sent) == {NAME: amd64.descriptor.digest}


def test_members_that_stand_beside_their_index_are_not_sent_twice() -> None:
    amd64, *_ = MEMBERS
    source = make_source(make_index(*MEMBERS).named(NAME), *MEMBERS)
    sent = for_machine(source, OLD_DOCKER, ())
    assert [entry.digest for entry in sent.index.children] == [amd64.descriptor.digest]


def test_referrers_go_with_the_image_that_is_sent() -> None:
    amd64, i386, arm64 = MEMBERS
    referrers = [make_referrer(amd64), make_referrer(arm64)]
    source = make_source(make_index(*MEMBERS).named(NAME), i386.named("old:1"), *referrers)
    sent = {entry.digest for entry in for_machine(source, OLD_DOCKER, ()).index.children}
    assert sent == {made.descriptor.digest for made in (amd64, i386, referrers[0])}


def test_what_the_machine_does_not_run_is_named(caplog: pytest.LogCaptureFixture) -> None:
    amd64, _, arm64 = MEMBERS
    sent = for_machine(make_source(arm64.named("arm:1"), amd64.named(NAME)), OLD_DOCKER, ())
    assert list(names_in(sent)) == [NAME]
    assert caplog.messages == [
        "left out, since docker 20.10.24 runs linux/amd64: docker.io/library/arm:1"
    ]
