"""Which instructions make the settings of a config."""

import pytest

from ocilayout.rootfs.changes import settings_of
from ocilayout.rootfs.instructions import instructions_of

SETTINGS: dict[str, object] = {
    "Cmd": ["sh", "-c", "echo \"$HOME\" 'x'"],
    "Entrypoint": ["/bin/app", "--flag=a b"],
    "Env": ["PATH=/bin", 'A=it\'s $5 \\ "x"', "EMPTY=", "EQUALS=a=b", "SPACE= a  b "],
    "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000, "Retries": 3},
    "Labels": {"org.example.a": "b c", "it's": "$x"},
    "OnBuild": ["RUN make", "COPY . /src"],
    "StopSignal": "SIGQUIT",
    "User": "1000:1000",
    "Volumes": {"/data": {}, "/with space": {}},
    "WorkingDir": "/srv/$app",
}


def test_all_that_docker_import_can_set_is_made_again() -> None:
    instructions, lost = instructions_of(SETTINGS)
    assert lost == []
    assert settings_of(instructions) == SETTINGS


@pytest.mark.parametrize(
    "test", [["NONE"], ["CMD-SHELL", "curl -f http://localhost || exit 1"], ["CMD", "a", "b c"]]
)
def test_every_form_of_a_health_check_is_made_again(test: list[str]) -> None:
    instructions, lost = instructions_of({"Healthcheck": {"Test": test}})
    assert (settings_of(instructions), lost) == ({"Healthcheck": {"Test": test}}, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Shell", ["/bin/bash"]),
        ("Env", [1]),
        ("Env", ["A=line\nline"]),
        ("Env", "A=b"),
        ("Cmd", "sh"),
        ("Labels", {"a": 1}),
        ("Labels", ["a"]),
        ("Volumes", ["/data"]),
        ("StopSignal", "SIGNONE"),
        ("OnBuild", ["FROM x"]),
        ("User", 7),
        ("Healthcheck", {"Test": "true"}),
        ("Hostname", "host"),
    ],
)
def test_what_no_instruction_makes_is_named(name: str, value: object) -> None:
    instructions, lost = instructions_of({name: value, "WorkingDir": "/srv"})
    assert (settings_of(instructions), lost) == ({"WorkingDir": "/srv"}, [name])


def test_what_is_empty_needs_no_instruction() -> None:
    settings: dict[str, object] = {"Cmd": None, "Env": [], "Labels": {}, "User": "", "Tty": False}
    assert instructions_of(settings) == ([], [])
