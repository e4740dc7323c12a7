"""Platforms: which machine an image runs on, written as found and compared normalized.

The aliases are those of containerd's platforms package (github.com/containerd/platforms,
database.go): `arm64` is `arm64/v8`, `arm` is `arm/v7`, `x86_64` is `amd64`.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from ocilayout.errors import InvalidDocument, UsageError
from ocilayout.spec.fields import Fields

_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "i386": ("386", ""),
    "i686": ("386", ""),
    "aarch64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
}
_SYSTEMS = {"macos": "darwin"}
_SYSTEM_NAMES = {"linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "aix"}
_ALONE = {"amd64", "arm", "arm64", "386", "riscv64", "ppc64le", "s390x", *_ARCHITECTURES}
"""Architectures that are no operating system, so that one in front of them may be left out."""
_DEFAULT_VARIANTS = {("arm64", "v8"), ("amd64", "v1")}
_WORD = r"[A-Za-z0-9_.-]+"

UNKNOWN = "unknown"
FIELDS = ("os", "architecture", "variant", "os.version", "os.features")


class Platform(NamedTuple):
    """An operating system and an architecture, as the image states them."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """The platform that a person wrote as OS/ARCH[/VARIANT][:OSVERSION].

        An architecture alone means Linux, whatever machine this is. Raises UsageError.
        """
        name, _, version = text.partition(":")
        words = name.split("/")
        if words[0].lower() in _ALONE or (len(words) == 1 and words[0] not in _SYSTEM_NAMES):
            words = ["linux", *words]
        if not 2 <= len(words) <= 3 or not all(
            re.fullmatch(_WORD, word, re.ASCII) for word in words
        ):
            raise UsageError(
                f"{text!r} is not a platform: write OS/ARCH[/VARIANT][:OSVERSION], "
                "as in linux/arm64 or linux/arm/v7"
            )
        return cls(words[0], words[1], "".join(words[2:]), version)

    @classmethod
    def from_fields(cls, value: object, where: str) -> "Platform":
        """The platform of a descriptor or a config; raises InvalidDocument."""
        fields = Fields(value, where, known=FIELDS)
        return cls(
            fields.optional_text("os") or "",
            fields.optional_text("architecture") or "",
            fields.optional_text("variant") or "",
            fields.optional_text("os.version") or "",
            fields.texts("os.features"),
        )

    def to_fields(self) -> dict[str, object]:
        """As a descriptor's `platform` has it (image-index.md)."""
        if not self.os or not self.architecture:
            raise InvalidDocument(f"platform {self} lacks its os or its architecture")
        found: dict[str, object] = {"architecture": self.architecture, "os": self.os}
        if self.os_version:
            found["os.version"] = self.os_version
        if self.os_features:
            found["os.features"] = list(self.os_features)
        if self.variant:
            found["variant"] = self.variant
        return found

    @property
    def normalized(self) -> "Platform":
        """The form in which platforms are compared."""
        return _normalized(self)

    @property
    def is_unknown(self) -> bool:
        """Whether it says `unknown/unknown`, as attestations do, or nothing."""
        return self.os in {"", UNKNOWN} or self.architecture in {"", UNKNOWN}

    @property
    def lacks_arm_variant(self) -> bool:
        """Whether it may be anything from arm/v5 to arm/v7."""
        return self.architecture == "arm" and not self.variant

    def fits(self, wanted: "Platform") -> bool:
        """Whether an image of this platform is one that `wanted` asks for.

        The OS version counts only where it was asked for.
        """
        mine, asked = self.normalized, wanted.normalized
        return (mine.os, mine.architecture, mine.variant) == (
            asked.os,
            asked.architecture,
            asked.variant,
        ) and asked.os_version in {"", mine.os_version}

    def __str__(self) -> str:
        words = filter(None, (self.os, self.architecture, self.variant))
        return ("/".join(words) or UNKNOWN) + (f":{self.os_version}" if self.os_version else "")


@lru_cache(maxsize=1024)
def _normalized(platform: Platform) -> Platform:
    system = platform.os.lower()
    architecture, variant = platform.architecture.lower(), platform.variant.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    variant = variant or implied
    if variant.isdigit() and architecture in {"arm", "arm64"}:
        variant = f"v{variant}"
    if architecture == "arm" and not variant:
        variant = "v7"
    if (architecture, variant) in _DEFAULT_VARIANTS:
        variant = ""
    return Platform(
        _SYSTEMS.get(system, system),
        architecture,
        variant,
        platform.os_version,
        tuple(sorted(platform.os_features)),
    )
