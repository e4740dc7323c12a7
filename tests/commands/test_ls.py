import gzip
import os
import shutil
from pathlib import Path

import pytest

from ocilayout.graph import read_document
from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_blob, make_image, make_index, make_manifest, make_source
from tests.other_files import zip_of
from tests.program import SAMPLES

MULTI = SAMPLES / "buildx-multi-attested.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"


def test_a_table_of_names_platforms_sizes_and_digests(ocilayout: CommandLine) -> None:
    with open_source(str(MULTI)) as source:
        digest = source.index.children[0].digest
    head, columns, row = ocilayout.succeed("ls", MULTI).out.splitlines()
    assert head == f"{MULTI}: oci-archive, 1 image"
    assert columns.split() == ["NAME", "PLATFORMS", "SIZE", "DIGEST"]
    assert row.split() == [
        "registry.example/hello:1",
        "linux/amd64,linux/arm64,linux/arm/v7",
        "21.6",
        "KiB",
        str(digest),
    ]


def test_each_name_has_a_row(ocilayout: CommandLine) -> None:
    lines = ocilayout.succeed("ls", TWO).out.splitlines()
    assert ": docker-archive, 2 images, " in lines[0]
    assert lines[1].split() == ["NAME", "PLATFORMS", "SIZE", "UNIQUE", "DIGEST"]
    assert [line.split()[0] for line in lines[2:]] == [
        "docker.io/library/hello:amd64",
        "registry.example/hello:amd64",
        "docker.io/library/greeter:latest",
    ]


def test_several_places_come_in_order(ocilayout: CommandLine) -> None:
    samples = sorted(path for path in SAMPLES.iterdir() if path.name[:4] not in {"READ", "root"})
    out = ocilayout.succeed("ls", *samples).out
    heads = [line.partition(": ")[0] for line in out.splitlines() if line[:1] != " "]
    assert heads == list(map(str, samples))


def test_a_name_picks_one_image(ocilayout: CommandLine) -> None:
    assert len(ocilayout.succeed("ls", f"{TWO}:greeter:latest").out.splitlines()) == 3


def test_what_is_no_image_is_told_by_its_kind(ocilayout: CommandLine, tmp_path: Path) -> None:
    artifact = make_manifest(make_blob("application/vnd.example", b"{}"))
    layout = write_layout(tmp_path / "layout", make_source(artifact))
    row = ocilayout.succeed("ls", layout).out.splitlines()[2]
    assert row.split()[:2] == ["-", "artifact"]


def test_an_empty_layout_has_no_table(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source())
    assert ocilayout.succeed("ls", layout).out == f"{layout}: oci, 0 images\n"


def test_platforms_that_are_absent_are_marked(ocilayout: CommandLine, tmp_path: Path) -> None:
    gone = make_image("linux/arm64")
    source = make_source(make_index(make_image(), gone).named("app:v1"))
    del source.contents[gone.descriptor.digest]
    layout = write_layout(tmp_path / "layout", source)
    assert "linux/amd64,linux/arm64 (absent) " in ocilayout.succeed("ls", layout).out
    done = ocilayout.succeed("convert", layout, tmp_path / "new", "--missing", "keep")
    assert "app:v1 linux/amd64,linux/arm64 (absent) sha256:" in done.out


def test_json(ocilayout: CommandLine, tmp_path: Path) -> None:
    gone = make_image("linux/arm64")
    source = make_source(make_index(make_image(), gone).named("app:v1"))
    del source.contents[gone.descriptor.digest]
    layout = write_layout(tmp_path / "layout", source)
    first, second = ocilayout.succeed("ls", TWO, layout, "--json").json["places"]
    assert (first["place"], first["dialect"]) == (str(TWO), "docker-archive")
    assert len(first["images"]) == 2
    sizes = [image["size"] for image in first["images"]]
    unique_sizes = [image["unique_size"] for image in first["images"]]
    assert sum(unique_sizes) < first["total_size"] < sum(sizes)
    assert second["images"] == [
        {
            "names": ["docker.io/library/app:v1"],
            "digest": str(source.index.children[0].digest),
            "media_type": "application/vnd.oci.image.index.v1+json",
            "kind": "index",
            "platforms": ["linux/amd64"],
            "absent": ["linux/arm64"],
            "size": second["images"][0]["size"],
            "unique_size": second["images"][0]["size"],
            "refers_to": None,
        }
    ]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_places_that_cannot_be_read_hide_no_others(
    ocilayout: CommandLine, options: list[str]
) -> None:
    done = ocilayout("ls", "absent", MULTI, SAMPLES / "rootfs-amd64.tar", TWO, *options)
    assert done.code == 1
    assert "registry.example/hello:1" in done.out
    assert "docker.io/library/greeter:latest" in done.out
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert ["absent" in errors[0], "rootfs-amd64.tar" in errors[1], len(errors)] == [True, True, 2]


