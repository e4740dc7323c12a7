"""What a verification finds, what it does not mind, and what it costs."""

import gzip
import json
import subprocess
import sys
import tarfile
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from ocilayout.errors import InvalidArchive
from ocilayout.graph import MAX_LEVELS
from ocilayout.problems import Problem
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import LayerType
from ocilayout.spec.platform import Platform
from ocilayout.stores import open_suspect
from ocilayout.verify import Verification, find_problems
from tests.attestations import make_new_attestation, make_referrer
from tests.image_files import (
    blob_file,
    flip_a_byte,
    layout_files,
    write_docker_archive,
    write_layout,
    write_oci_archive,
)
from tests.images import (
    MemorySource,
    encode,
    make_blob,
    make_config,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)
from tests.program import surroundings
from tests.verify.spoiled import PLAIN, SPOILED, hybrid, listed, nested, of_parts, tar_of

NAME = "registry.example/app:v1"
BLANKS: dict[str, dict[str, object]] = {
    "mediaType": {"mediaType": ""},
    "mediaType-null": {"mediaType": None},
    "annotations": {"annotations": None},
    "annotation": {"annotations": {"key": None}},
    "subject": {"subject": None},
    "artifactType": {"artifactType": ""},
}


def problems_in(place: Path, *, fast: bool = False, jobs: int = 1) -> list[Problem]:
    with open_suspect(str(place)) as opened:
        return list(find_problems(opened.source, fast=fast, jobs=jobs))


def codes_in(place: Path) -> list[str]:
    return [problem.code for problem in problems_in(place)]


def attested() -> MemorySource:
    """An index of two platforms, one with an attestation, and a referrer beside it."""
    amd64, arm = make_image(), make_image("linux/arm/v7", codec="zstd")
    index = make_index(amd64, arm, make_new_attestation(amd64)).named(NAME)
    return make_source(index, make_referrer(index))


@pytest.mark.parametrize("fields", BLANKS.values(), ids=BLANKS)
@pytest.mark.parametrize("deep", [False, True], ids=["top", "nested"])
def test_blanks_of_an_index_are_no_more_than_warned_of(
    tmp_path: Path, fields: dict[str, object], deep: bool
) -> None:
    made = make_index(make_image())
    layout = write_layout(tmp_path / "layout", make_source(made))
    path = layout / "index.json"
    top = json.loads(path.read_bytes())
    if deep:
        index = encode(
            {**json.loads((layout / made.descriptor.digest.blob_path).read_bytes()), **fields}
        )
        (layout / Digest.of(index).blob_path).write_bytes(index)
        (layout / made.descriptor.digest.blob_path).unlink()
        top["manifests"][0] |= {"digest": str(Digest.of(index)), "size": len(index)}
    else:
        top |= fields
    path.write_bytes(encode(top))
    assert {problem.level for problem in problems_in(layout)} <= {"warning"}
    assert codes_in(layout) == ["value-blank"]


@pytest.mark.parametrize(
    "fields",
    [
        {"history": [None]},
        {"history": None},
        {"architecture": "", "os": None},
        {"config": {"Labels": None, "Cmd": None}},
    ],
)
def test_blanks_of_a_config_are_no_errors(tmp_path: Path, fields: dict[str, object]) -> None:
    layer = make_layer("a")
    config = {**json.loads(make_config("linux/amd64", [layer])), **fields}
    image = make_manifest(
        make_blob(media_types.OCI_CONFIG, encode(config)), [make_blob(PLAIN, layer)]
    )
    layout = write_layout(tmp_path / "layout", make_source(image.named(NAME)))
    assert {problem.level for problem in problems_in(layout)} <= {"warning"}


