"""Sites speak TLS where they should, with the tests' own authority."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.servers.certificates import Authority
from tests.servers.gates import basic_gate
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def pool(authority: Authority, tmp_path: Path) -> Iterator[urllib3.PoolManager]:
    ca = str(authority.ca_file(tmp_path))
    with urllib3.PoolManager(ca_certs=ca, retries=False) as pool:
        yield pool


def test_site_speaks_tls(authority: Authority, pool: urllib3.PoolManager) -> None:
    with running(OciRegistry(), authority.server()) as registry:
        assert registry.url.startswith("https://")
        assert pool.request("GET", f"{registry.url}/v2/").status == 200
        with pytest.raises(urllib3.exceptions.SSLError, match="certificate verify failed"):
            urllib3.request("GET", f"{registry.url}/v2/", retries=False)


def test_client_needs_a_certificate(
    authority: Authority, pool: urllib3.PoolManager, tmp_path: Path
) -> None:
    certificate, key = authority.client_files(tmp_path)
    context = ssl.create_default_context(cafile=str(authority.ca_file(tmp_path)))
    context.load_cert_chain(certificate, key)
    with running(OciRegistry(), authority.server(wants_client=True)) as registry:
        known = urllib3.PoolManager(ssl_context=context, retries=False)
        assert known.request("GET", f"{registry.url}/v2/").status == 200
        with pytest.raises((urllib3.exceptions.HTTPError, OSError)):
            pool.request("GET", f"{registry.url}/v2/")


def test_requests_are_recorded_as_they_came() -> None:
    with running(OciRegistry(gate=basic_gate({"ann": "secret"}))) as registry:
        headers = urllib3.make_headers(basic_auth="ann:secret")
        for given in ({}, headers):
            at = f"{registry.url}/v2/team/app/blobs/uploads/?a=b"
            urllib3.request("POST", at, headers=given, body=b"1234", retries=False)
    refused, taken = registry.seen("POST", "/uploads/")
    assert (refused.status, taken.status) == (401, 202)
    assert "Authorization" not in refused.headers
    assert taken.headers["Authorization"] == headers["authorization"]
    assert taken.query == {"a": "b"}
