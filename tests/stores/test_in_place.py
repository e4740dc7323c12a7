"""Images edited where they are, in every dialect."""

import fcntl
import hashlib
import json
import multiprocessing
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ocilayout import pick
from ocilayout.errors import BlobNotFound, CannotHold, LayoutBusy, UsageError
from ocilayout.protocols import ImageSource
from ocilayout.spec.annotation import parse_setting
from ocilayout.spec.names import IMAGE_NAME, REF_NAME, names_of
from ocilayout.spec.reference import Reference
from ocilayout.stores import open_source
from ocilayout.stores.in_place import Transform, edited_in_place
from ocilayout.stores.places import parse_source
from ocilayout.transforms.annotate import annotate
from ocilayout.transforms.corrections import Corrections, PlatformEdit
from ocilayout.transforms.missing import settle_missing
from ocilayout.transforms.tag import tag, untag
from tests.image_files import write_docker_archive, write_layout, write_oci_archive
from tests.images import make_image, make_index, make_layer, make_source, make_tar
from tests.program import SAMPLES
from tests.real.artefacts import dialect
from tests.snapshots import contents_of, names_in, snapshot, tar_files, tar_json
from tests.stores.gc_races import heed_signals

NEW, NEWER = "registry.example/new:1", "registry.example/newer:1"
DOCUMENTS = {"index.json", "manifest.json", "repositories"}


def tagging(*names: str, place: str = "") -> Transform:
    found = parse_source(place) if place else None

    def transform(source: ImageSource, label: str) -> ImageSource:
        # The first image will do, where a file has several.
        first = source.index.children[0]
        if found is not None:
            first = pick.target(source, found.name, found.digest, label).image
        return tag(source, first, list(names))

    return transform


def untagging(name: str | None, *, drop: bool = False) -> Transform:
    def transform(source: ImageSource, label: str) -> ImageSource:
        image = pick.target(source, name, None, label).entry
        wanted = names_of(image) if name is None else [name]
        return untag(settle_missing(source, "keep"), image, wanted, drop=drop)

    return transform


def annotating(*settings: str, config: bool = False, **platform: Any) -> Transform:
    edits = tuple(edit for text in settings for edit in parse_setting(text))
    wanted = PlatformEdit(**platform) if platform else None

    def transform(source: ImageSource, label: str) -> ImageSource:
        whole = settle_missing(source, "keep")
        first = pick.Target(source.index.children[0])
        return annotate(whole, first, Corrections(edits, wanted, config))

    return transform


def edit(place: Path | str, transform: Transform, **options: Any) -> None:
    with edited_in_place(str(place), transform, **options):
        pass


def files_of(path: Path) -> dict[str, str]:
    """What each file holds, told by a hash: of a layout's folder, or of a tar."""
    if path.is_dir():
        found = {name: content for name, content in snapshot(path).items() if content is not None}
    else:
        with tarfile.open(path) as tar:
            links = {item.name: item.linkname.encode() for item in tar if item.linkname}
        found = {name.removeprefix("./"): content for name, content in tar_files(path).items()}
        found |= links
    found.pop("index.json.lock", None)
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def full(name: str) -> str:
    return str(Reference.parse(name))


def docker_names(path: Path, member: str) -> set[str]:
    """The full names in manifest.json or repositories, if it is there."""
    if path.is_dir() or member not in tar_files(path):
        return set()
    listed = tar_json(path, member)
    if member == "manifest.json":
        return {full(name) for entry in listed for name in entry["RepoTags"] or ()}
    return {full(f"{name}:{tag}") for name, tags in listed.items() for tag in tags}


@pytest.fixture
def copy(image_file: Path, tmp_path: Path) -> Path:
    """A copy of an image file that can be edited."""
    if dialect(image_file) == "dir":
        pytest.skip("a dir: folder has no names")
    with image_file.open("rb") if image_file.is_file() else open(os.devnull, "rb") as file:
        if file.read(4)[:2] in {b"\x1f\x8b", b"\x28\xb5", b"BZ", b"\xfd7"}:
            pytest.skip("it is compressed outside")
    path = tmp_path / image_file.name
    if image_file.is_dir():
        shutil.copytree(image_file, path)
    else:
        shutil.copy(image_file, path)
    with open_source(str(path)) as source:
        if not source.index.children:
            pytest.skip("it holds no image")
    return path


