import pytest

from ocilayout.errors import RegistryFailed
from ocilayout.registries.origin import (
    Origin,
    at_home,
    redirected,
    resolved,
    shown,
    token_server,
)

HERE = "https://registry.example/v2/app/blobs/uploads/"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://registry.example", "https://registry.example"),
        ("https://Registry.Example:443/v2/", "https://registry.example"),
        ("http://registry.example:443", "http://registry.example:443"),
        ("http://[::1]:5000/", "http://[::1]:5000"),
    ],
)
def test_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert str(Origin.of(url)) == expected


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "data:application/json,{}",
        "ftp://registry.example/",
        "//registry.example/",
        "https:///v2/",
        "https://registry.example:99999/",
        "https://registry.example:port/",
        "https://ann:secret@registry.example/",
        "https://[::1/",
    ],
)
def test_what_is_no_plain_url_of_the_web_has_no_origin(url: str) -> None:
    with pytest.raises(RegistryFailed) as caught:
        Origin.of(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("[::1]", True),
        ("[::ffff:127.0.0.1]", True),
        ("127.0.0.1.evil.test", False),
        ("localhost.evil.test", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_told_by_the_whole_name(host: str, expected: bool) -> None:
    assert Origin.of(f"http://{host}:5000").is_loopback is expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v2/x?_state=1", "https://registry.example/v2/x?_state=1"),
        ("x", f"{HERE}x"),
        ("https://registry.example:443/x", "https://registry.example:443/x"),
        ("https://REGISTRY.example/x#part", "https://REGISTRY.example/x"),
    ],
)
def test_addresses_of_all_kinds_lead_home(target: str, expected: str) -> None:
    assert at_home(HERE, target, "an upload") == expected


@pytest.mark.parametrize(
    "target",
    [
        "https://registry.example:8443/x",
        "http://registry.example/x",
        "//registry.example.evil.test/x",
        "https://registry.example.evil.test/x",
        "https://sub.registry.example/x",
        "https://registry.example@evil.test/x",
        "https://evil.test\\@registry.example/x",
    ],
)
def test_nothing_but_the_same_origin_is_home(target: str) -> None:
    with pytest.raises(RegistryFailed):
        at_home(HERE, target, "an upload")


@pytest.mark.parametrize("target", ["", "/a b", "/a\r\nX: 1", "/a\x7f", "/\u0000"])
def test_what_could_break_a_line_is_no_url(target: str) -> None:
    with pytest.raises(RegistryFailed, match="names a URL that is none"):
        resolved(HERE, target)


def test_downloads_may_be_elsewhere() -> None:
    assert (
        redirected(HERE, "https://cdn.example:8443/x?sig=1") == "https://cdn.example:8443/x?sig=1"
    )
    assert redirected("http://a.example/", "https://b.example/x") == "https://b.example/x"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("http://registry.example/x", "not encrypted"),
        ("https://169.254.169.254/latest/meta-data", "an address of this link"),
        ("https://[fe80::1]/x", "an address of this link"),
        ("https://[::ffff:169.254.169.254]/x", "an address of this link"),
        ("https://0.0.0.0/x", "an address of this link"),
        ("file:///etc/passwd", "neither an http nor an https URL"),
    ],
)
def test_downloads_may_not_be_anywhere(target: str, said: str) -> None:
    with pytest.raises(RegistryFailed, match=said):
        redirected(HERE, target)


def test_token_server_may_be_at_another_name() -> None:
    assert token_server(HERE, "https://auth.example/token") == "https://auth.example/token"


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "https://169.254.169.254/token",
        "https://10.1.2.3/token",
        "https://192.168.1.1/token",
        "https://[fd00::1]/token",
        "https://[::ffff:10.0.0.1]/token",
        "https://127.0.0.1/token",
        "https://localhost/token",
        "file:///etc/passwd",
        "data:application/json,{}",
    ],
)
def test_token_server_may_not_be_inside_or_unencrypted(realm: str) -> None:
    with pytest.raises(RegistryFailed):
        token_server(HERE, realm)


def test_token_server_may_be_at_the_private_address_of_its_registry() -> None:
    realm = "http://192.168.1.1:5001/token"
    assert token_server("http://192.168.1.1:5000", realm) == realm


def test_queries_are_not_shown() -> None:
    assert shown("https://cdn.example/x?X-Amz-Signature=secret") == "https://cdn.example/x"
    assert len(shown("https://cdn.example/" + "x" * 1000)) == 200
