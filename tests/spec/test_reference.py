from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.errors import InvalidDocument
from ocilayout.spec.reference import Reference, is_domain, is_tag

PIN = "@sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("demo", "docker.io/library/demo:latest"),
        ("demo:v1", "docker.io/library/demo:v1"),
        ("me/demo", "docker.io/me/demo:latest"),
        ("docker.io/demo", "docker.io/library/demo:latest"),
        ("index.docker.io/demo", "docker.io/library/demo:latest"),
        ("docker.io/me/demo:1", "docker.io/me/demo:1"),
        ("localhost/demo", "localhost/demo:latest"),
        ("localhost:5000/demo", "localhost:5000/demo:latest"),
        ("quay.io/a/b/c:x", "quay.io/a/b/c:x"),
        ("Host/demo", "Host/demo:latest"),
        ("[::1]:5000/demo:x", "[::1]:5000/demo:x"),
        ("a__b/c-d.e--f:T_1.2-x", "docker.io/a__b/c-d.e--f:T_1.2-x"),
        (f"demo:v1{PIN}", "docker.io/library/demo:v1"),
        (f"demo{PIN}", "docker.io/library/demo:latest"),
        (f"demo:{'t' * 128}", f"docker.io/library/demo:{'t' * 128}"),
    ],
)
def test_a_name_is_read_as_docker_reads_it(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        ":v1",
        "demo:",
        "Demo",
        "demo:v 1",
        "demo:-v1",
        "demo:.v1",
        f"demo:{'t' * 129}",
        "demo:v1\n",
        "demo\n",
        "-demo",
        "demo-",
        "a___b",
        "a..b",
        "a//b",
        "/demo",
        "demo/",
        "../demo",
        "host.example/../demo",
        "host.example/",
        "host:port/demo",
        "-host.example/demo",
        "d\u00e9mo",
        "demo:\uff11",
        "https://host.example/demo",
        "demo@sha256:short",
        "demo@",
        "a" * 250,
        "host.example/" + "a/" * 130 + "a",
    ],
)
def test_what_docker_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocument):
        Reference.parse(text)


@settings(deadline=None, max_examples=400)
@given(st.text("aZ0./:_-@[]\n", max_size=14) | st.from_regex(r"[a-z.:]{1,6}(/[a-z_.-]{1,4}){0,2}"))
def test_a_full_name_stands_for_itself(text: str) -> None:
    with suppress(InvalidDocument):
        reference = Reference.parse(text)
        assert Reference.parse(str(reference)) == reference


def test_a_name_that_is_made_to_be_slow_is_refused_at_once() -> None:
    with pytest.raises(InvalidDocument):
        Reference.parse("a-" * 50_000 + "!")


@pytest.mark.parametrize(
    ("text", "said"),
    [("v1", True), ("1.0-rc_2", True), ("", False), ("a/b", False), ("v1\n", False)],
)
def test_a_tag_is_one_word(text: str, said: bool) -> None:
    assert is_tag(text) is said


@pytest.mark.parametrize("text", ["h", "h.example", "h.example:5000", "[::1]:5000", "10.0.0.1"])
def test_a_host_with_or_without_a_port_is_a_domain(text: str) -> None:
    assert is_domain(text)


@pytest.mark.parametrize(
    "text", ["", "..", "a/b", "h:", "h:x", "-h", "h.", "h\n", "::1", "https://h"]
)
def test_anything_else_is_no_domain(text: str) -> None:
    assert not is_domain(text)
