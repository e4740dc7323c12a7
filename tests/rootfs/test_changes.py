import pytest

from ocilayout.errors import UsageError
from ocilayout.rootfs.changes import settings_of
from ocilayout.rootfs.shell_words import expanded, split_words


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ('CMD ["a", "b c"]', {"Cmd": ["a", "b c"]}),
        ("CMD a 'b c'", {"Cmd": ["/bin/sh", "-c", "a 'b c'"]}),
        ("CMD [a]", {"Cmd": ["/bin/sh", "-c", "[a]"]}),
        ("entrypoint x", {"Entrypoint": ["/bin/sh", "-c", "x"]}),
        ("ENV A=\"1 2\" B='$A' C=$A", {"Env": ["A=1 2", "B=$A", "C="]}),
        ("ENV A 1  2", {"Env": ["A=1  2"]}),
        (
            "EXPOSE 80 53/UDP 90-91",
            {"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "90/tcp": {}, "91/tcp": {}}},
        ),
        ('LABEL a=b c="d e"', {"Labels": {"a": "b", "c": "d e"}}),
        ("ONBUILD RUN x", {"OnBuild": ["RUN x"]}),
        ("STOPSIGNAL SIGRTMIN+3", {"StopSignal": "SIGRTMIN+3"}),
        ("USER 1:2", {"User": "1:2"}),
        ('VOLUME ["/a b"]', {"Volumes": {"/a b": {}}}),
        ("WORKDIR a/../b", {"WorkingDir": "/b"}),
        ("HEALTHCHECK NONE", {"Healthcheck": {"Test": ["NONE"]}}),
        (
            "HEALTHCHECK --interval=1m --retries=2 CMD a b",
            {
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "a b"],
                    "Interval": 60 * 10**9,
                    "Retries": 2,
                }
            },
        ),
    ],
)
def test_an_instruction_sets_the_config(change: str, expected: object) -> None:
    assert settings_of([change]) == expected


def test_later_instructions_see_earlier_ones() -> None:
    changes = ["ENV A=1", "ENV A=2 B=$A", "WORKDIR /x", "WORKDIR y$A", "LABEL a=1", "LABEL a=2"]
    assert settings_of(changes) == {
        "Env": ["A=2", "B=1"],
        "WorkingDir": "/x/y2",
        "Labels": {"a": "2"},
    }


@pytest.mark.parametrize(
    "change",
    [
        "RUN x",
        "ENV",
        "ENV A",
        "ENV A=1 B",
        "ENV =1",
        'CMD ["a", 1]',
        "EXPOSE 99999",
        "EXPOSE x",
        'VOLUME [""]',
        "STOPSIGNAL SIGX",
        "STOPSIGNAL 0",
        "ONBUILD ONBUILD RUN x",
        "HEALTHCHECK CMD",
        "HEALTHCHECK CMD []",
        "HEALTHCHECK --retries=0 CMD x",
        "HEALTHCHECK --timeout=1us CMD x",
        "HEALTHCHECK --other=1 CMD x",
        "ENV A=${B",
        "ENV A='x",
        "ENV A=${B:?needed}",
    ],
)
def test_what_is_no_instruction_is_refused(change: str) -> None:
    with pytest.raises(UsageError, match="--change"):
        settings_of([change])


def test_words_keep_their_quotes_until_they_are_expanded() -> None:
    words = split_words("""a "b c"d 'e  f' g\\ h ''""")
    assert words == ["a", '"b c"d', "'e  f'", "g\\ h", "''"]
    assert [expanded(word, {}) for word in words] == ["a", "b cd", "e  f", "g h", ""]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$A", "1"),
        ("${A}2", "12"),
        ("$AB", ""),
        ("${N:-x$A}", "x1"),
        ("${A:-x}", "1"),
        ("${A:+y}", "y"),
        ("${N:+y}", ""),
        ("\\$A", "$A"),
        ('"$A \\$A \\x"', "1 $A \\x"),
        ("'$A'", "$A"),
        ("$", "$"),
        ("a$", "a$"),
    ],
)
def test_variables_are_put_in(word: str, expected: str) -> None:
    assert expanded(word, {"A": "1"}) == expected
