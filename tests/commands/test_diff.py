from pathlib import Path

import pytest

from tests.commands.clients import Clients
from tests.commands.conftest import CommandLine
from tests.image_files import write_docker_archive, write_layout
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

MULTI = SAMPLES / "buildx-multi-attested.tar"
ARM64 = SAMPLES / "buildx-arm64.tar"
TWO = SAMPLES / "docker-20.10-two-images.tar"
LAYERS = [make_layer("base"), make_layer("app")]


def configured(**fields: object) -> Made:
    config = make_config("linux/amd64", LAYERS, **fields)
    blobs = [make_blob("application/vnd.oci.image.layer.v1.tar", layer) for layer in LAYERS]
    return make_manifest(make_blob("application/vnd.oci.image.config.v1+json", config), blobs)


def layout(where: Path, *images: Made) -> Path:
    return write_layout(where, make_source(*images))


def test_one_image_under_two_names_is_identical(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = layout(tmp_path / "layout", make_image().named("app:1", "app:2"))
    out = ocilayout.succeed("diff", f"{place}:app:1", f"{place}:app:2", "--files").out
    assert out == f"identical: {make_image().descriptor.digest}\n"


def test_two_images_of_one_layout(ocilayout: CommandLine, tmp_path: Path) -> None:
    images = make_image(layers=LAYERS[:1]).named("v1"), make_image(layers=LAYERS).named("v2")
    place = layout(tmp_path / "layout", *images)
    done = ocilayout("diff", f"{place}:v1", f"{place}:v2")
    assert done.code == 3
    assert done.out.splitlines()[0] == "linux/amd64: different: 1 step added, 1 layer added"


def test_the_same_images_in_another_form_are_the_same(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    ocilayout.succeed("convert", MULTI, tmp_path / "a.tar", "--platform", "arm64", "--quiet")
    out = ocilayout.succeed("diff", tmp_path / "a.tar", MULTI, "--platform", "arm64").out
    assert out == "linux/arm64: the same\n"


def test_each_difference_is_a_line(ocilayout: CommandLine, tmp_path: Path) -> None:
    before = configured(config={"User": "0", "Env": ["A=1"]}, created="2024")
    after = configured(config={"User": "1", "Env": ["A=2"], "Labels": {"a": "b"}}, created="2024")
    done = ocilayout("diff", layout(tmp_path / "a", before), layout(tmp_path / "b", after))
    assert done.out.splitlines() == [
        "linux/amd64: different: 3 fields of the config changed",
        "  config.User: 0 -> 1",
        "  config.Env.A: 1 -> 2",
        "  config.Labels.a: + b",
    ]


def test_steps_and_layers_have_signs(ocilayout: CommandLine, tmp_path: Path) -> None:
    before = make_image(layers=LAYERS)
    after = make_image(layers=[LAYERS[0], make_layer("other")], codec="zstd")
    done = ocilayout("diff", layout(tmp_path / "a", before), layout(tmp_path / "b", after))
    first, recompressed, removed, added = done.out.splitlines()
    assert first.endswith("1 layer added, 1 layer removed, 1 layer changed")
    assert recompressed.endswith(": the same content in other bytes")
    assert removed.startswith("  layer - sha256:")
    assert added.startswith("  layer + sha256:")


def test_platforms_of_one_side_are_named(ocilayout: CommandLine) -> None:
    done = ocilayout("diff", ARM64, MULTI)
    assert done.code == 3
    assert f"linux/arm/v7: only in {MULTI}\n" in done.out


def test_attestations_are_named(ocilayout: CommandLine) -> None:
    done = ocilayout("diff", ARM64, MULTI, "--platform", "linux/arm64")
    assert done.out.splitlines() == [
        "linux/arm64: different: attestations",
        "  attestations: 0 -> 1",
    ]


def test_files_are_listed_where_they_are_asked_for(ocilayout: CommandLine, tmp_path: Path) -> None:
    before, after = tmp_path / "a.tar", tmp_path / "b.tar"
    write_docker_archive(before, "app:1", layers=[make_layer("a"), make_layer("old")])
    write_docker_archive(after, "app:1", layers=[make_layer("a", 2000), make_layer("new")])
    assert "file" not in ocilayout("diff", before, after).out
    lines = ocilayout("diff", before, after, "--files").out.splitlines()
    assert "1 file added, 1 file removed, 1 file changed" in lines[0]
    assert lines[-3:] == [
        "  file a: size 1 B -> 2.0 KiB, content",
        "  file + new  3 B",
        "  file - old  3 B",
    ]


def test_the_same_files_are_said_to_be_so(ocilayout: CommandLine, tmp_path: Path) -> None:
    places = [layout(tmp_path / codec, make_image(codec=codec)) for codec in ("gzip", "zstd")]
    assert "  files: the same\n" in ocilayout("diff", *places, "--files").out


def test_json_holds_both_sides(ocilayout: CommandLine, tmp_path: Path) -> None:
    before = layout(tmp_path / "a", make_image(layers=LAYERS[:1]).named("app:1"))
    after = layout(tmp_path / "b", make_index(make_image(layers=LAYERS)))
    done = ocilayout("diff", before, after, "--json", "--files")
    assert done.code == 3
    found = done.json
    assert found["before"] == {
        "place": str(before),
        "dialect": "oci",
        "names": ["docker.io/library/app:1"],
        "digest": str(make_image(layers=LAYERS[:1]).descriptor.digest),
        "media_type": "application/vnd.oci.image.manifest.v1+json",
    }
    assert found["result"] == "different"
    (platform,) = found["platforms"]
    assert platform["status"] == "changed"
    assert [row["status"] for row in platform["layers"]] == ["same", "added"]
    (file,) = platform["files"]
    assert (file["path"], file["status"], file["before"]) == ("app", "added", None)
    assert file["after"]["type"] == "file"


@pytest.mark.parametrize(
    ("places", "result", "code"),
    [((ARM64, ARM64), "identical", 0), ((ARM64, MULTI), "different", 3)],
)
def test_json_says_how_it_ended(
    ocilayout: CommandLine, places: tuple[Path, Path], result: str, code: int
) -> None:
    done = ocilayout("diff", *places, "--json")
    assert (done.json["result"], done.code) == (result, code)


def test_quiet_says_it_by_the_exit_code_alone(ocilayout: CommandLine) -> None:
    done = ocilayout("diff", ARM64, MULTI, "--quiet")
    assert (done.code, done.out, done.err) == (3, "", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["absent", MULTI], 1, "absent"),
        ([TWO, MULTI], 1, "2 images"),
        ([ARM64, MULTI, "--platform", "linux/s390x"], 1, "linux/s390x"),
        (["-", "-"], 2, "one place only"),
        ([MULTI], 2, "B"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    ocilayout: CommandLine, arguments: list[str | Path], code: int, said: str
) -> None:
    assert ocilayout.refuse(code, said, "diff", *arguments).out == ""


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\rb", "a\u202eb", "\x9b2J", "two\nlines"])
def test_control_characters_of_an_image_are_escaped(
    ocilayout: CommandLine, tmp_path: Path, text: str
) -> None:
    after = configured(
        history=[{"created_by": text}], config={"Labels": {text: text}}, author=[text]
    )
    places = layout(tmp_path / "a", configured()), layout(tmp_path / "b", after)
    for options in ([], ["--json"]):
        out = ocilayout("diff", *places, *options).out
        assert all(letter.isprintable() for letter in out if letter != "\n")


def saved(folder: Path, **fields: object) -> Path:
    """A Docker archive of the image that `configured` makes."""
    config = make_config("linux/amd64", LAYERS, **fields)
    return write_docker_archive(folder / "saved.tar", "app:1", layers=LAYERS, config=config)


@pytest.mark.parametrize("codec", ["gzip", "zstd", "none"])
def test_a_docker_archive_of_an_image_is_that_image(
    ocilayout: CommandLine, tmp_path: Path, codec: str
) -> None:
    image = make_image(layers=LAYERS, codec=codec)
    place = layout(tmp_path / "layout", image)
    done = ocilayout.succeed("diff", place, saved(tmp_path))
    assert done.out.startswith("linux/amd64: the same image, by its config sha256:")
    assert done.out.endswith(" (layers were not read)\n")
    assert ("note: linux/amd64: differs in form alone: 2 layers with" in done.err) is (
        codec != "none"
    )
    report = ocilayout.succeed("diff", saved(tmp_path), place, "--json").json
    assert (report["result"], report["compared_by"]) == ("same", "config")
    assert bool(report["form"]) is (codec != "none")


def test_exact_compares_manifests(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = layout(tmp_path / "layout", make_image(layers=LAYERS))
    done = ocilayout("diff", place, saved(tmp_path), "--exact", "--json")
    assert done.code == 3
    assert done.json["compared_by"] == "manifest"
    assert ocilayout("diff", place, place, "--exact").code == 0


def test_a_docker_archive_of_another_image_differs(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = layout(tmp_path / "layout", make_image(layers=LAYERS))
    done = ocilayout("diff", place, saved(tmp_path, created="2024"))
    assert done.code == 3
    assert "created: + 2024" in done.out


def test_two_layouts_are_told_by_their_manifests(ocilayout: CommandLine, tmp_path: Path) -> None:
    places = [
        layout(tmp_path / codec, make_image(layers=LAYERS, codec=codec))
        for codec in ("gzip", "zstd")
    ]
    assert ocilayout("diff", *places).code == 3


def test_files_are_read_where_they_are_asked_for(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = layout(tmp_path / "layout", make_image(layers=LAYERS))
    done = ocilayout.succeed("diff", place, saved(tmp_path), "--files")
    assert done.out.endswith(" (its files are the same)\n")


@pytest.mark.parametrize("swapped", [False, True])
def test_what_an_engine_holds_of_an_image_is_that_image(
    ocilayout: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    swapped: bool,
) -> None:
    """docker keeps one platform of several, and saves it with plain layers."""
    (tmp_path / "bin").mkdir()
    clients = Clients(tmp_path / "bin")
    clients.add_saving(saved(tmp_path))
    for key, value in clients.environment.items():
        monkeypatch.setenv(key, value)
    multi = make_index(make_image(layers=LAYERS), make_image("linux/arm64", layers=LAYERS))
    places: list[Path | str] = [layout(tmp_path / "layout", multi), "docker-daemon:app:1"]
    done = ocilayout.succeed("diff", *(places[::-1] if swapped else places))
    assert "linux/amd64: the same image, by its config" in done.out
    assert "docker-daemon:app:1 holds linux/amd64 alone: not compared are linux/arm64" in done.err
    assert ocilayout("diff", *places, "--platform", "linux/arm64").code == 3
    other = layout(tmp_path / "other", make_image("linux/arm64", layers=LAYERS))
    assert ocilayout("diff", other, "docker-daemon:app:1").code == 3
