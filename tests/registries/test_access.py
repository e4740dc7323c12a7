import json
import shutil
from pathlib import Path

import pytest

from ocilayout.errors import InvalidDocument, UsageError
from ocilayout.registries.access import Access
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.stated import stated_credentials
from tests.registries.tls_server import NAME, Authority, hear

HTTPS, HTTP = ("https",), ("http",)


def access(folder: Path, **said: object) -> Access:
    """What was said, on a machine where nobody is logged in; certificates are in `folder`."""
    return Access(**{"logins": (), "certificate_roots": (folder,), **said})  # type: ignore[arg-type]


def logins(folder: Path, **users: str) -> tuple[Path, ...]:
    """A file for each user, with the login for h.example."""
    paths = []
    for name, password in users.items():
        content = {"auths": {"h.example": {"username": name, "password": password}}}
        paths.append(folder / f"{name}.json")
        paths[-1].write_text(json.dumps(content))
    return tuple(paths)


def test_nothing_needs_to_be_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "absent.json"))
    assert Access().credentials_of("h.example", "app") is None
    assert Access().endpoint_of("h.example").schemes == HTTPS


def test_what_is_stated_counts_before_any_file(tmp_path: Path) -> None:
    stated = stated_credentials(("h.example=stated:1",), environment={})
    said = access(tmp_path, stated=stated, logins=logins(tmp_path, first="2"))
    assert said.credentials_of("h.example", "app") == Credentials("stated", "1")


def test_the_first_file_that_has_a_login_counts(tmp_path: Path) -> None:
    paths = (tmp_path / "absent.json", *logins(tmp_path, first="1", second="2"))
    assert access(tmp_path, logins=paths).credentials_of("h.example", "app") == Credentials(
        "first", "1"
    )


@pytest.mark.parametrize("host", ["h.example:5000", "h.example.evil.test", "x.h.example", "h"])
def test_nothing_is_for_another_host_or_port(tmp_path: Path, host: str) -> None:
    stated = stated_credentials(("h.example=stated:1",), environment={})
    said = access(tmp_path, stated=stated, logins=logins(tmp_path, first="2"))
    assert said.credentials_of(host, "app") is None


def test_docker_hub_gets_its_own_under_each_of_its_names(tmp_path: Path) -> None:
    said = access(tmp_path, stated=stated_credentials(("docker.io=me:pw",), environment={}))
    for host in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert said.credentials_of(host, "library/app") == Credentials("me", "pw")


def test_what_names_no_registry_is_for_the_only_one_of_the_command(tmp_path: Path) -> None:
    said = access(tmp_path, stated=stated_credentials(("me:pw",), environment={}))
    bound = said.bound_to(["h.example:5000"])
    assert bound.credentials_of("h.example:5000", "app") == Credentials("me", "pw")
    assert bound.credentials_of("other.example", "app") is None


def test_what_names_no_registry_goes_nowhere_before_it_is_bound(tmp_path: Path) -> None:
    said = access(tmp_path, stated=stated_credentials(("me:s3cret",), environment={}))
    with pytest.raises(UsageError, match="which registry"):
        said.credentials_of("h.example", "app")
    with pytest.raises(UsageError, match="which registry"):
        said.bound_to(["a.example", "b.example"])


def test_secrets_show_in_no_repr(tmp_path: Path) -> None:
    stated = stated_credentials(
        ("h.example=me:s3cret", "<token>:s3cret"), environment={"OCILAYOUT_CREDS": "a:s3cret"}
    )
    said = access(tmp_path, stated=stated, logins=logins(tmp_path, first="s3cret"))
    credentials = said.bound_to(["h.example"]).credentials_of("h.example", "app")
    for shown in (said, said.bound_to(["h.example"]), credentials, said.endpoint_of("h.example")):
        assert "s3cret" not in repr(shown)


@pytest.mark.parametrize("host", ["", "../etc", "h.example/x", "h\n", "https://h", "h:x"])
def test_what_is_no_host_is_refused(tmp_path: Path, host: str) -> None:
    with pytest.raises(UsageError, match="is no registry"):
        access(tmp_path).endpoint_of(host)
    with pytest.raises(UsageError, match="is no registry"):
        access(tmp_path).credentials_of(host, "app")


def test_docker_hub_listens_elsewhere(tmp_path: Path) -> None:
    assert access(tmp_path).endpoint_of("docker.io").address == "registry-1.docker.io"
    assert access(tmp_path).endpoint_of("h.example:5000").address == "h.example:5000"


DAEMON = '{"insecure-registries": ["h.example", "10.0.0.0/8", "localhost:6000"]}'
BUILDKIT = """
registry."plain.example".http = true
registry."self.example".insecure = true
registry."both.example" = {http = true, insecure = true}
registry."localhost:1".http = false
registry."localhost:2".insecure = true
registry."localhost:3".ca = ["/a/ca.pem"]
"""


