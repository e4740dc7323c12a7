from pathlib import Path

import pytest

from ocilayout.errors import PlaceNotFound, UsageError
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.stated import Stated, bound, stated_credentials


def parsed(text: str) -> Stated:
    (one,) = stated_credentials((text,), environment={})
    return one


@pytest.mark.parametrize(
    ("text", "host", "username", "password"),
    [
        ("me:pw", None, "me", "pw"),
        ("me:p:w=:=", None, "me", "p:w=:="),
        ("me:cGFzcw==", None, "me", "cGFzcw=="),
        ("me:123=4", None, "me", "123=4"),
        ("robot$ci:pw", None, "robot$ci", "pw"),
        ("registry.example=me:pw", "registry.example", "me", "pw"),
        ("registry.example:5000=me:p=w:", "registry.example:5000", "me", "p=w:"),
        ("[::1]:5000=me:pw", "[::1]:5000", "me", "pw"),
        ("harbor=me:pw", "harbor", "me", "pw"),
        ("index.docker.io=me:pw", "docker.io", "me", "pw"),
        ("h.example=a=b:pw", "h.example", "a=b", "pw"),
        ("me:pass wörd", None, "me", "pass wörd"),
    ],
)
def test_a_line_is_read(text: str, host: str | None, username: str, password: str) -> None:
    assert parsed(text) == Stated("--creds", host, Credentials(username, password))


def test_an_identity_token_is_stated_as_helpers_state_it() -> None:
    assert parsed("h.example=<token>:t0ken").credentials.identity_token == "t0ken"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3cret",
        ":s3cret",
        "s3cret:",
        "h.example=s3cret:",
        "h.example=:s3cret",
        "https://h.example=me:s3cret",
        "-h.example=me:s3cret",
        "../h=me:s3cret",
        "me:s3cret\n",
        "me:s3cret\x1b[0m",
        "me\x00:s3cret",
    ],
)
def test_what_is_no_such_line_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(UsageError, match="--creds") as caught:
        parsed(text)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_options_count_before_the_file_and_the_file_before_the_variable(tmp_path: Path) -> None:
    file = tmp_path / "creds"
    file.write_text("b.example=file:2\r\nand no more\n")
    file.chmod(0o600)
    found = stated_credentials(
        ("a.example=one:1", "b.example=two:1"), file, {"OCILAYOUT_CREDS": "env:3"}
    )
    assert [one.credentials.username for one in found] == ["one", "two", "file", "env"]
    assert found[2].credentials.password == "2"


def test_a_variable_that_is_empty_states_nothing() -> None:
    assert stated_credentials(environment={"OCILAYOUT_CREDS": ""}) == ()


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 1), (0o604, 1)])
def test_a_file_that_others_can_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warnings: int
) -> None:
    file = tmp_path / "creds"
    file.write_text("me:s3cret")
    file.chmod(mode)
    stated_credentials(file=file, environment={})
    assert len(caplog.messages) == warnings
    assert "s3cret" not in caplog.text


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaceNotFound, match=r"--creds-file .*/creds: there is no such file"):
        stated_credentials(file=tmp_path / "creds", environment={})


@pytest.mark.parametrize("content", [b"\xffs3cret:x", b"s3cret" * 20_000, b"\nme:s3cret", b""])
def test_a_file_without_such_a_line_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "creds"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(UsageError, match=r"--creds-file .*/creds") as caught:
        stated_credentials(file=file, environment={})
    assert "s3cret" not in str(caught.value)


def test_what_names_no_registry_is_for_the_only_one() -> None:
    (one,) = bound((parsed("me:pw"),), ["h.example", "h.example"])
    assert one.host == "h.example"


def test_what_names_no_registry_goes_to_none_of_several() -> None:
    with pytest.raises(UsageError, match=r"which registry.*a\.example, b\.example") as caught:
        bound((parsed("me:s3cret"),), ["a.example", "b.example"])
    assert "s3cret" not in str(caught.value)


def test_a_host_with_a_port_is_another_registry() -> None:
    with pytest.raises(UsageError, match="which registry"):
        bound((parsed("me:pw"),), ["a.example", "a.example:5000"])


def test_an_option_for_a_registry_of_no_place_is_refused_without_a_word_of_it() -> None:
    with pytest.raises(UsageError, match=r"does not name; it names h\.example") as caught:
        bound((parsed("me:1234=half:s3cret"),), ["h.example"])
    assert "1234" not in str(caught.value)


def test_a_variable_may_be_for_a_registry_of_another_command() -> None:
    stated = stated_credentials(environment={"OCILAYOUT_CREDS": "a.example=me:pw"})
    assert bound(stated, ["h.example"]) == stated


def test_a_command_without_registries_needs_no_credentials() -> None:
    stated = (parsed("me:pw"),)
    assert bound(stated, []) == stated