def test_a_name_comes_and_goes_in_every_dialect(copy: Path) -> None:
    before = files_of(copy)
    with open_source(str(copy)) as source:
        names = names_in(source)
        entries = {entry.digest for entry in source.index.children}
    edit(copy, tagging(NEW, NEWER))
    with open_source(str(copy)) as source:
        found = names_in(source)
        assert found.keys() == names.keys() | {NEW, NEWER}
        assert found[NEW] == found[NEWER]
        assert {entry.digest for entry in source.index.children} == entries
    after = files_of(copy)
    assert list(after) == list(before)
    assert {name for name in before if after[name] != before[name]} <= DOCUMENTS
    if "manifest.json" in after and docker_names(copy, "manifest.json"):
        assert {NEW, NEWER} <= docker_names(copy, "manifest.json")
    if docker_names(copy, "repositories"):
        assert docker_names(copy, "repositories") == docker_names(copy, "manifest.json")
    edit(copy, untagging(NEW))
    with open_source(str(copy)) as source:
        assert names_in(source).keys() == names.keys() | {NEWER}
    for member in ("manifest.json", "repositories"):
        assert NEW not in docker_names(copy, member)


def test_an_annotated_image_is_whole_in_every_dialect(copy: Path) -> None:
    before = files_of(copy)
    try:
        edit(copy, annotating("manifest-descriptor,manifest:com.example.note=corrected"))
    except (CannotHold, BlobNotFound) as error:
        said = str(error)
        # There is no index at all, or it names what is not there.
        assert "index.json" not in before or "disagree" in said or "is not here" in said
        assert files_of(copy) == before
        return
    after = files_of(copy)
    assert all(after[name] == before[name] for name in after.keys() & before.keys() - DOCUMENTS)
    with open_source(str(copy)) as source:
        contents_of(settle_missing(source, "keep"))


@pytest.mark.parametrize("name", ["buildx-docker-s390x.tar", "docker-25-riscv64.tar"])
def test_both_halves_agree_on_a_corrected_config(tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(SAMPLES / name, tmp_path))
    edit(path, annotating(architecture="mips", config=True))
    [entry] = tar_json(path, "manifest.json")
    files = tar_files(path)
    assert json.loads(files[entry["Config"]])["architecture"] == "mips"
    before = tar_json(SAMPLES / name, "manifest.json")[0]
    assert entry == {**before, "Config": entry["Config"]}
    assert before["Config"] not in files
    with open_source(str(path)) as source:
        contents_of(source)


def test_repositories_follow_as_docker_20_10_wrote_them(tmp_path: Path) -> None:
    path = Path(shutil.copy(SAMPLES / "docker-20.10-two-images.tar", tmp_path))
    before = tar_json(path, "repositories")
    place = f"{path}:hello:amd64"
    edit(place, tagging("greeter:latest", "hello:2", place=place))
    assert tar_json(path, "repositories") == {
        "hello": before["hello"],
        "registry.example/hello": before["registry.example/hello"],
        "docker.io/library/greeter": {"latest": before["hello"]["amd64"]},
        "docker.io/library/hello": {"2": before["hello"]["amd64"]},
    }
    assert [entry["RepoTags"] for entry in tar_json(path, "manifest.json")] == [
        [
            "hello:amd64",
            "registry.example/hello:amd64",
            "docker.io/library/greeter:latest",
            "docker.io/library/hello:2",
        ],
        [],
    ]


@pytest.mark.parametrize("name", ["podman-arm-v7.tar", "docker-25-riscv64.tar"])
def test_repositories_lead_to_the_same_id_under_each_name(tmp_path: Path, name: str) -> None:
    path = Path(shutil.copy(SAMPLES / name, tmp_path))
    edit(path, tagging(NEW))
    ids = [number for tags in tar_json(path, "repositories").values() for number in tags.values()]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_a_bare_tag_stands_in_the_oci_half_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = Path(shutil.copy(SAMPLES / "docker-25-riscv64.tar", tmp_path))
    edit(path, tagging("v9"))
    assert "'v9' is a tag without a repository" in caplog.text
    assert "v9" in str(tar_json(path, "index.json"))
    assert "v9" not in str(tar_json(path, "manifest.json"))


