"""The grammar of places, as people type it."""

import re
from pathlib import Path

import pytest

from ocilayout.errors import PlaceNotFound, UsageError
from ocilayout.spec.digest import Digest
from ocilayout.stores.places import (
    Place,
    parse_destination,
    parse_source,
)
from ocilayout.stores.stated_names import checked_image_name, checked_name

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def parts(place: Place) -> tuple[str | None, str | None, str | None]:
    return (
        place.transport,
        None if place.path is None else str(place.path),
        place.name,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("app.tar", (None, "app.tar", None)),
        ("app.tar/", (None, "app.tar", None)),
        ("oci:app.tar//:v1", ("oci", "app.tar", "v1")),
        ("/", (None, "/", None)),
        ("app.tar:v1", (None, "app.tar", "v1")),
        ("app.tar:registry.example/app:v1", (None, "app.tar", "registry.example/app:v1")),
        ("app.tar:localhost:5000/app:v1", (None, "app.tar", "localhost:5000/app:v1")),
        ("oci:app.tar", ("oci", "app.tar", None)),
        ("oci-archive:app.tar:v1", ("oci-archive", "app.tar", "v1")),
        ("docker-archive:app.tar:demo:v1", ("docker-archive", "app.tar", "demo:v1")),
        ("dir:app.tar", ("dir", "app.tar", None)),
        ("-", (None, None, None)),
        ("-:v1", (None, None, "v1")),
        ("docker-archive:-", ("docker-archive", None, None)),
    ],
)
def test_a_place_is_transport_path_and_name(
    text: str, expected: tuple[str | None, str | None, str | None]
) -> None:
    Path("app.tar").touch()
    assert parts(parse_source(text)) == expected
    assert parts(parse_destination(text)) == expected


def test_the_text_is_kept_as_it_was_written() -> None:
    assert parse_destination("oci:new:v1").text == "oci:new:v1"


@pytest.mark.parametrize("name", ["", ":v1", ":registry.example:5000/app:v1"])
def test_a_digest_picks_an_image(name: str) -> None:
    Path("layout").mkdir()
    place = parse_source(f"layout{name}@{DIGEST}")
    assert place.path == Path("layout")
    assert place.name == (name[1:] or None)
    assert place.digest == Digest.parse(DIGEST)


def test_a_digest_that_is_none_is_refused() -> None:
    Path("layout").mkdir()
    with pytest.raises(UsageError, match="sha256:beef"):
        parse_source("layout@sha256:beef")


def test_a_digest_in_a_destination_is_refused() -> None:
    with pytest.raises(UsageError, match="not what is to be written"):
        parse_destination(f"layout@{DIGEST}")


@pytest.mark.parametrize("parse", [parse_source, parse_destination])
@pytest.mark.parametrize("path", ["oci:v1", "a:b:c", f"old@{DIGEST}"])
def test_a_path_that_holds_a_colon_is_tried_whole_first(path: str, parse: object) -> None:
    Path(path).touch()
    assert callable(parse)
    assert parts(parse(path)) == (None, path, None)


def test_a_path_behind_a_transport_may_hold_a_colon() -> None:
    Path("2026-01-01T00:00.tar").touch()
    expected = ("oci-archive", "2026-01-01T00:00.tar", "v1")
    assert parts(parse_source("oci-archive:2026-01-01T00:00.tar:v1")) == expected


def test_of_two_sources_that_fit_the_longer_path_is_meant() -> None:
    Path("a").touch()
    Path("a:b").touch()
    assert parts(parse_source("a:b:c")) == (None, "a:b", "c")


def test_a_new_destination_ends_at_its_first_colon() -> None:
    assert parts(parse_destination("new:demo:v1")) == (None, "new", "demo:v1")


def test_a_slash_at_the_end_of_a_path_is_no_part_of_its_name() -> None:
    Path("layout").mkdir()
    assert parse_source("layout/").file == parse_source("layout/:v1").file == "layout"


@pytest.mark.parametrize("text", ["a:b.tar", "docker-archive:a:b.tar"])
def test_a_new_path_with_a_colon_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(UsageError, match="holds no colon: choose another, or write to -"):
        parse_destination(text)


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(PlaceNotFound, match=r"^absent\.tar: no such file or directory"):
        parse_source("absent.tar:v1")


@pytest.mark.parametrize("text", ["", "oci:", "docker-archive:", f"@{DIGEST}", f"oci:@{DIGEST}"])
def test_a_missing_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="a path is missing"):
        parse_source(text)


