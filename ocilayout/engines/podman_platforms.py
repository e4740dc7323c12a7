"""Which image of an index podman chooses: that of its machine, by names alone.

Source: containers/image v5.23:pkg/platform/platform_matcher.go and manifest/oci_index.go. Unlike
containerd's, an amd64 does not run 386 here, nor an arm64 arm.
"""

from collections.abc import Sequence

from ocilayout.engines.member import Member
from ocilayout.spec.platform import Platform

_VARIANTS = {"arm": ("v8", "v7", "v6", "v5"), "arm64": ("v8",)}


def chosen(members: Sequence[Member], machine: Platform) -> Member | None:
    """What podman chooses of an index on a machine; None where that is nothing."""
    for variant in _wanted_variants(machine):
        wanted = (machine.os, machine.architecture, variant)
        for member in members:
            listed = member.listed_platform
            if listed is not None and (listed.os, listed.architecture, listed.variant) == wanted:
                return member
    return next((member for member in members if member.listed_platform is None), None)


def _wanted_variants(machine: Platform) -> tuple[str, ...]:
    known = _VARIANTS.get(machine.architecture, ())
    # A machine of arm64 says that it is v8, where a person leaves that out.
    variant = machine.variant or ("v8" if machine.architecture == "arm64" else "")
    if not variant:
        return ("", *known)
    lower = known[known.index(variant) :] if variant in known else (variant,)
    return (*lower, "")
