import pytest

from ocilayout.registries.hosts import canonical, is_loopback, literal_address


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
def test_docker_hub_has_three_names(host: str) -> None:
    assert canonical(host) == "docker.io"


@pytest.mark.parametrize("host", ["docker.io.evil.test", "x.docker.io", "docker.io:443", "h:5000"])
def test_any_other_name_is_itself(host: str) -> None:
    assert canonical(host) == host


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.8.7", True),
        ("[::1]", True),
        ("[::1]:5000", True),
        ("localhost.evil.test", False),
        ("evil.localhost:5000", False),
        ("127.0.0.1.evil.test", False),
        ("10.0.0.1:5000", False),
        ("[::2]:5000", False),
    ],
)
def test_this_machine_is_known_by_its_name_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.9:5000", "192.168.1.9"),
        ("[fd00::1]:5000", "fd00::1"),
        ("registry.example", "None"),
        ("192.168.1.9.example", "None"),
    ],
)
def test_only_digits_state_an_address(host: str, address: str) -> None:
    assert str(literal_address(host)) == address
