"""What is said of files that are made here for the purpose."""

import bz2
import gzip
import json
import lzma
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.fitting import fitted
from ocilayout.engines.outcomes import Prediction
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.errors import CannotHold
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_place
from tests.attestations import make_attestation, make_cosign_signature, make_referrer
from tests.engines.files import (
    AMD64,
    HYBRID,
    MEMBERS,
    MULTI,
    NAME,
    OLD,
    ZSTD,
    deep,
    relisted,
    rewritten,
    write_hybrid,
)
from tests.image_files import write_docker_archive, write_oci_archive
from tests.images import (
    Made,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.program import SAMPLES
from tests.snapshots import names_in


def prediction(place: Path | str, engine: str, platform: Platform | None = None) -> Prediction:
    with open_place(str(place)) as opened:
        return predict(cargo_of(opened), ENGINES[engine], platform)


def reason(place: Path | str, engine: str, platform: Platform | None = None) -> str:
    found = prediction(place, engine, platform)
    assert not found.loads
    return found.outcomes[0].reason


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
    assert (outcome.verdict, outcome.loads) == ("loads", False)
    assert outcome.reason == "nothing of it runs on linux/arm64: it is for linux/amd64"


@pytest.mark.parametrize(
    ("there", "machine", "runs"),
    [
        (("linux/386",), "linux/amd64", True),
        (("linux/amd64/v2",), "linux/amd64/v3", True),
        (("linux/amd64/v3",), "linux/amd64/v2", False),
        (("linux/arm/v7",), "linux/arm64", True),
        (("linux/arm/v6", "linux/arm64"), "linux/arm/v7", True),
        (("linux/arm64/v9",), "linux/arm64", False),
        (("linux/arm64/v9.0",), "linux/arm64/v9", True),
        (("linux/s390x", "linux/riscv64"), "linux/amd64", False),
    ],
)
@pytest.mark.parametrize("engine", ["docker-29-containerd", "containerd-2", "k3s"])
def test_an_image_loads_where_the_machine_runs_one_of_its_platforms(
    tmp_path: Path, engine: str, there: tuple[str, ...], machine: str, runs: bool
) -> None:
    index = make_index(*map(make_image, there)).named(NAME)
    image = write_oci_archive(tmp_path / "image.tar", make_source(index))
    found = prediction(image, engine, Platform.parse(machine))
    assert found.loads == runs
    assert (found.outcomes[0].taken is not None) == runs


def test_what_the_machine_does_not_choose_is_no_obstacle(tmp_path: Path) -> None:
    """containerd unpacks what suits the machine best, and looks at nothing else."""
    encrypted = make_blob(f"{media_types.OCI_LAYER}+gzip+encrypted", b"secret")
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/386", [b"secret"]))
    made = make_manifest(config, [encrypted])
    platform = Platform("linux", "386").to_fields()
    bad = Made(made.descriptor.edited(platform=platform), made.contents)
    index = make_index(bad, make_image("linux/amd64")).named(NAME)
    image = write_oci_archive(tmp_path / "image.tar", make_source(index))
    assert prediction(image, "docker-29-containerd", AMD64).loads
    assert not prediction(image, "docker-29-containerd", Platform("linux", "386")).loads


def zstd(content: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(content)


DOCKER = {"docker-20.10", "docker-23", "docker-29", "docker-29-containerd"}
OUTER: dict[str, Callable[[bytes], bytes]] = {
    ".tar.gz": gzip.compress,
    ".tar.xz": lzma.compress,
    ".tar.bz2": bz2.compress,
    ".tar.zst": zstd,
}


@pytest.mark.parametrize(
    ("suffix", "loading"),
    [
        (".tar.gz", DOCKER | {"containerd-2", "kind", "k3s"}),
        (".tar.xz", DOCKER | {"podman"}),
        (".tar.bz2", DOCKER | {"podman", "k3s"}),
        (".tar.zst", DOCKER - {"docker-20.10"} | {"containerd-2", "kind", "podman", "k3s"}),
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


@pytest.mark.parametrize(
    ("compress", "loading"),
    [
        (gzip.compress, {"docker-20.10", "docker-23", "containerd-1.6", "podman"}),
        (zstd, {"docker-23", "containerd-1.6", "podman"}),
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
    asked = ("docker-20.10", "docker-23", "containerd-1.6", "podman")
    assert {name for name in asked if prediction(archive, name).loads} == loading


def test_a_layout_without_its_marker_is_none_to_containerd(tmp_path: Path) -> None:
    archive = rewritten(
        MULTI,
        tmp_path / "image.tar",
        lambda name, content: None if name == "oci-layout" else content,
    )
    assert "oci-layout" in reason(archive, "containerd-1.6")
    assert prediction(archive, "podman", AMD64).loads


def test_what_has_no_name_is_lost_in_containerd(tmp_path: Path) -> None:
    archive = relisted(tmp_path, lambda entries: entries[0].pop("annotations"))
    assert "no name" in reason(archive, "containerd-1.6")
    assert prediction(archive, "podman", AMD64).loads


def test_a_tag_alone_is_no_name(tmp_path: Path) -> None:
    tag = {"org.opencontainers.image.ref.name": "v1"}
    archive = relisted(tmp_path, lambda entries: entries[0].update(annotations=tag))
    names = {name: prediction(archive, name, AMD64).outcomes[0].names for name in ENGINES}
    assert names["containerd-1.6"] == ("import-YYYY-MM-DD:v1",)
    assert names["podman"] == ("localhost/v1:latest",)
    assert names["k3s"] == ("v1",)
    assert "repository" in reason(archive, "registry")


def test_two_entries_are_too_many_for_podman(tmp_path: Path) -> None:
    named = {"io.containerd.image.name": "docker.io/library/other:1"}
    archive = relisted(tmp_path, lambda e: e.append({**e[0], "annotations": named}))
    assert "several entries" in reason(archive, "podman")
    assert prediction(archive, "containerd-1.6").loads


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
    assert "linux/arm64" in reason(archive, "containerd-1.6")
    assert prediction(archive, "podman", AMD64).loads
    assert prediction(archive, "docker-29-containerd").loads


def test_only_what_was_picked_is_judged() -> None:
    two = SAMPLES / "docker-20.10-two-images.tar"
    (outcome,) = prediction(f"{two}:greeter", "docker-20.10").outcomes
    assert outcome.names == ("docker.io/library/greeter:latest",)


@pytest.mark.parametrize(("layers", "loads"), [(125, True), (126, False)])
def test_docker_takes_125_layers(layers: int, loads: bool, tmp_path: Path) -> None:
    image = deep("linux/amd64", layers).named("lab/app:1")
    file = write_hybrid(tmp_path / "image.tar", image, saved=[image])
    assert prediction(file, "docker-20.10").loads is loads
    assert prediction(file, "docker-29").loads is loads
    assert prediction(file, "docker-29-containerd").loads


def test_docker_takes_diff_ids_of_sha256_alone(tmp_path: Path) -> None:
    layer = make_layer("base")
    rootfs = {"type": "layers", "diff_ids": [str(Digest.of(layer, "sha512"))]}
    raw = make_config("linux/amd64", [layer], rootfs=rootfs)
    parts = (make_blob(media_types.OCI_CONFIG, raw), make_blob(media_types.OCI_LAYER, layer))
    image = make_manifest(parts[0], parts[1:]).named("lab/app:1")
    file = write_hybrid(tmp_path / "image.tar", image, saved=[image])
    assert "sha512" in reason(file, "docker-20.10")
    assert "sha512" in reason(file, "containerd-1.6")
    with pytest.raises(CannotHold, match="its diff ids are sha512"):
        fitted(make_source(image), ENGINES["docker-20.10"])


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
    ("engine", "is_lost"), [("podman", True), ("containerd-1.6", False), ("registry", False)]
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
    signature = make_cosign_signature(first).named("lab/app:sig")
    saved = [first, signature, last]
    file = write_hybrid(tmp_path / "image.tar", *saved, saved=saved)
    outcomes = prediction(file, "podman").outcomes
    assert [outcome.loads for outcome in outcomes] == [True, False, False]
    assert "ends the load of all" in outcomes[2].reason


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


@pytest.mark.parametrize(
    ("engine", "verdict"), [("containerd-1.6", "refused"), ("containerd-2", "loads")]
)
def test_a_client_of_containerd_looks_for_its_own_platform_in_an_index(
    engine: str, verdict: str, tmp_path: Path
) -> None:
    index = make_index(make_image("linux/arm64"), make_image("linux/s390x")).named(NAME)
    file = write_oci_archive(tmp_path / "image.tar", make_source(index))
    assert prediction(file, engine, AMD64).verdict == verdict
    alone = write_oci_archive(
        tmp_path / "alone.tar", make_source(make_image("linux/arm64").named(NAME))
    )
    assert prediction(alone, engine, AMD64).verdict == "loads"


@pytest.mark.parametrize(
    ("kind", "codec", "loads"),
    [
        (f"{media_types.DOCKER_LAYER}", "gzip", True),
        (f"{media_types.DOCKER_LAYER}.zstd", "zstd", False),
        (f"{media_types.OCI_LAYER}", "gzip", False),
        (f"{media_types.OCI_LAYER}+zstd", "zstd", True),
    ],
)
def test_containerd_goes_by_bytes_where_a_type_of_docker_says_nothing(
    kind: str, codec: str, loads: bool, tmp_path: Path
) -> None:
    layer = make_layer("base")
    content = zstd(layer) if codec == "zstd" else gzip.compress(layer, mtime=0)
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", [layer]))
    image = make_manifest(config, [make_blob(kind, content)]).named(NAME)
    file = write_oci_archive(tmp_path / "image.tar", make_source(image))
    assert prediction(file, "containerd-1.6").loads is loads


@pytest.mark.parametrize("engine", ["docker-20.10", "containerd-1.6"])
def test_a_host_of_capitals_alone_is_a_repository_to_old_engines(
    engine: str, tmp_path: Path
) -> None:
    file = write_docker_archive(tmp_path / "image.tar", "HOST/app:1")
    assert "lowercase" in reason(file, engine)
