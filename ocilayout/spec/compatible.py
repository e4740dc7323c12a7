"""Which platforms a machine runs, the best first, as engines choose among the images of an index.

These are the rules of containerd and docker: github.com/containerd/platforms, compare.go (`Only`,
`platformVector`), platforms.go (`NewMatcher`) and platform_windows_compat.go.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from ocilayout.spec.platform import Platform

_VARIANT = re.compile(r"v([0-9]{1,2})(?:\.([0-9]))?", re.ASCII)
_OLDEST_ARM = 5

_WINDOWS_2022 = 20348
"""The first build whose successors run its containers; older ones run their own alone."""

Preference = tuple[int, int, tuple[int, ...]]
"""How well an image suits a machine, the least being the best."""


def as_machine(platform: Platform) -> Platform:
    """What a machine of a platform is, where it does not say which features it has.

    A Windows has win32k, which its images ask for (defaults_windows.go).
    """
    if platform.normalized.os != "windows" or platform.os_features:
        return platform
    return platform._replace(os_features=("win32k",))


def best(machine: Platform, images: Iterable[Platform]) -> Platform | None:
    """The image's platform that an engine on `machine` takes; the first of equals, or None."""
    chosen = choice(machine, images)
    return None if chosen is None else chosen[1]


def choice(machine: Platform, images: Iterable[Platform]) -> tuple[Preference, Platform] | None:
    """What `best` returns, with how well it suits the machine."""
    ranked = ((preference(machine, image), image) for image in images)
    running = [(rank, image) for rank, image in ranked if rank is not None]
    return min(running, key=lambda pair: pair[0], default=None)


def runs(machine: Platform, image: Platform) -> bool:
    """Whether a machine of one platform runs images of another."""
    return preference(machine, image) is not None


def absence(wanted: Platform, present: Iterable[Platform]) -> str:
    """That there is no image of exactly this platform, and which one would run there."""
    known = list(dict.fromkeys(image for image in present if not image.is_unknown))
    listed = ", ".join(dict.fromkeys(map(str, known))) or "no platform at all"
    text = f"no image for {wanted.specifier} here, but for {listed}"
    taken = best(wanted, known)
    if taken is None:
        return text
    return f"{text}; {taken.specifier} would run there: --platform {taken.specifier}"


def preference(machine: Platform, image: Platform) -> Preference | None:
    """How well `image` suits `machine`; None where the machine does not run it.

    First its place in `compatible`, then the most features of the system, then on Windows the
    newest version.
    """
    host, normal = machine.normalized, image.normalized
    choices = compatible(host.os, host.architecture, host.variant)
    name = (normal.architecture, normal.variant)
    if normal.os != host.os or name not in choices:
        return None
    if not set(normal.os_features) <= set(host.os_features):
        return None
    if host.os == "windows" and not _runs_version(host.os_version, normal.os_version):
        return None
    version = _windows_version(normal.os_version) if host.os == "windows" else ()
    return choices.index(name), -len(normal.os_features), tuple(-part for part in version)


@lru_cache(maxsize=64)
def compatible(system: str, architecture: str, variant: str) -> tuple[tuple[str, str], ...]:
    """Architecture and variant, normalized, of all that a normalized platform runs, best first."""
    own = (architecture, variant)
    others: list[tuple[str, str]] = []
    if architecture == "amd64":
        others = [*_amd64_below(variant), ("386", "")]
    elif architecture == "arm":
        others = _arm_below(variant)
    elif architecture == "arm64":
        stated = variant or "v8"
        # There is no 32-bit v8.1: each of them runs what arm/v8 runs.
        arm = "v8" if stated.startswith(("v8.", "v9.")) else stated
        others = [*_arm64_below(stated), ("arm", arm), *_arm_below(arm)]
    names = (Platform(system, *name).normalized for name in (own, *others))
    return tuple(dict.fromkeys((name.architecture, name.variant) for name in names))


def _amd64_below(variant: str) -> list[tuple[str, str]]:
    major, _ = _numbers(variant)
    return [("amd64", f"v{number}") for number in range(major - 1, 0, -1)]


def _arm_below(variant: str) -> list[tuple[str, str]]:
    major, _ = _numbers(variant)
    return [("arm", f"v{number}") for number in range(major - 1, _OLDEST_ARM - 1, -1)]


def _arm64_below(variant: str) -> list[tuple[str, str]]:
    major, minor = _numbers(variant)
    below = [("arm64", f"v{major}.{number}") for number in range(minor - 1, -1, -1)]
    if major == 9:
        # v9.0 has what v8.5 has, v9.4 what v8.9 has, which is the last of its line.
        newest = min(minor + 5, 9)
        below += [("arm64", f"v8.{number}") for number in range(newest, -1, -1)]
    return below


def _numbers(variant: str) -> tuple[int, int]:
    """Of v9.2 the 9 and the 2; zeros where the variant has another form."""
    match = _VARIANT.fullmatch(variant)
    return (int(match[1]), int(match[2] or 0)) if match else (0, 0)


def _runs_version(host: str, image: str) -> bool:
    """Whether a Windows of one version runs containers of another; all where one is not stated."""
    mine, its = _windows_version(host), _windows_version(image)
    if not any(mine) or not image:
        return True
    if mine[:2] != its[:2]:
        return False
    if mine[2] < _WINDOWS_2022:
        return mine[2] == its[2]
    return _WINDOWS_2022 <= its[2] <= mine[2]


def _windows_version(text: str) -> tuple[int, ...]:
    """Major, minor, build and revision; zeros where it is no version of Windows."""
    parts = text.split(".")
    if len(parts) < 3 or not all(re.fullmatch(r"[0-9]{1,5}", part, re.ASCII) for part in parts[:3]):
        return (0, 0, 0, 0)
    revision = parts[3] if len(parts) > 3 else ""
    is_number = re.fullmatch(r"[0-9]{1,9}", revision, re.ASCII)
    return (*map(int, parts[:3]), int(revision) if is_number else 0)
