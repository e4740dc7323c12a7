from pathlib import Path

import pytest

from ocilayout.graph import read_document
from ocilayout.stores import open_source
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_blob, make_image, make_index, make_manifest, make_source
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