@pytest.mark.parametrize(
    ("text", "reference", "has_tag"),
    [
        ("docker://alpine", "docker.io/library/alpine:latest", False),
        ("docker://registry.example:5000/team/app:1", "registry.example:5000/team/app:1", True),
        ("docker://localhost/app", "localhost/app:latest", False),
        ("docker://[::1]:5000/app:v1.tar", "[::1]:5000/app:v1.tar", True),
    ],
)
def test_a_registry_has_references(text: str, reference: str, has_tag: bool) -> None:
    for parse in (parse_source, parse_destination):
        place = parse(text)
        assert place.is_registry
        assert not place.is_stream
        assert (str(place.reference), place.has_tag) == (reference, has_tag)
        assert place.is_repository is not has_tag


def test_a_digest_picks_an_image_in_a_registry() -> None:
    place = parse_source(f"docker://registry.example/app@sha256:{'a' * 64}")
    assert (str(place.digest), place.is_repository) == (f"sha256:{'a' * 64}", False)


@pytest.mark.parametrize("text", ["docker://", "docker://h/a//b", "docker://host/app:a b"])
def test_what_is_no_reference_is_wrong_usage(text: str) -> None:
    with pytest.raises(UsageError, match="not an image name"):
        parse_source(text)


@pytest.mark.parametrize("transport", ["docker-daemon", "podman", "containerd"])
def test_an_engine_has_names_and_no_path(transport: str) -> None:
    for parse in (parse_source, parse_destination):
        place = parse(f"{transport}:alpine:latest")
        assert (place.transport, place.path, place.name) == (transport, None, "alpine:latest")


@pytest.mark.parametrize("name", ["v1/../x", "../x", "/x", "a b", "x:", "a,b", "a\nb", ".."])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="neither a tag nor an image name"):
        parse_destination(f"new:{name}")


def test_tags_are_made_full_names_as_docker_reads_them() -> None:
    assert checked_name("demo") == "demo"
    assert checked_name("me/demo:v1") == "docker.io/me/demo:v1"
    assert checked_name("registry.example/demo:v1") == "registry.example/demo:v1"


@pytest.mark.parametrize("name", ["", "demo:", "-x/demo", "../demo", "a//b"])
def test_a_tag_that_is_no_name_is_wrong_usage(name: str) -> None:
    with pytest.raises(UsageError, match=r"nor an image name|is empty"):
        checked_name(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("docker://127.0.0.1:5000", "is a registry: write docker://127.0.0.1:5000/REPOSITORY"),
        ("docker://registry.example", "is a registry"),
        ("docker://localhost:5000", "is a registry"),
        ("docker://registry.example/project/", "only push takes names below a prefix"),
        ("docker://https://registry.example/app:1", "write it without https://"),
    ],
)
def test_what_is_nearly_a_reference_is_told(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_source(text)


def test_a_reference_without_transport_is_told_how_to_be_one() -> None:
    with pytest.raises(
        PlaceNotFound, match=r"in a registry it is docker://registry\.example/app:1"
    ):
        parse_source("registry.example/app:1")


@pytest.mark.parametrize("name", ["v1+meta", "Feature/UPPER", "some/path@x", "a:b:c"])
def test_a_layout_may_hold_what_is_no_image_name(name: str) -> None:
    assert checked_name(name) == name
    assert parse_destination(f"new:{name}").name == name
    with pytest.raises(UsageError, match=r"only a layout holds such a name|a digest is no part"):
        checked_image_name(name)


@pytest.mark.parametrize("name", [f"app@{DIGEST}", f"app:1@{DIGEST}", "app@sha256:beef"])
def test_a_digest_is_no_part_of_a_name(name: str) -> None:
    with pytest.raises(UsageError, match="a digest is no part"):
        checked_name(name)


@pytest.mark.parametrize("name", ["v1+meta", "Feature/UPPER", "some/path@x", "../../etc", "a b"])
def test_what_a_source_may_call_an_image_is_looked_up_there(name: str) -> None:
    Path("layout").mkdir()
    assert parts(parse_source(f"layout:{name}")) == (None, "layout", name)


@pytest.mark.parametrize("text", ["localhost:5000/app:1", "r.example:443/a/b", "[::1]:5000/app"])
def test_a_new_folder_is_not_called_like_a_registry(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"write docker://{text} to push")):
        parse_destination(text)


def test_a_folder_with_its_transport_may_be_called_like_a_registry() -> None:
    expected = ("oci", "localhost", "5000/app:1")
    assert parts(parse_destination("oci:localhost:5000/app:1")) == expected


def test_a_folder_that_exists_may_be_called_like_a_registry() -> None:
    Path("localhost").mkdir()
    assert parts(parse_destination("localhost:5000/app")) == (None, "localhost", "5000/app")
