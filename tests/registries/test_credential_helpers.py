from pathlib import Path

import pytest

from ocilayout.errors import UsageError
from ocilayout.registries.credential_helpers import ask
from ocilayout.registries.credentials import Credentials
from tests.registries.helpers_in_path import add_helper, asked

ANSWER = """echo '{"ServerURL":"h.example","Username":"me","Secret":"s3cret"}'"""


def test_a_helper_is_asked_on_its_standard_input(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_helper(monkeypatch, tmp_path, ANSWER)
    assert ask("test", "h.example:5000") == Credentials("me", "s3cret")
    assert asked(tmp_path) == ["test get h.example:5000"]


def test_docker_hub_is_asked_for_by_its_old_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_helper(monkeypatch, tmp_path, ANSWER)
    ask("test", "docker.io")
    assert asked(tmp_path) == ["test get https://index.docker.io/v1/"]


def test_a_helper_may_keep_an_identity_token(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_helper(monkeypatch, tmp_path, """echo '{"Username":"<token>","Secret":"t0ken"}'""")
    assert ask("test", "h.example") == Credentials("", "", "t0ken")


@pytest.mark.parametrize(
    "script",
    [
        "echo credentials not found in native keychain; exit 1",
        "echo no credentials server URL; exit 1",
        """echo '{"ServerURL":"h.example","Username":"","Secret":""}'""",
    ],
)
def test_a_helper_that_keeps_nothing_is_no_matter(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    script: str,
) -> None:
    add_helper(monkeypatch, tmp_path, script)
    assert ask("test", "h.example") is None
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (f"{ANSWER}; exit 3", "failed (status 3)"),
        ("echo s3cret", "did not answer in the JSON"),
        ("""echo '{"Username":"me","Secret":["s3cret"]}'""", "did not answer in the JSON"),
        ("""echo '{"Secret":"a","s3cret":1,"s3cret":2}'""", "did not answer in the JSON"),
        ("""echo '"s3cret"'""", "did not answer in the JSON"),
        ("printf '\\377s3cret'", "did not answer in the JSON"),
        (":", "did not answer in the JSON"),
        ("exec head -c 10000000 /dev/zero", "wrote more than 65536 bytes"),
        ("exec yes s3cret", "wrote more than 65536 bytes"),
    ],
)
def test_a_helper_without_a_usable_answer_is_warned_of_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    script: str,
    said: str,
) -> None:
    add_helper(monkeypatch, tmp_path, script)
    assert ask("test", "h.example") is None
    (message,) = caplog.messages
    assert message.startswith(f"docker-credential-test {said}")
    assert "\n" not in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 60",
        "sleep 3 & echo hello",
        "exec >&-; exec sleep 60",
        "trap '' TERM INT; while :; do sleep 0.05; done",
    ],
)
def test_a_helper_that_does_not_end_is_ended(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    script: str,
) -> None:
    add_helper(monkeypatch, tmp_path, script)
    assert ask("test", "h.example", seconds=0.3) is None
    assert caplog.messages[0].startswith("docker-credential-test gave no answer in 0.3 seconds")


def test_a_helper_that_reads_no_question_may_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "docker-credential-test"
    program.write_text(f"#!/bin/sh\nexec <&-\n{ANSWER}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask("test", "h.example") == Credentials("me", "s3cret")


def test_a_helper_that_is_not_in_path_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask("absent", "h.example") is None
    assert caplog.messages == [
        "docker-credential-absent, which keeps the login for h.example, is not in PATH"
    ]


def test_a_helper_that_cannot_be_started_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "docker-credential-test"
    program.write_text("#!/absent/interpreter\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ask("test", "h.example") is None
    assert "cannot be started" in caplog.messages[0]


@pytest.mark.parametrize(
    "name", ["../../x", "-flag", "", "a b", "a/b", "a;b", "$(b)", "a\n", "é", "a\0b", "/bin/sh"]
)
def test_a_name_that_no_helper_has_starts_nothing(
    caplog: pytest.LogCaptureFixture, name: str
) -> None:
    assert ask(name, "h.example") is None
    assert "is passed over" in caplog.messages[0]


@pytest.mark.parametrize("host", ["h.example\nhost=other.example", "h.example\r", "h\0"])
def test_a_registry_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str) -> None:
    add_helper(monkeypatch, tmp_path, ANSWER)
    with pytest.raises(UsageError, match="no line breaks"):
        ask("test", host)
    assert asked(tmp_path) == []
