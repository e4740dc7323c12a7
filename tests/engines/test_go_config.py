"""Which image configs Go decodes."""

from typing import Literal

import pytest

from ocilayout.engines.go_config import config_problem
from tests.images import encode, make_config

Struct = Literal["docker", "oci"]
BOTH: tuple[Struct, ...] = ("docker", "oci")


def problem(struct: Struct, **fields: object) -> str | None:
    return config_problem(make_config("linux/amd64", [b""], **fields), struct)


@pytest.mark.parametrize("struct", BOTH)
@pytest.mark.parametrize(
    "created",
    [
        None,
        "2024-01-02T03:04:05Z",
        "0001-01-01T00:00:00Z",
        "0000-02-29T00:00:00Z",
        "2024-02-29T23:59:59.123456789+02:00",
    ],
)
def test_a_time_of_rfc_3339_is_decoded(created: object, struct: Struct) -> None:
    assert problem(struct, created=created) is None


@pytest.mark.parametrize("struct", BOTH)
@pytest.mark.parametrize(
    "created",
    ["", " ", 0, "yesterday", "2024-01-02", "2024-01-02T03:04:05", "2023-02-29T00:00:00Z", []],
)
def test_what_is_no_time_is_told(created: object, struct: Struct) -> None:
    assert problem(struct, created=created) == (
        f"created is {created!r}, which is no time as RFC 3339 has it"
    )
    found = problem(struct, history=[{"created": created}])
    assert found is not None
    assert found.startswith("history[0].created is ")


@pytest.mark.parametrize("struct", BOTH)
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"Env": [1]}, "config.Env[0] is no string"),
        ({"Env": "A=1"}, "config.Env is no list"),
        ({"env": [True]}, "config.env[0] is no string"),
        ({"Labels": {"a": 1}}, "config.Labels.a is no string"),
        ({"Volumes": ["/data"]}, "config.Volumes is no object"),
        ({"ExposedPorts": {"80/tcp": ""}}, "config.ExposedPorts.80/tcp is no object"),
        ({"User": 7}, "config.User is no string"),
        ("sh", "config is no object"),
    ],
)
def test_a_field_of_another_type_is_told(config: object, expected: str, struct: Struct) -> None:
    assert problem(struct, config=config) == expected


@pytest.mark.parametrize("field", ["Cmd", "Entrypoint", "Shell"])
def test_docker_takes_a_command_as_one_string(field: str) -> None:
    assert problem("docker", config={field: "sh"}) is None
    assert problem("docker", config={field: [1]}) == f"config.{field}[0] is no string"


@pytest.mark.parametrize("field", ["Cmd", "Entrypoint"])
def test_image_spec_has_a_command_as_a_list(field: str) -> None:
    assert problem("oci", config={field: "sh"}) == f"config.{field} is no list"


@pytest.mark.parametrize("struct", BOTH)
@pytest.mark.parametrize(
    "fields",
    [
        {"config": None, "history": None, "created": None, "author": None},
        {"config": {"Env": None, "Volumes": {"/data": {}}, "Labels": {"a": "b"}}},
        {"unknown": 7, "config": {"Unknown": 7}},
        {"rootfs": {"type": "layers", "diff_ids": None}},
    ],
)
def test_null_and_what_it_does_not_know_is_decoded(
    fields: dict[str, object], struct: Struct
) -> None:
    assert problem(struct, **fields) is None


@pytest.mark.parametrize("struct", BOTH)
@pytest.mark.parametrize("field", ["author", "os", "architecture", "variant"])
def test_keys_count_in_any_case(field: str, struct: Struct) -> None:
    raw = encode({field.upper(): 7})
    assert config_problem(raw, struct) == f"{field.upper()} is no string"


def test_docker_alone_knows_health_checks() -> None:
    health = {"Healthcheck": {"Test": ["CMD", "true"], "Interval": "30s"}}
    assert problem("docker", config=health) == "config.Healthcheck.Interval is no integer"
    assert problem("oci", config=health) is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"none", b'{"os": "linux"'])
def test_what_is_no_object_is_told(raw: bytes) -> None:
    assert config_problem(raw, "docker")
