import base64
import json
import os
from pathlib import Path

import pytest

from ocilayout.registries.credentials import Credentials
from ocilayout.registries.login_files import login_files, login_in
from tests.registries.helpers_in_path import add_helper, asked


def entry(username: str, password: str = "s3cret") -> dict[str, object]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def written(folder: Path, content: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


def user_of(path: Path, host: str, repository: str = "app") -> str | None:
    found = login_in(path, host, repository)
    return found.username if found else None


def test_files_are_those_of_podman_and_docker_in_their_order() -> None:
    environment = {
        "XDG_RUNTIME_DIR": "/run/user/7",
        "XDG_CONFIG_HOME": "/settings",
        "DOCKER_CONFIG": "/docker",
    }
    assert login_files(environment) == (
        Path("/run/user/7/containers/auth.json"),
        Path("/settings/containers/auth.json"),
        Path("/docker/config.json"),
    )


def test_files_are_below_home_where_no_variable_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert login_files({}) == (
        Path(f"/run/containers/{os.getuid()}/auth.json"),
        Path("/home/me/.config/containers/auth.json"),
        Path("/home/me/.docker/config.json"),
    )


def test_without_a_home_no_file_is_looked_for_in_the_working_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "here")
    assert login_files({"XDG_RUNTIME_DIR": "/run/user/7"}) == (
        Path("/run/user/7/containers/auth.json"),
    )


def test_a_file_that_is_named_is_the_only_one() -> None:
    environment = {"REGISTRY_AUTH_FILE": "/my/auth.json", "DOCKER_CONFIG": "/docker"}
    assert login_files(environment) == (Path("/my/auth.json"),)


@pytest.mark.parametrize(
    ("key", "host", "answers"),
    [
        ("h.example", "h.example", True),
        ("h.example:5000", "h.example:5000", True),
        ("https://h.example/v1/", "h.example", True),
        ("https://h.example:5000/v2/", "h.example:5000", True),
        ("http://h.example", "h.example", True),
        ("[::1]:5000", "[::1]:5000", True),
        ("https://index.docker.io/v1/", "docker.io", True),
        ("docker.io", "docker.io", True),
        ("index.docker.io", "docker.io", True),
        ("registry-1.docker.io", "docker.io", True),
        ("h.example", "h.example:5000", False),
        ("h.example:5000", "h.example", False),
        ("h.example", "h.example.evil.test", False),
        ("h.example.evil.test", "h.example", False),
        ("h.example", "x.h.example", False),
        ("h.example", "h.exampl", False),
        ("https://h.example/v1/", "h.example:5000", False),
        ("https://h.example.evil.test/v1/", "h.example", False),
        ("https://evil.test/h.example", "h.example", False),
        ("https://h.example@evil.test/", "h.example", False),
        ("ftp://h.example", "h.example", False),
        ("https://index.docker.io/v1/", "docker.io.evil.test", False),
        ("https://index.docker.io.evil.test/v1/", "docker.io", False),
        ("h.example/", "h.example", False),
        ("*", "h.example", False),
        ("", "h.example", False),
    ],
)
def test_an_entry_is_for_its_exact_host_and_port(
    tmp_path: Path, key: str, host: str, answers: bool
) -> None:
    path = written(tmp_path, {"auths": {key: entry("me")}})
    expected = Credentials("me", "s3cret") if answers else None
    assert login_in(path, host, "app") == expected


@pytest.mark.parametrize(
    ("repository", "username"),
    [
        ("team/app", "app"),
        ("team/app/sub", "app"),
        ("team/app2", "team"),
        ("team/other", "team"),
        ("team", "team"),
        ("team2/app", "host"),
        ("te", "host"),
    ],
)
def test_the_longest_path_of_whole_components_counts(
    tmp_path: Path, repository: str, username: str
) -> None:
    keys = {"h.example": "host", "h.example/team": "team", "h.example/team/app": "app"}
    path = written(tmp_path, {"auths": {key: entry(user) for key, user in keys.items()}})
    assert user_of(path, "h.example", repository) == username


