import json
from collections.abc import Callable
from typing import Any

import pytest

from ocilayout.errors import InvalidArchive, InvalidDocument
from ocilayout.spec.digest import Digest
from ocilayout.spec.strict_json import MAX_CONFIG_SIZE, MAX_DOCUMENT_SIZE
from ocilayout.stores.docker_entries import (
    is_docker_archive,
    read_config_of,
    read_entries,
)
from tests.stores.memory_files import MemoryFiles

CONFIG = b'{"os":"linux"}'
HEX = Digest.of(CONFIG).encoded


def archive(*entries: object, **files: bytes) -> MemoryFiles:
    raw = json.dumps(list(entries)).encode()
    return MemoryFiles({"manifest.json": raw, f"{HEX}.json": CONFIG, **files})


def entry(**fields: object) -> dict[str, Any]:
    return {"Config": f"{HEX}.json", "RepoTags": None, "Layers": [], **fields}


def test_an_entry_is_config_names_and_layers() -> None:
    stated = entry(RepoTags=["demo:v1", "registry.example/app:v1"], Layers=["a/layer.tar", "b"])
    (found,) = read_entries(archive(stated))
    assert found.config_size == len(CONFIG)
    assert found.config_digest == Digest.of(CONFIG)
    assert found.names == ("docker.io/library/demo:v1", "registry.example/app:v1")
    assert found.layers == ("a/layer.tar", "b")


def test_in_a_layout_the_algorithm_is_that_of_the_path() -> None:
    digest = Digest.of(CONFIG, "sha512")
    files = {digest.blob_path: CONFIG, "index.json": b"{}"}
    (found,) = read_entries(archive(entry(Config=digest.blob_path), **files))
    assert found.config_digest == digest
    (alone,) = read_entries(archive(entry(Config=digest.blob_path), **{digest.blob_path: CONFIG}))
    assert alone.config_digest == Digest.of(CONFIG)


def test_a_config_that_is_not_its_sha512_is_damaged() -> None:
    path = Digest.of(b"other", "sha512").blob_path
    files = archive(entry(Config=path), **{path: CONFIG, "index.json": b"{}"})
    with pytest.raises(InvalidArchive, match="the archive is damaged"):
        read_entries(files)


def test_entries_keep_their_order() -> None:
    found = read_entries(archive(entry(RepoTags=["b:1"]), entry(RepoTags=["a:1"])))
    assert [item.names for item in found] == [
        ("docker.io/library/b:1",),
        ("docker.io/library/a:1",),
    ]


@pytest.mark.parametrize("absent", [None, []])
def test_names_and_layers_may_be_null(absent: object) -> None:
    (found,) = read_entries(archive(entry(RepoTags=absent, Layers=absent)))
    assert found.names == ()
    assert found.layers == ()


def test_one_name_in_two_forms_is_one_name() -> None:
    stated = entry(RepoTags=["demo:v1", "docker.io/library/demo:v1"])
    (found,) = read_entries(archive(stated))
    assert found.names == ("docker.io/library/demo:v1",)


def test_a_name_that_is_none_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    (found,) = read_entries(archive(entry(RepoTags=["UPPER:v1", "demo:v1"])))
    assert found.names == ("docker.io/library/demo:v1",)
    assert "'UPPER:v1' is no image name" in caplog.text


@pytest.mark.parametrize(
    "path", [f"{HEX}.json", f"sha256:{HEX}", f"blobs/sha256/{HEX}", f"./{HEX}", "config.json"]
)
def test_configs_are_found_under_the_names_that_tools_give_them(path: str) -> None:
    files = archive(entry(Config=path), **{path.removeprefix("./"): CONFIG})
    assert read_entries(files)[0].config_digest == Digest.of(CONFIG)


def test_a_config_in_a_layout_under_another_hash_is_damaged() -> None:
    path = f"blobs/sha256/{'0' * 64}"
    with pytest.raises(InvalidArchive, match=f"hashes to sha256:{HEX}"):
        read_entries(archive(entry(Config=path), **{path: CONFIG, "index.json": b"{}"}))