class TestSound:
    @pytest.mark.parametrize("family", ["oci", "docker"])
    @pytest.mark.parametrize("codec", ["none", "gzip", "zstd"])
    def test_a_layout(self, tmp_path: Path, family: str, codec: str) -> None:
        made = make_image(codec=codec, family="oci" if family == "oci" else "docker").named(NAME)
        assert problems_in(write_layout(tmp_path / "layout", make_source(made))) == []

    def test_attestations_and_referrers(self, tmp_path: Path) -> None:
        assert problems_in(write_layout(tmp_path / "layout", attested())) == []

    def test_an_archive(self, tmp_path: Path) -> None:
        assert problems_in(write_oci_archive(tmp_path / "image.tar", attested())) == []

    def test_a_docker_archive(self, tmp_path: Path) -> None:
        assert problems_in(write_docker_archive(tmp_path / "image.tar", NAME)) == []

    def test_a_hybrid(self, tmp_path: Path) -> None:
        assert (
            problems_in(hybrid(repositories={"registry.example/app": {"v1": ""}})(tmp_path)) == []
        )

    def test_any_file_that_an_artifact_calls_a_layer(self) -> None:
        empty = make_blob(media_types.OCI_EMPTY, b"{}")
        files = [make_blob(PLAIN, b"hello"), make_blob(PLAIN, gzip.compress(b"hello"))]
        artifact = make_manifest(empty, files, artifactType="application/x-file")
        assert list(find_problems(make_source(artifact))) == []

    def test_a_source_without_files(self) -> None:
        assert list(find_problems(attested())) == []


def test_no_flipped_byte_of_any_blob_goes_unnoticed(tmp_path: Path) -> None:
    made = make_image(layers=[make_layer("base"), make_layer("app")], codec="zstd")
    layout = write_layout(tmp_path / "layout", make_source(make_index(made)))
    (layout / Digest.of(b"of nothing").blob_path).write_bytes(b"of nothing")
    blobs = sorted((layout / "blobs/sha256").iterdir())
    assert len(blobs) == 6
    with open_suspect(str(layout)) as opened:
        for path in blobs:
            for position in range(path.stat().st_size):
                flip_a_byte(path, position)
                found = find_problems(opened.source)
                assert any(problem.level == "error" for problem in found), (path, position)
                flip_a_byte(path, position)
    assert codes_in(layout) == ["blob-unreferenced"]


def test_no_flipped_byte_of_a_header_or_blob_in_a_tar_goes_unnoticed(tmp_path: Path) -> None:
    path = write_oci_archive(tmp_path / "image.tar", make_source(make_image(codec="gzip")))
    with tarfile.open(path) as tar:
        members = tar.getmembers()
    positions = [at for member in members for at in range(member.offset, member.offset_data, 13)]
    for member in members:
        if member.name.startswith("blobs/sha256/"):
            end = member.offset_data + member.size
            positions += [*range(member.offset_data, end, 13), end - 1]
    for position in positions:
        flip_a_byte(path, position)
        assert is_refused(path), position
        flip_a_byte(path, position)
    assert not is_refused(path)


def is_refused(place: Path) -> bool:
    try:
        return any(problem.level == "error" for problem in problems_in(place))
    except InvalidArchive:
        return True


def test_one_bad_manifest_hides_nothing_else(tmp_path: Path) -> None:
    bad, good = make_image(), make_image("linux/arm64", layers=[make_layer("other")])
    source = make_source(bad, good)
    layout = write_layout(tmp_path / "layout", source)
    flip_a_byte(blob_file(layout, bad.descriptor))
    (layer,) = json.loads(good.contents[good.descriptor.digest])["layers"]
    flip_a_byte(layout / Digest.parse(layer["digest"]).blob_path)
    found = problems_in(layout)
    assert [problem.code for problem in found] == ["blob-damaged", "blob-damaged"]
    assert [problem.where for problem in found] == [
        "index.json: manifests[0]",
        f"{good.descriptor.digest}: layers[0]",
    ]