@pytest.mark.parametrize("name", ["\x1b]52;c;\x07", "a\rb", "a\u202eb", "\x9b"])
def test_control_characters_of_a_name_are_escaped(
    ocilayout: CommandLine, tmp_path: Path, name: str
) -> None:
    made = make_image().annotated({"org.opencontainers.image.ref.name": name})
    layout = write_layout(tmp_path / "layout", make_source(made))
    out = ocilayout.succeed("ls", layout).out
    assert all(letter.isprintable() for letter in out if letter != "\n")


def test_warnings_go_beside_the_data_or_nowhere(ocilayout: CommandLine, tmp_path: Path) -> None:
    layout = write_layout(tmp_path / "layout", make_source())
    (layout / "oci-layout").unlink()
    assert "warning: " in ocilayout.succeed("ls", layout).err
    assert ocilayout.succeed("ls", layout, "--quiet").err == ""


def test_standard_input_can_be_one_place_only(ocilayout: CommandLine) -> None:
    ocilayout.refuse(2, "one place only", "ls", "-", "-")


@pytest.mark.parametrize(("platforms", "member"), [("arm64", 1), ("arm64,amd64", None)])
def test_digests_of_some_platforms_exist(
    ocilayout: CommandLine, platforms: str, member: int | None
) -> None:
    with open_source(str(MULTI)) as source:
        index = source.index.children[0]
        images = read_document(source, index).children
    arguments = ("ls", MULTI, "--json", "--platform", platforms)
    ((image,),) = (place["images"] for place in ocilayout.succeed(*arguments).json["places"])
    expected = index if member is None else images[member]
    assert (image["digest"], image["media_type"]) == (str(expected.digest), expected.media_type)
    assert (image["names"], image["kind"]) == (
        ["registry.example/hello:1"],
        "index" if member is None else "image",
    )
    assert len(image["platforms"]) == len(platforms.split(","))


def fill(stick: Path) -> list[Path]:
    """A directory of images in five forms, and of other things; the paths of the images."""
    stick.mkdir()
    two = shutil.copy(TWO, stick / "a two.tar")
    plain = shutil.copy(MULTI, stick / "multi.tar")
    packed = stick / "packed.bin"
    packed.write_bytes(gzip.compress(TWO.read_bytes()))
    layout = write_layout(stick / "layout", make_source(make_image().named("app:v1")))
    (stick / "README.md").write_text("Images for the site")
    (stick / "bundle.zip").write_bytes(zip_of("app.tar"))
    (stick / "multi.tar.sha256").write_text(f"{'0' * 64}  multi.tar\n")
    (stick / ".hidden").write_bytes(b"")
    (stick / "lost+found").mkdir(mode=0)
    (stick / "photos").mkdir()
    (stick / "photos" / "one.jpg").write_bytes(b"\xff\xd8\xff")
    (stick / "latest").symlink_to("multi.tar")
    (stick / "away").symlink_to("/etc/passwd")
    os.mkfifo(stick / "pipe")
    return [Path(two), layout, Path(plain), packed]


def test_the_images_of_all_files_in_a_directory_are_listed(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    images = fill(tmp_path / "stick")
    done = ocilayout.succeed("ls", tmp_path / "stick")
    heads = [line.partition(": ")[0] for line in done.out.splitlines() if line[:1] != " "]
    assert heads == list(map(str, images))
    assert ocilayout.succeed("ls", *images).out == done.out
    notes = [line.removeprefix(f"note: {tmp_path}/stick/") for line in done.err.splitlines()]
    assert [note.partition(" is ")[0] for note in notes] == [
        "README.md",
        "away",
        "bundle.zip",
        "latest",
        "multi.tar.sha256",
        "photos",
        "pipe",
    ]
    assert notes[2].endswith(f"unzip {tmp_path}/stick/bundle.zip, and name what was in it")


def test_a_directory_of_archives_as_json(ocilayout: CommandLine, tmp_path: Path) -> None:
    images = fill(tmp_path / "stick")
    found = ocilayout.succeed("ls", f"{tmp_path}/stick/", "--json", "-q").json
    assert [place["place"] for place in found["places"]] == list(map(str, images))
    reasons = {Path(other["place"]).name: other["reason"] for other in found["others"]}
    assert "is a zip archive with 'app.tar' in it" in reasons["bundle.zip"]
    assert "is a link, which is not followed" in reasons["away"]
    assert "root:" not in str(reasons)


@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "unreadable"])
def test_a_damaged_archive_in_a_directory_is_an_error_and_the_others_are_listed(
    damage: str, ocilayout: CommandLine, tmp_path: Path
) -> None:
    fill(tmp_path / "stick")
    content = {"cut": TWO.read_bytes()[:3000], "empty": b"", "zeros": bytes(9000)}
    broken = tmp_path / "stick" / "broken.tar"
    broken.write_bytes(content.get(damage, b"x"))
    if damage == "unreadable":
        broken.chmod(0)
        if os.access(broken, os.R_OK):
            pytest.skip("root reads everything")
    done = ocilayout.refuse(1, f"{broken}", "ls", tmp_path / "stick")
    assert "multi.tar: oci-archive, 1 image" in done.out


