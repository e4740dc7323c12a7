from pathlib import Path

import pytest

from ocilayout.errors import InvalidDocument, PlaceNotFound
from ocilayout.registries.registry_config import Settings, settings_for
from ocilayout.registries.trust import KeyPair

INSECURE = Settings(http=True, insecure=True)

DAEMON = """
{
  "insecure-registries": ["h.example", "p.example:5000", "10.1.0.0/16", "fd00::/8", "[::5]:80",
                          "http://s.example", "192.168.7.9/24"],
  "registry-mirrors": ["https://mirror.example"],
  "log-opts": {"max-size": "10m"}
}
"""

BUILDKIT = """
debug = true
insecure-entitlements = ["network.host"]
[worker.oci]
gc = true
[[worker.oci.gcpolicy]]
keepBytes = "512MB"
[registry."docker.io"]
mirrors = ["mirror.example"]
[registry."plain.example:5000"]
http = true
[registry."self.example"]
insecure = true
[registry."both.example"]
http = true
insecure = true
[registry."own.example"]
http = false
ca = ["/a/ca.pem", "/a/other.pem"]
[[registry."own.example".keypair]]
key = "/a/key.pem"
cert = "/a/cert.pem"
"""


def settings(folder: Path, content: str, host: str) -> Settings:
    path = folder / "config"
    path.write_text(content)
    return settings_for(host, path)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("h.example", INSECURE),
        ("p.example:5000", INSECURE),
        ("s.example", INSECURE),
        ("10.1.2.3", INSECURE),
        ("10.1.2.3:5000", INSECURE),
        ("192.168.7.1:5000", INSECURE),
        ("[fd12::3]:5000", INSECURE),
        ("[::5]:80", INSECURE),
        ("h.example:5000", Settings()),
        ("p.example", Settings()),
        ("p.example:50000", Settings()),
        ("x.h.example", Settings()),
        ("10.2.0.1", Settings()),
        ("10.1.2.3.example", Settings()),
        ("[fe80::1]", Settings()),
        ("[::5]", Settings()),
        ("mirror.example", Settings()),
    ],
)
def test_dockers_insecure_registries_are_found(
    tmp_path: Path, host: str, expected: Settings
) -> None:
    assert settings(tmp_path, DAEMON, host) == expected


def test_names_are_not_resolved_to_be_compared_with_networks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = '{"insecure-registries": ["127.0.0.0/8", "::1/128"]}'
    with caplog.at_level("INFO", logger="ocilayout"):
        assert settings(tmp_path, content, "localhost:5000") == Settings()
    assert "localhost:5000 is a name" in caplog.messages[0]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("docker.io", Settings()),
        ("plain.example:5000", Settings(http=True)),
        ("plain.example", Settings()),
        ("self.example", Settings(insecure=True)),
        ("both.example", INSECURE),
        (
            "own.example",
            Settings(
                http=False,
                authorities=(Path("/a/ca.pem"), Path("/a/other.pem")),
                pairs=(KeyPair(Path("/a/cert.pem"), Path("/a/key.pem")),),
            ),
        ),
    ],
)
def test_buildkits_registries_are_found(tmp_path: Path, host: str, expected: Settings) -> None:
    assert settings(tmp_path, BUILDKIT, host) == expected


def test_buildkit_may_name_a_folder_of_certificates(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir()
    for name in ("ca.crt", "c.cert", "c.key"):
        (folder / name).touch()
    content = f'[registry."h.example"]\ntlsconfigdir = ["{folder}"]'
    assert settings(tmp_path, content, "h.example") == Settings(
        authorities=(folder / "ca.crt",), pairs=(KeyPair(folder / "c.cert", folder / "c.key"),)
    )


@pytest.mark.parametrize("content", ["", "{}", "\n  {}\n", "# nothing", "debug = true"])
def test_a_file_may_say_nothing_of_registries(tmp_path: Path, content: str) -> None:
    assert settings(tmp_path, content, "h.example") == Settings()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"insecure-registries": "h.example"}', "insecure-registries is not an array"),
        ('{"insecure-registries": [5]}', r"insecure-registries\[0\] is not a string"),
        ('{"insecure-registries": [}', "is not valid JSON"),
        ("registry = 5", "registry is not an object"),
        ('registry."h.example" = 5', r"registry\.h\.example is not an object"),
        ('[registry."h.example"]\nhttp = "yes"', "http is neither true nor false"),
        ('[registry."h.example"]\ninsecure = 1', "insecure is neither true nor false"),
        ('[registry."h.example"]\nca = "/a/ca.pem"', "ca is not an array"),
        ('[registry."h.example"]\nkeypair = [5]', r"keypair\[0\] is not an object"),
        ('[[registry."h.example".keypair]]\ncert = "x"', "key is missing"),
        ("registry = [", "neither docker's daemon.json nor a buildkitd.toml"),
        ("a = " + "[" * 100_000, "config"),
        ("<xml/>", "neither docker's daemon.json nor a buildkitd.toml"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_a_line_with_its_name(
    tmp_path: Path, content: str, said: str
) -> None:
    with pytest.raises(InvalidDocument, match=said) as caught:
        settings(tmp_path, content, "h.example")
    assert str(caught.value).startswith(str(tmp_path / "config"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidDocument, match="is not valid UTF-8"):
        settings_for("h.example", tmp_path / "config")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlaceNotFound, match=r"/config: there is no such file"):
        settings_for("h.example", tmp_path / "config")