def test_one_bad_entry_hides_nothing_else(tmp_path: Path) -> None:
    layout = SPOILED["diff-id-mismatch"](tmp_path)
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"].insert(0, {"mediaType": "text/plain", "digest": "sha256:x", "size": -1})
    (layout / "index.json").write_text(json.dumps(index))
    places = {(problem.code, problem.where.partition(": ")[2]) for problem in problems_in(layout)}
    assert places >= {
        ("schema-violation", "manifests[0].digest"),
        ("schema-violation", "manifests[0].size"),
        ("diff-id-mismatch", "layers[0]"),
    }


def test_a_layer_is_looked_into_whatever_it_was_called_first() -> None:
    layer = gzip.compress(make_layer("base"))
    artifact = make_manifest(
        make_blob(media_types.OCI_EMPTY, b"{}"),
        [make_blob("application/x-secret", layer)],
        artifactType="application/x-secret",
    )
    image = of_parts(make_blob(LayerType("oci", "gzip").media_type, layer), b"another")
    assert [problem.code for problem in find_problems(make_source(artifact, image))] == [
        "diff-id-mismatch"
    ]


def test_a_config_is_looked_into_whatever_it_was_called_first() -> None:
    config = make_blob(media_types.OCI_CONFIG, b"[]")
    image = make_manifest(config, [make_blob("application/x-secret", b"x")])
    codes = [problem.code for problem in find_problems(make_source(config, image))]
    assert "schema-violation" in codes


def test_an_index_that_is_a_manifest_is_none(tmp_path: Path) -> None:
    made = make_image()
    layout = write_layout(tmp_path / "layout", make_source(made))
    (layout / "index.json").write_bytes(made.contents[made.descriptor.digest])
    assert "media-type-mismatch" in codes_in(layout)