def test_a_docker_archive_has_no_room_for_a_bare_tag(tmp_path: Path) -> None:
    path = write_docker_archive(tmp_path / "a.tar", "app:1")
    before = path.read_bytes()
    with pytest.raises(CannotHold, match="REPOSITORY:TAG"):
        edit(path, tagging("v9"))
    assert path.read_bytes() == before


def test_layers_of_a_docker_archive_are_not_read(tmp_path: Path) -> None:
    path = write_docker_archive(tmp_path / "a.tar", "app:1", layers=[b"no tar at all"])
    edit(path, tagging(NEW))
    assert docker_names(path, "manifest.json") == {NEW, "docker.io/library/app:1"}


def test_a_dropped_image_leaves_a_tar_with_what_only_it_had(tmp_path: Path) -> None:
    shared = make_layer("shared")
    one = make_image(layers=[shared, make_layer("one")]).named(NEW)
    two = make_image(layers=[shared, make_layer("two")]).named(NEWER)
    path = write_oci_archive(tmp_path / "a.tar", make_source(one, two))
    edit(path, untagging(NEW, drop=True))
    left = {f"blobs/sha256/{digest.encoded}" for digest in two.contents}
    assert tar_files(path).keys() == left | {"index.json", "oci-layout"}


def test_a_dropped_image_leaves_manifest_json(tmp_path: Path) -> None:
    path = Path(shutil.copy(SAMPLES / "docker-20.10-two-images.tar", tmp_path))
    edit(path, untagging("docker.io/library/greeter:latest", drop=True))
    assert docker_names(path, "manifest.json") == docker_names(path, "repositories")
    assert len(tar_json(path, "manifest.json")) == 1


def test_what_manifest_json_still_names_is_not_dropped(tmp_path: Path) -> None:
    """Where a file of the Docker half is a blob of the OCI half."""
    source = make_source(make_image(codec="none").named(NEW))
    files = {d.blob_path: content for d, content in source.contents.items()}
    image = contents_of_config(source)
    entry = {"Config": image[0], "RepoTags": [NEW], "Layers": image[1:]}
    other = {**entry, "RepoTags": ["other:1"]}
    documents = {
        "index.json": source.index.raw,
        "manifest.json": json.dumps([entry, other]).encode(),
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
    }
    path = tmp_path / "a.tar"
    path.write_bytes(make_tar({**files, **documents}))
    edit(path, annotating("a=b"))
    assert set(image) <= tar_files(path).keys()


def contents_of_config(source: Any) -> list[str]:
    with_manifest = json.loads(source.contents[source.index.children[0].digest])
    blobs = [with_manifest["config"], *with_manifest["layers"]]
    return [f"blobs/{blob['digest'].replace(':', '/')}" for blob in blobs]


def test_old_documents_stay_in_a_layout(tmp_path: Path) -> None:
    """Others may be reading them, and gc removes them."""
    image = make_image().named(NEW)
    layout = write_layout(tmp_path / "layout", make_source(image))
    edit(layout, annotating("a=b"))
    assert (layout / image.descriptor.digest.blob_path).exists()


def test_a_dry_run_changes_nothing(copy: Path) -> None:
    before = files_of(copy)
    with edited_in_place(str(copy), tagging(NEW), dry_run=True) as done:
        assert NEW in names_in(done.source)
    assert files_of(copy) == before


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = write_oci_archive(tmp_path / "a.tar", make_source(make_image().named(NEW)))
    before = path.stat()
    edit(path, tagging(NEW))
    assert path.stat() == before