@pytest.mark.parametrize(
    ("said", "configuration", "host", "schemes", "is_verified"),
    [
        ({}, "", "h.example", HTTPS, True),
        ({}, "", "10.0.0.1:5000", HTTPS, True),
        ({}, "", "localhost:5000", HTTP, True),
        ({}, "", "127.0.0.1", HTTP, True),
        ({}, "", "[::1]:5000", HTTP, True),
        ({"plain_http": True}, "", "h.example", HTTP, True),
        ({"insecure": True}, "", "h.example", HTTPS, False),
        ({"insecure": True}, "", "localhost:5000", HTTPS, False),
        ({"ca": Path("ca.pem")}, "", "localhost:5000", HTTPS, True),
        ({"certificate": Path("c.pem")}, "", "localhost:5000", HTTPS, True),
        ({}, DAEMON, "h.example", ("https", "http"), False),
        ({}, DAEMON, "10.1.2.3:5000", ("https", "http"), False),
        ({}, DAEMON, "localhost:6000", ("https", "http"), False),
        ({}, DAEMON, "other.example", HTTPS, True),
        ({}, DAEMON, "localhost:5000", HTTP, True),
        ({"ca": Path("ca.pem")}, DAEMON, "h.example", HTTPS, True),
        ({"certificate": Path("c.pem")}, DAEMON, "h.example", HTTPS, False),
        ({"plain_http": True}, DAEMON, "h.example", HTTP, False),
        ({"insecure": True}, DAEMON, "other.example", HTTPS, False),
        ({}, BUILDKIT, "plain.example", HTTP, True),
        ({}, BUILDKIT, "self.example", HTTPS, False),
        ({}, BUILDKIT, "both.example", ("https", "http"), False),
        ({}, BUILDKIT, "localhost:1", HTTPS, True),
        ({}, BUILDKIT, "localhost:2", ("https", "http"), False),
        ({}, BUILDKIT, "localhost:3", HTTPS, True),
        ({}, BUILDKIT, "localhost:4", HTTP, True),
        ({"ca": Path("ca.pem")}, BUILDKIT, "plain.example", HTTPS, True),
    ],
)
def test_schemes_follow_from_what_was_said(
    tmp_path: Path,
    said: dict[str, object],
    configuration: str,
    host: str,
    schemes: tuple[str, ...],
    is_verified: bool,
) -> None:
    (tmp_path / "config").write_text(configuration)
    endpoint = access(tmp_path, configuration=tmp_path / "config", **said).endpoint_of(host)
    assert endpoint.schemes == schemes
    assert endpoint.trust.is_verified is is_verified


def test_a_folder_of_certificates_is_a_wish_for_tls(tmp_path: Path) -> None:
    (tmp_path / "localhost:5000").mkdir()
    assert access(tmp_path).endpoint_of("localhost:5000").schemes == HTTPS
    assert access(tmp_path).endpoint_of("localhost:5001").schemes == HTTP


@pytest.mark.parametrize(
    "said", [{"insecure": True}, {"ca": Path("a")}, {"certificate": Path("a")}]
)
def test_plain_http_and_tls_are_not_both_wanted(tmp_path: Path, said: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="--plain-http"):
        access(tmp_path, plain_http=True, **said)


def test_a_key_without_a_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--key needs --cert"):
        access(tmp_path, key=Path("key.pem"))


def test_a_registry_is_trusted_by_the_folder_of_its_name(
    tmp_path: Path, company: Authority
) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    shutil.copy(company.certificate, folder / "ca.crt")
    shutil.copy(company.client, folder / "client.cert")
    shutil.copy(company.client_key, folder / "client.key")
    context = access(tmp_path).endpoint_of(NAME).context()
    assert hear(context, company, wants_client=True) == b"hello"


def test_a_registry_is_trusted_by_options(
    tmp_path: Path, company: Authority, stranger: Authority
) -> None:
    said = access(
        tmp_path,
        ca=company.certificate,
        certificate=company.client,
        key=company.client_key,
    )
    context = said.endpoint_of(NAME).context()
    assert hear(context, company, wants_client=True) == b"hello"
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        hear(context, stranger)


def test_a_registry_is_trusted_by_a_buildkitd_toml(tmp_path: Path, company: Authority) -> None:
    path = tmp_path / "buildkitd.toml"
    path.write_text(f"""
        [registry."{NAME}"]
        ca = ["{company.certificate}"]
        [[registry."{NAME}".keypair]]
        key = "{company.client_key}"
        cert = "{company.client}"
    """)
    context = access(tmp_path, configuration=path).endpoint_of(NAME).context()
    assert hear(context, company, wants_client=True) == b"hello"


def test_an_insecure_registry_of_docker_is_heard_unverified(
    tmp_path: Path, company: Authority
) -> None:
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps({"insecure-registries": [NAME]}))
    assert hear(access(tmp_path, configuration=path).endpoint_of(NAME).context(), company)


def test_a_file_that_is_amiss_is_named_once_a_context_is_needed(
    tmp_path: Path, company: Authority
) -> None:
    endpoint = access(tmp_path, ca=company.client_key).endpoint_of("h.example")
    with pytest.raises(InvalidDocument, match=r"client-key\.pem holds no certificate"):
        endpoint.context()


def test_only_the_first_of_several_client_certificates_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "h.example"
    folder.mkdir()
    for name in ("a.cert", "a.key", "b.cert", "b.key"):
        (folder / name).touch()
    pair = access(tmp_path).endpoint_of("h.example").trust.pair
    assert pair is not None
    assert pair.certificate == folder / "a.cert"
    assert "only the first of 2" in caplog.messages[0]
