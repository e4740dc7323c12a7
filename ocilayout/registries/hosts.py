"""HOST[:PORT] as names of registries: what is one, and what it says of where that registry is.

Names are compared whole: `host` and `host:5000` are two registries, and no part of a name counts.
"""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress

DOCKER_HUB = "docker.io"

DOCKER_HUB_ADDRESS = "registry-1.docker.io"
"""Where the registry of docker.io listens; docker.io itself is a web site."""

DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"
"""What login files and credential helpers call docker.io."""

DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io", DOCKER_HUB_ADDRESS)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def canonical(host: str) -> str:
    """The one name of that registry: docker.io has three."""
    return DOCKER_HUB if host in DOCKER_HUB_NAMES else host


def literal_address(host: str) -> Address | None:
    """The address that HOST[:PORT] states in digits; None for a name, which is not resolved.

    One of IPv4 that is written as one of IPv6 is that of IPv4, which it leads to.
    """
    try:
        address = ipaddress.ip_address(_split(host)[0].partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def has_port(host: str) -> bool:
    """Whether HOST[:PORT] names a port, so that it is the same one for http and https."""
    return bool(_split(host)[1])


def is_loopback(host: str) -> bool:
    """Whether that registry is on this machine by its name alone, as docker and buildkit say."""
    address = literal_address(host)
    return is_localhost(host) or (address is not None and address.is_loopback)


def is_localhost(host: str) -> bool:
    """Whether HOST[:PORT] is the name that means this machine everywhere."""
    return _split(host)[0].lower() == "localhost"


def networks_in(entries: Iterable[str]) -> list[Network]:
    """The networks among names, addresses and networks, as in `10.0.0.0/8`."""
    found: list[Network] = []
    for entry in entries:
        if "/" in entry:
            with suppress(ValueError):
                found.append(ipaddress.ip_network(entry.strip(), strict=False))
    return found


def is_in_a_network(host: str, entries: Iterable[str]) -> bool:
    """Whether the address that HOST[:PORT] states lies in one of the networks among `entries`."""
    address = literal_address(host)
    return address is not None and any(address in network for network in networks_in(entries))


def _split(host: str) -> tuple[str, str]:
    """Host, without the brackets of an address, and port; URLs have hosts without brackets too."""
    if host.startswith("["):
        name, _, port = host[1:].partition("]")
        return name, port.removeprefix(":")
    if host.count(":") > 1:
        return host, ""
    name, _, port = host.partition(":")
    return name, port
