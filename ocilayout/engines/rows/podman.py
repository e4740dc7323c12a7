"""podman."""

from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.rows.codecs import ALL_CODECS, ANY_SYSTEM

_LIBIMAGE = "container-libs:common/libimage/load.go"

PODMAN = Engine(
    name="podman",
    family="podman",
    loader="podman",
    command="podman load -i FILE",
    outer=Fact(ALL_CODECS, "seen with podman 4.3.1; not gzip where manifest.json is read"),
    layers=Fact(ALL_CODECS, "seen with podman 4.3.1"),
    systems=Fact(ANY_SYSTEM, "seen with podman 4.3.1: a single image of any system is stored"),
    platforms=Fact("own", f"{_LIBIMAGE}; podman#22882"),
    sparse=Fact(True, "seen with podman 4.3.1: the machine's own platform is enough"),
    nameless=Fact(True, "seen with podman 4.3.1"),
    tag_alone=Fact("localhost/{tag}:latest", "container-libs:common/libimage/pull.go"),
    referrers=Fact(False, f"{_LIBIMAGE}: one image is copied"),
    artifacts=Fact(False, f"{_LIBIMAGE}"),
    refusal=Fact(
        "payload does not match any of the supported image formats",
        f"{_LIBIMAGE}; seen with podman 4.3.1",
    ),
)
