import ssl
import subprocess
from pathlib import Path

import pytest

from ocilayout.errors import InvalidDocument, PlaceNotFound
from ocilayout.registries.trust import KeyPair, Trust, context_of
from tests.registries.tls_server import Authority, hear


def test_the_system_alone_does_not_trust_an_unknown_authority(company: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        hear(context_of(Trust()), company)


def test_an_authority_that_is_added_is_trusted(company: Authority) -> None:
    assert hear(context_of(Trust((company.certificate,))), company) == b"hello"


def test_an_authority_is_added_to_the_others(company: Authority, stranger: Authority) -> None:
    context = context_of(Trust((stranger.certificate, company.certificate)))
    assert hear(context, company) == b"hello"
    assert hear(context, stranger) == b"hello"
    assert len(context.get_ca_certs()) >= len(context_of(Trust()).get_ca_certs()) + 2


def test_a_trusted_certificate_for_another_name_is_refused(company: Authority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="is not valid for"):
        hear(context_of(Trust((company.certificate,))), company, name="other.test")


def test_the_certificate_of_the_server_itself_may_be_trusted(company: Authority) -> None:
    assert hear(context_of(Trust((company.server,))), company) == b"hello"


def test_an_authority_in_the_variable_of_openssl_is_trusted(
    monkeypatch: pytest.MonkeyPatch, company: Authority
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(company.certificate))
    assert hear(context_of(Trust()), company) == b"hello"


def test_without_verification_anybody_is_heard(company: Authority) -> None:
    assert hear(context_of(Trust(is_verified=False)), company, name="other.test") == b"hello"


def test_who_wants_a_client_certificate_gets_it(company: Authority) -> None:
    trust = Trust((company.certificate,), KeyPair(company.client, company.client_key))
    assert hear(context_of(trust), company, wants_client=True) == b"hello"


def test_a_key_may_be_in_the_file_of_its_certificate(company: Authority) -> None:
    trust = Trust((company.certificate,), KeyPair(company.server))
    assert hear(context_of(trust), company, wants_client=True) == b"hello"


def test_who_wants_a_client_certificate_and_gets_none_says_nothing(company: Authority) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - an alert or a reset, as the race decides
        hear(context_of(Trust((company.certificate,))), company, wants_client=True)


def test_tls_is_of_version_1_2_at_least() -> None:
    assert context_of(Trust()).minimum_version is ssl.TLSVersion.TLSv1_2


def test_an_authority_made_by_hand_needs_no_key_identifiers() -> None:
    assert not context_of(Trust()).verify_flags & ssl.VERIFY_X509_STRICT


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\x30\x82\x01\x0a\x00\xff"])
def test_a_file_without_an_authority_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ca.pem").write_bytes(content)
    with pytest.raises(InvalidDocument, match=r"/ca\.pem holds no certificate in PEM form"):
        context_of(Trust((tmp_path / "ca.pem",)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path, company: Authority) -> None:
    absent = tmp_path / "absent.pem"
    for trust in (
        Trust((absent,)),
        Trust(pair=KeyPair(absent, company.client_key)),
        Trust(pair=KeyPair(company.client, absent)),
    ):
        with pytest.raises(PlaceNotFound, match=r"/absent\.pem: there is no such file"):
            context_of(trust)


def test_the_key_of_another_certificate_is_refused(company: Authority, stranger: Authority) -> None:
    with pytest.raises(InvalidDocument, match=r"is not the key of .*/client\.pem"):
        context_of(Trust(pair=KeyPair(company.client, stranger.client_key)))


def test_a_certificate_without_its_key_is_refused(company: Authority) -> None:
    with pytest.raises(InvalidDocument, match="no certificate and its key") as caught:
        context_of(Trust(pair=KeyPair(company.client)))
    assert "\n" not in str(caught.value)


def test_an_encrypted_key_is_refused_and_not_asked_for(tmp_path: Path, company: Authority) -> None:
    key = tmp_path / "key.pem"
    command = ["openssl", "pkey", "-aes256", "-passout", "pass:secret", "-in"]
    subprocess.run(
        [*command, str(company.client_key), "-out", str(key)], check=True, capture_output=True
    )
    with pytest.raises(InvalidDocument, match=r"/key\.pem is encrypted"):
        context_of(Trust(pair=KeyPair(company.client, key)))
