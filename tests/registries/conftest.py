import pytest

from tests.registries.tls_server import Authority, authority


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The authority of a company, which no system knows."""
    return authority(tmp_path_factory.mktemp("tls") / "company")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority."""
    return authority(tmp_path_factory.mktemp("tls") / "stranger")
