import pytest

from ocilayout.registries.hosts import (
    canonical,
    has_port,
    is_in_a_network,
    is_loopback,
    literal_address,
)
from ocilayout.registries.origin import Origin


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
        ("[::ffff:127.0.0.1]:5000", True),
        ("[::ffff:10.0.0.1]:5000", False),
        ("LOCALHOST:5000", True),
        ("localhost.evil.test", False),
        ("evil.localhost:5000", False),
        ("127.0.0.1.evil.test", False),
        ("10.0.0.1:5000", False),
        ("[::2]:5000", False),
    ],
)
def test_this_machine_is_known_by_its_name_alone(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    assert Origin.of(f"http://{host}").is_loopback is loopback


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.168.1.9:5000", "192.168.1.9"),
        ("[fd00::1]:5000", "fd00::1"),
        ("fd00::1", "fd00::1"),
        ("[fe80::1%25eth0]:5000", "fe80::1"),
        ("[::ffff:192.168.1.9]:5000", "192.168.1.9"),
        ("registry.example", "None"),
        ("192.168.1.9.example", "None"),
    ],
)
def test_only_digits_state_an_address(host: str, address: str) -> None:
    assert str(literal_address(host)) == address


@pytest.mark.parametrize(
    ("host", "entries", "expected"),
    [
        ("10.1.2.3", "registry.test,10.0.0.0/8", True),
        ("10.1.2.3", " 10.9.9.9/8 ", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3", "10.1.2.3", False),
        ("10.1.2.3", "10.0.0.0/99,/,a/b", False),
        ("10.1.2.3", "fd00::/8", False),
        ("fd00::1", "fd00::/8", True),
        ("10.1.2.3:5000", "10.0.0.0/8", True),
        ("[::ffff:10.1.2.3]:5000", "10.0.0.0/8", True),
        ("ten.test", "10.0.0.0/8", False),
    ],
)
def test_an_address_lies_in_a_network_or_not(host: str, entries: str, expected: bool) -> None:
    assert is_in_a_network(host, entries.split(",")) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a.test", False),
        ("a.test:443", True),
        ("[::1]", False),
        ("[::1]:5000", True),
        ("::1", False),
    ],
)
def test_an_address_names_a_port_or_not(address: str, expected: bool) -> None:
    assert has_port(address) == expected