def test_an_index_with_a_blank_media_type_as_go_writes_it_is_one(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    index = json.loads((layout / "index.json").read_bytes())
    blank = {"mediaType": "", "annotations": None}
    (layout / "index.json").write_text(json.dumps({**index, **blank}))
    assert set(codes_in(layout)) == {"value-blank"}


def test_indexes_may_stand_within_indexes_as_deep_as_readers_go() -> None:
    def codes(levels: int) -> list[str]:
        return [problem.code for problem in find_problems(make_source(nested(levels)))]

    assert codes(MAX_LEVELS - 1) == []
    assert codes(MAX_LEVELS) == ["nested-too-deep"]


def test_few_blobs_with_very_many_paths_are_walked_once() -> None:
    made = make_image()
    for level in range(25):
        made = make_index(made, made, made, annotations={"level": str(level)})
    found = {problem.code for problem in find_problems(make_source(made))}
    assert found == set()


def test_more_findings_of_a_kind_than_anybody_reads_are_counted() -> None:
    tops = [make_blob("text/plain", str(number).encode()) for number in range(1500)]
    source = make_source(*tops)
    source.contents.clear()
    found = list(find_problems(source))
    assert len(found) == 1001
    assert found[-1].text == "500 more of this kind are not listed"
    assert len(list(find_problems(source, limit=None))) == 1500


def test_what_differs_of_a_platform_is_named(tmp_path: Path) -> None:
    (found,) = problems_in(SPOILED["platform-mismatch"](tmp_path))
    assert found.where == "index.json: manifests[0].platform.architecture"
    assert found.text == "arm64 in the index, amd64 in the config"


def test_platforms_are_compared_normalized(tmp_path: Path) -> None:
    made = make_image("linux/arm64/v8")
    stated = made.descriptor.edited(platform={"os": "linux", "architecture": "aarch64"})
    source = make_source(type(made)(stated, made.contents))
    assert problems_in(write_layout(tmp_path / "layout", source)) == []


def test_the_platform_that_is_absent_is_named(tmp_path: Path) -> None:
    (found,) = problems_in(SPOILED["platform-absent"](tmp_path))
    assert found.text.startswith("linux/amd64 (sha256:")


def test_a_damaged_index_accuses_no_blob_of_being_unreferenced(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    (layout / "index.json").write_bytes(b"")
    assert codes_in(layout) == ["document-invalid"]


def test_layers_of_one_archive_in_another_order_are_found_by_both_halves(tmp_path: Path) -> None:
    (found,) = problems_in(SPOILED["manifest-json-mismatch"](tmp_path))
    assert found.where == "manifest.json: [0].Layers"


@pytest.mark.parametrize(("wrong", "verb"), [("manifest.json", "are not"), ("index.json", "are")])
def test_the_config_says_which_half_has_the_right_order(
    tmp_path: Path, wrong: str, verb: str
) -> None:
    layers = [make_layer("base"), make_layer("app")]
    config = make_blob(media_types.OCI_CONFIG, make_config("linux/amd64", layers))
    blobs = [make_blob(PLAIN, layer) for layer in layers]
    ordered = [blob.descriptor.digest.blob_path for blob in blobs]
    made = make_manifest(config, blobs[::-1] if wrong == "index.json" else blobs).named(NAME)
    entry = {
        "Config": config.descriptor.digest.blob_path,
        "RepoTags": [NAME],
        "Layers": ordered[::-1] if wrong == "manifest.json" else ordered,
    }
    files = {**layout_files(make_source(made)), "manifest.json": encode([entry])}
    found = problems_in(tar_of(files, tmp_path))[0]
    assert found.code == "manifest-json-mismatch"
    assert found.text.endswith(f"those here {verb} in the order that the config says")


@pytest.mark.parametrize("spoiled", [b"{}", b'[{"Bonfig": "x", "Layers": []}]'])
def test_a_manifest_json_that_lists_no_images_is_found_beside_a_layout(
    tmp_path: Path, spoiled: bytes
) -> None:
    files = {**layout_files(make_source(make_image())), "manifest.json": spoiled}
    assert codes_in(tar_of(files, tmp_path)) == ["manifest-json-invalid"]


def test_a_docker_archive_goes_on_after_a_bad_entry(tmp_path: Path) -> None:
    layer = make_layer("base")
    files = {"c.json": make_config("linux/amd64", [layer]), "l.tar": layer[:-1] + b"x"}
    entries = [
        {"Config": "absent.json", "Layers": []},
        {"Config": "c.json", "Layers": ["l.tar", "l.tar"]},
        {"Config": "c.json", "Layers": ["l.tar"]},
    ]
    found = problems_in(tar_of({**files, "manifest.json": encode(entries)}, tmp_path))
    assert [(problem.code, problem.where) for problem in found[:2]] == [
        ("manifest-json-invalid", "manifest.json: [0]"),
        ("manifest-json-invalid", "manifest.json: [1]"),
    ]
    assert [problem.code for problem in found[2:]] == ["blob-damaged"]


def test_an_entry_that_cannot_be_read_is_told_once_and_accuses_no_file(tmp_path: Path) -> None:
    files = {"c.json": b"{", "l.tar": make_layer("base")}
    entries = [{"Config": "c.json", "Layers": ["l.tar"], "RepoTags": [NAME]}]
    files["repositories"] = encode({"registry.example/app": {"v1": ""}})
    damaged = tar_of({**files, "manifest.json": encode(entries)}, tmp_path)
    assert codes_in(damaged) == ["manifest-json-invalid"]
    entries = [{"Config": "c.json", "Layers": ["absent.tar"], "RepoTags": [NAME]}]
    files["c.json"] = make_config("linux/amd64", [make_layer("base")])
    lacking = tar_of({**files, "manifest.json": encode(entries)}, tmp_path)
    assert codes_in(lacking) == ["manifest-json-invalid"]


def test_only_what_was_asked_for_is_looked_at(tmp_path: Path) -> None:
    amd64, arm64 = make_image(), make_image("linux/arm64", layers=[make_layer("other")])
    layout = write_layout(tmp_path / "layout", make_source(make_index(amd64, arm64)))
    (layer,) = json.loads(arm64.contents[arm64.descriptor.digest])["layers"]
    flip_a_byte(layout / Digest.parse(layer["digest"]).blob_path)
    for platform, codes in {"linux/amd64": [], "linux/arm64": ["blob-damaged"]}.items():
        with open_suspect(str(layout)) as opened:
            found = find_problems(opened.source, platforms=[Platform.parse(platform)])
            assert [problem.code for problem in found] == codes


class TestFast:
    def test_layers_are_not_read(self, tmp_path: Path) -> None:
        layout = SPOILED["diff-id-mismatch"](tmp_path)
        assert problems_in(layout, fast=True) == []

    @pytest.mark.parametrize("code", ["blob-missing", "layer-type-mismatch", "blob-unreadable"])
    def test_their_presence_and_first_bytes_are_looked_at(self, tmp_path: Path, code: str) -> None:
        assert code in {problem.code for problem in problems_in(SPOILED[code](tmp_path), fast=True)}

    def test_their_size_is_compared(self, tmp_path: Path) -> None:
        made = make_image(layers=[make_layer("base")], codec="none")
        layout = write_layout(tmp_path / "layout", make_source(made))
        (layer,) = json.loads(made.contents[made.descriptor.digest])["layers"]
        path = layout / Digest.parse(layer["digest"]).blob_path
        path.write_bytes(path.read_bytes() + b"\0")
        assert [problem.code for problem in problems_in(layout, fast=True)] == ["blob-damaged"]


def test_the_number_of_threads_changes_nothing(tmp_path: Path) -> None:
    images = [make_image(layers=[make_layer(f"layer {n}", size=n * 100)]) for n in range(20)]
    layout = write_layout(tmp_path / "layout", make_source(*images))
    for path in (layout / "blobs/sha256").iterdir():
        if path.read_bytes().startswith(b"\x1f\x8b"):
            flip_a_byte(path)
    one = problems_in(layout)
    assert len(one) == 20
    assert problems_in(layout, jobs=8) == one


def test_what_was_looked_at_is_counted(tmp_path: Path) -> None:
    source = attested()
    layout = write_layout(tmp_path / "layout", source)
    with open_suspect(str(layout)) as opened:
        verification = Verification(opened.source)
        assert list(verification.documents()) == []
        seen: list[int] = []
        size = verification.size
        assert list(verification.contents(2, lambda blob: nullcontext(seen.append))) == []
    assert (verification.images, verification.layers) == (2, 4)
    assert sum(seen) == size
    assert verification.bytes_read == sum(map(len, source.contents.values()))


def test_a_reader_that_is_left_leaves_no_thread_behind() -> None:
    source = make_source(*[make_image(layers=[make_layer(str(n))]) for n in range(50)])

    def fail(count: int) -> None:
        raise KeyboardInterrupt

    verification = Verification(source)
    list(verification.documents())
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        list(verification.contents(4, lambda blob: nullcontext(fail)))
    assert threading.active_count() == before


def test_a_layer_that_inflates_to_very_much_takes_little_memory(tmp_path: Path) -> None:
    bomb = make_blob(LayerType("oci", "gzip").media_type, gzip.compress(bytes(128 << 20)))
    layout = listed(of_parts(bomb, b"something else"))(tmp_path)
    code = (
        "import sys; from ocilayout.commands import run; code = run(sys.argv[1:]); "
        "print(code, *[line for line in open('/proc/self/status') if 'VmHWM' in line])"
    )
    command = [sys.executable, "-c", code, "validate", str(layout)]
    said = subprocess.check_output(command, env=surroundings(), text=True)
    assert "[diff-id-mismatch]\n3 " in said
    # Kilobytes; ru_maxrss would count what this process had when the other was forked off it.
    assert int(said.split()[-2]) < 70 << 10