def test_a_part_of_docker_hub_may_have_its_own_login(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"auths": {"https://index.docker.io/v1/": entry("all"), "docker.io/me": entry("mine")}},
    )
    assert user_of(path, "docker.io", "me/app") == "mine"
    assert user_of(path, "docker.io", "library/app") == "all"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (entry("me", "p:w"), Credentials("me", "p:w")),
        (entry("me", "pw\0\0"), Credentials("me", "pw")),
        (entry("me", "pässword"), Credentials("me", "pässword")),
        ({"username": "me", "password": "pw"}, Credentials("me", "pw")),
        ({"identitytoken": "t0ken"}, Credentials("", "", "t0ken")),
        ({**entry("0-0", ""), "identitytoken": "t0ken"}, Credentials("0-0", "", "t0ken")),
        ({**entry("me", "pw"), "email": "me@h.example"}, Credentials("me", "pw")),
        ({}, None),
        ({"auth": ""}, None),
        ({"username": "me"}, None),
        (entry("me", ""), None),
    ],
)
def test_an_entry_is_read_in_each_of_its_forms(
    tmp_path: Path, content: dict[str, object], expected: Credentials | None
) -> None:
    path = written(tmp_path, {"auths": {"h.example": content}})
    assert login_in(path, "h.example", "app") == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n",
        b"{}",
        b'{"auths":null}',
        b'{"auths":{},"HttpHeaders":{"X":"y"},"psFormat":"table","currentContext":"x"}',
    ],
)
def test_a_file_without_logins_is_no_matter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert login_in(path, "h.example", "app") is None
    assert login_in(tmp_path / "absent" / "config.json", "h.example", "app") is None
    assert login_in(path / "below-a-file", "h.example", "app") is None
    assert caplog.messages == []


@pytest.mark.parametrize(
    "content",
    [
        b'{"auths":{"h.example":{"auth":"s3cret"}}',
        b'{"auths":{"h.example":{"s3cret":1,"s3cret":2}}}',
        b'["s3cret"]',
        b"\xff s3cret",
        b'{"auths":["s3cret"]}',
        b'{"auths":{"h.example":"s3cret"}}',
        b'{"auths":{"h.example":{"auth":["s3cret"]}}}',
        b'{"auths":{"h.example":{"auth":"s3cret not base64"}}}',
        b'{"auths":{"h.example":{"auth":"czNjcmV0"}}}',
        b'{"auths":{"h.example":{"auth":"OnMzY3JldA=="}}}',
        b'{"auths":{"h.example":{"identitytoken":{"s3cret":1}}}}',
        b'{"credHelpers":{"h.example":["s3cret"]}}',
        b'{"credHelpers":"s3cret"}',
        b'{"credsStore":{"s3cret":1}}',
        b"[" * 100_000 + b"s3cret",
        b'{"s3cret":"' + b"s3cret" * 1_000_000 + b'"}',
    ],
)
def test_a_damaged_file_is_passed_over_with_a_line_that_says_nothing_of_its_content(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert login_in(path, "h.example", "app") is None
    (message,) = caplog.messages
    assert str(path) in message
    assert "\n" not in message
    assert "s3cret" not in message
    assert "czNjcmV0" not in message


def test_a_folder_in_place_of_the_file_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert login_in(tmp_path, "h.example", "app") is None
    assert f"{tmp_path} cannot be read" in caplog.messages[0]


HELPER = """case $server in
    *known.example* | *docker*) echo '{"Username":"kept","Secret":"s3cret"}' ;;
    *) echo credentials not found in native keychain; exit 1 ;;
esac"""


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of two helpers, `one` and `all`, that keep the login for known.example."""
    for name in ("one", "all"):
        add_helper(monkeypatch, tmp_path / "bin", HELPER, name)
    return tmp_path / "bin"


@pytest.mark.parametrize(
    ("host", "username", "questions"),
    [
        ("known.example", "kept", ["one get known.example"]),
        ("known.example:5000", "kept", ["all get known.example:5000"]),
        ("other.example", "written", ["all get other.example"]),
        ("plain.example", "written", []),
        ("docker.io", "kept", ["one get https://index.docker.io/v1/"]),
    ],
)
def test_the_helper_of_a_registry_counts_before_the_store_and_both_before_entries(
    tmp_path: Path, helpers: Path, host: str, username: str, questions: list[str]
) -> None:
    path = written(
        tmp_path,
        {
            "credHelpers": {
                "known.example": "one",
                "plain.example": "",
                "https://index.docker.io/v1/": "one",
            },
            "credsStore": "all",
            "auths": {name: entry("written") for name in ("known.example", "other.example", host)},
        },
    )
    assert user_of(path, host) == username
    assert asked(helpers) == questions


def test_where_the_helper_is_absent_the_entries_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = written(tmp_path, {"credsStore": "absent", "auths": {"h.example": entry("me")}})
    assert user_of(path, "h.example") == "me"
    assert "docker-credential-absent" in caplog.messages[0]
