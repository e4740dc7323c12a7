"""HOST[:PORT] as names of registries: what is one, and what it says of where that registry is.

Names are compared whole: `host` and `host:5000` are two registries, and no part of a name counts.
"""

import ipaddress

DOCKER_HUB = "docker.io"

DOCKER_HUB_ADDRESS = "registry-1.docker.io"
"""Where the registry of docker.io listens; docker.io itself is a web site."""

DOCKER_HUB_LOGIN = "https://index.docker.io/v1/"
"""What login files and credential helpers call docker.io."""

DOCKER_HUB_NAMES = (DOCKER_HUB, "index.docker.io", DOCKER_HUB_ADDRESS)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def canonical(host: str) -> str:
    """The one name of that registry: docker.io has three."""
    return DOCKER_HUB if host in DOCKER_HUB_NAMES else host


def literal_address(host: str) -> Address | None:
    """The address that HOST[:PORT] states in digits; None for a name, which is not resolved."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether that registry is on this machine by its name alone, as docker and buildkit say."""
    address = literal_address(host)
    return host.partition(":")[0] == "localhost" or (address is not None and address.is_loopback)