def test_a_directory_without_an_image_is_refused(ocilayout: CommandLine, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    ocilayout.refuse(1, f"{stick} is an empty directory", "ls", stick)
    (stick / "bundle.zip").write_bytes(zip_of("app.tar"))
    (stick / "docs").mkdir()
    done = ocilayout.refuse(1, f"{stick} is a directory, but no image", "ls", stick)
    assert f"note: {stick}/bundle.zip is a zip archive" in done.err
    assert "note" not in done.err.partition("bundle.zip")[0].partition("note")[2]
    (stick / "etc").mkdir()
    (stick / "usr").mkdir()
    ocilayout.refuse(1, f"ocilayout import {stick} imported.tar -t NAME:TAG", "ls", stick)


def test_many_files_without_an_image_are_counted(ocilayout: CommandLine, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    shutil.copy(MULTI, stick)
    for number in range(30):
        (stick / f"{number:02}.txt").write_text("text")
    done = ocilayout.succeed("ls", stick)
    assert len(done.err.splitlines()) == 21
    assert done.err.endswith(f"note: {stick}: 10 more without an image\n")
    assert len(ocilayout.succeed("ls", stick, "--json").json["others"]) == 30


def test_only_a_directory_as_it_stands_is_looked_into(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    fill(tmp_path / "stick")
    ocilayout.refuse(1, "has no index.json", "ls", f"oci:{tmp_path}/stick")
    said = f"is a directory of archives: name one of them, as '{tmp_path}/stick/a two.tar'"
    ocilayout.refuse(1, said, "ls", f"{tmp_path}/stick:app")


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "{}"),
        ("check", "{}", "--for", "docker-29"),
        ("convert", "{}", "out.tar"),
        ("merge", "{}", "-o", "out.tar", "-t", "app:1"),
        ("export", "{}", "out"),
        ("diff", "{}", "{}"),
        ("tag", "{}", "app:1"),
        ("untag", "{}:app"),
        ("annotate", "{}", "--annotation", "a=b"),
        ("gc", "{}"),
        ("ls", "--files", "{}"),
    ],
)
def test_other_verbs_say_which_files_are_in_a_directory_of_archives(
    arguments: tuple[str, ...], ocilayout: CommandLine, tmp_path: Path
) -> None:
    fill(tmp_path / "stick")
    said = f"is a directory of archives: name one of them, as '{tmp_path}/stick/a two.tar'"
    texts = [text.format(tmp_path / "stick") for text in arguments]
    ocilayout.refuse(1, said, *[f"{tmp_path}/{t}" if t[:3] == "out" else t for t in texts])
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("is_index", [False, True])
def test_a_build_cache_is_called_one(
    is_index: bool, ocilayout: CommandLine, tmp_path: Path
) -> None:
    layer = make_blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(b"layer"))
    config = make_blob("application/vnd.buildkit.cacheconfig.v0", b'{"layers":[],"records":[]}')
    cache = make_index(layer, config) if is_index else make_manifest(config, [layer])
    layout = write_layout(tmp_path / "cache", make_source(cache.named("latest")))
    done = ocilayout.succeed("ls", layout)
    assert done.out.splitlines()[2].split()[:2] == ["latest", "cache"]
    assert "latest is a build cache (docker buildx build --cache-from type=local,src=" in done.err
    assert "\ncache sha256:" in ocilayout.succeed("inspect", layout).out
    ocilayout.refuse(1, "latest is a build cache (docker ", "convert", layout, tmp_path / "a.tar")
    ocilayout.refuse(1, "it is a build cache (docker buildx", "export", layout, tmp_path / "root")
    done = ocilayout("check", layout, "--for", "podman")
    assert done.code == 3
    assert "a build cache (docker buildx build" in done.out
    # It may well be carried along.
    ocilayout.succeed("convert", layout, tmp_path / "copy")