@pytest.mark.parametrize(
    "path",
    [f"{'0' * 64}.json", f"sha256:{'0' * 64}", f"dir/{'0' * 64}", f"blobs/sha256/{'0' * 64}"],
)
def test_a_config_whose_file_name_is_another_hash_is_read_with_a_warning(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    (found,) = read_entries(archive(entry(Config=path), **{path: CONFIG}))
    assert found.config_digest == Digest.of(CONFIG)
    assert f"{path!r} hashes to sha256:{HEX}, not to its name" in caplog.text


def test_a_config_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidArchive, match=r"no member 'absent\.json'"):
        read_entries(archive(entry(Config="absent.json")))


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "a/../../b", "a\0b"])
@pytest.mark.parametrize("field", ["Config", "Layers"])
def test_paths_that_lead_out_are_refused(field: str, path: str) -> None:
    stated = entry(**{field: path if field == "Config" else [path]})
    with pytest.raises(InvalidArchive, match="leads out of the archive"):
        read_entries(archive(stated))


@pytest.mark.parametrize(
    "stated",
    [
        None,
        [],
        "image",
        {"Layers": []},
        entry(Config=1),
        entry(Config=None),
        entry(Layers="layer.tar"),
        entry(Layers=[1]),
        entry(RepoTags={}),
        {**entry(), "layers": []},
    ],
)
def test_an_entry_of_another_shape_is_refused(stated: object) -> None:
    with pytest.raises(InvalidDocument, match=r"memory\.tar: manifest\.json\[0\]"):
        read_entries(archive(stated))


@pytest.mark.parametrize("raw", [b"{}", b"1", b'"text"'])
def test_what_is_no_list_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match="not a list of images"):
        read_entries(MemoryFiles({"manifest.json": raw}))


def test_a_list_that_go_never_added_to_is_empty() -> None:
    files = MemoryFiles({"manifest.json": b"null"})
    assert is_docker_archive(files)
    assert read_entries(files) == []


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda key: key[0].lower() + key[1:]])
def test_keys_are_read_in_any_case(change: Callable[[str], str]) -> None:
    stated = {change(key): value for key, value in entry(RepoTags=["demo:v1"]).items()}
    files = archive(stated)
    assert is_docker_archive(files)
    (found,) = read_entries(files)
    assert found.names == ("docker.io/library/demo:v1",)
    assert found.config_digest == Digest.of(CONFIG)


@pytest.mark.parametrize("key", ["config", "repotags", "REPOTAGS", "layers", "layer\u017f"])
def test_two_keys_that_are_equal_but_for_case_are_refused(key: str) -> None:
    with pytest.raises(InvalidDocument, match="twice, written in different cases"):
        read_entries(archive({**entry(), key: None}))


def test_a_config_may_be_larger_than_other_documents() -> None:
    config = json.dumps({"os": "linux", "author": "x" * MAX_DOCUMENT_SIZE}).encode()
    files = archive(entry(Config="c.json"), **{"c.json": config})
    (found,) = read_entries(files)
    assert (found.config_digest, found.config_size) == (Digest.of(config), len(config))
    assert read_config_of(files, found).platform.os == "linux"


def test_a_config_that_no_engine_would_load_is_refused_unread() -> None:
    files = archive(entry(Config="c.json"), **{"c.json": b" " * (MAX_CONFIG_SIZE + 1)})
    with pytest.raises(InvalidDocument, match=r"manifest\.json\[0\]: the config 'c\.json' has"):
        read_entries(files)


def test_an_archive_without_it_is_refused() -> None:
    with pytest.raises(InvalidArchive, match=r"no manifest\.json"):
        read_entries(MemoryFiles({}))


def test_a_list_larger_than_a_document_is_refused_unread() -> None:
    raw = b"[" + b" " * MAX_DOCUMENT_SIZE + b"]"
    with pytest.raises(InvalidDocument, match=f"{MAX_DOCUMENT_SIZE}"):
        read_entries(MemoryFiles({"manifest.json": raw}))


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, False),
        ({"manifest.json": b'[{"Config":"c","Layers":[]}]'}, True),
        ({"manifest.json": b'{"schemaVersion":2}'}, False),
        # imgpkg's tars
        ({"manifest.json": b'[{"Image":{},"Layers":[]}]'}, False),
        # Damage is said when it is opened, unless the archive can be read as a layout.
        ({"manifest.json": b"["}, True),
        ({"manifest.json": b'[{"config":"c","layers":null}]'}, True),
        ({"manifest.json": b"[", "index.json": b"{}"}, True),
    ],
)
def test_a_docker_archive_is_known_by_its_list(files: dict[str, bytes], expected: bool) -> None:
    assert is_docker_archive(MemoryFiles(files)) is expected