def test_mode_and_owner_of_a_tar_stay(tmp_path: Path) -> None:
    path = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    before = path.stat()
    edit(path, tagging(NEW))
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_the_mode_of_index_json_stays(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    (layout / "index.json").chmod(0o604)
    edit(layout, tagging(NEW))
    assert (layout / "index.json").stat().st_mode & 0o777 == 0o604


def test_a_link_stays_one(tmp_path: Path) -> None:
    path = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    (tmp_path / "link.tar").symlink_to("a.tar")
    edit(tmp_path / "link.tar", tagging(NEW))
    assert (tmp_path / "link.tar").is_symlink()
    with open_source(str(path)) as source:
        assert list(names_in(source)) == [NEW]


def test_other_hard_links_are_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_oci_archive(tmp_path / "a.tar", make_source(make_image()))
    os.link(path, tmp_path / "b.tar")
    with caplog.at_level("INFO", "ocilayout"):
        edit(path, tagging(NEW))
    assert "1 more hard link" in caplog.text


def test_an_image_without_manifests_has_nothing_to_annotate(tmp_path: Path) -> None:
    path = write_docker_archive(tmp_path / "a.tar", "app:1")
    with pytest.raises(CannotHold, match="convert"):
        edit(path, annotating("a=b"))


def test_halves_that_disagree_are_not_annotated(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    files = tar_files(SAMPLES / "docker-25-riscv64.tar")
    [entry] = json.loads(files["manifest.json"])
    entry["Layers"].reverse()
    path.write_bytes(make_tar({**files, "manifest.json": json.dumps([entry]).encode()}))
    with pytest.raises(CannotHold, match="disagree"):
        edit(path, annotating("a=b"))


@pytest.mark.parametrize("text", ["-", "docker-daemon:app:1"])
def test_streams_and_engines_are_not_edited(text: str) -> None:
    with pytest.raises(UsageError, match="only layout folders and tars"):
        edit(text, tagging(NEW))


def test_a_tar_that_is_compressed_outside_is_not_edited(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress((SAMPLES / "crane-386.tar").read_bytes()))
    with pytest.raises(CannotHold, match="compressed with gzip outside"):
        edit(path, tagging(NEW))


def test_a_dir_folder_is_not_edited(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("Directory Transport Version: 1.1\n")
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(CannotHold, match=r"\(dir\) is not edited"):
        edit(tmp_path, tagging(NEW))


@pytest.mark.parametrize("made", [write_layout, write_oci_archive])
def test_a_place_that_another_process_edits_is_waited_for(tmp_path: Path, made: Any) -> None:
    path = made(tmp_path / "a.tar", make_source(make_image()))
    lock = path / "index.json.lock" if path.is_dir() else path
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LayoutBusy, match="--lock-timeout"):
            edit(path, tagging(NEW), lock_timeout=0.1)


def _tag_one(arguments: tuple[Path, int]) -> None:
    path, number = arguments
    edit(path, tagging(f"registry.example/app:{number}"))


@pytest.mark.parametrize("made", [write_layout, write_oci_archive])
def test_of_many_processes_that_tag_at_once_none_loses_a_name(tmp_path: Path, made: Any) -> None:
    path = made(tmp_path / "a.tar", make_source(make_index(make_image())))
    processes = multiprocessing.get_context("fork")
    with processes.Pool(8, heed_signals) as pool:
        done = pool.map_async(_tag_one, [(path, number) for number in range(16)], chunksize=1)
        # A reader sees the old or the new one.
        while not done.ready():
            with open_source(str(path)) as source:
                contents_of(source)
        done.get()
    with open_source(str(path)) as source:
        assert names_in(source).keys() == {f"registry.example/app:{n}" for n in range(16)}
    assert list(tmp_path.glob(".ocilayout*")) == []


def test_names_are_written_as_everywhere(tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source(make_image()))
    edit(layout, tagging(NEW))
    with open_source(str(layout)) as source:
        (entry,) = source.index.children
    assert entry.annotations == {IMAGE_NAME: NEW, REF_NAME: "1"}
    assert names_of(entry) == (NEW,)


def test_another_tag_in_a_registry_is_for_push() -> None:
    with (
        pytest.raises(UsageError, match=r"push docker://a\.example/app:1 a\.example/app:TAG"),
        edited_in_place("docker://a.example/app:1", lambda source, label: source),
    ):
        pass
