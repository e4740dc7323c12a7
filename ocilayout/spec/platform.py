"""Platforms: which machine an image runs on, written as found and compared normalized.

The aliases are those of containerd's platforms package (github.com/containerd/platforms,
database.go): `arm64` is `arm64/v8`, `arm` is `arm/v7`, `x86_64` is `amd64`. So is the form
`windows(10.0.17763+win32k)/amd64` (platforms.go, `FormatAll`).
"""

import os
import re
import sys
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
_ARM64_VARIANTS = {"8": "", "v8": "", "v8.0": "", "9": "v9", "9.0": "v9", "v9.0": "v9"}
_SYSTEMS = {"macos": "darwin"}
_SYSTEM_NAMES = {"linux", "windows", "darwin", "freebsd", "openbsd", "netbsd", "solaris", "aix"}
_ALONE = {"amd64", "arm", "arm64", "386", "riscv64", "ppc64le", "s390x", *_ARCHITECTURES}
"""Architectures that are no operating system, so that one in front of them may be left out."""
_WORD = r"[A-Za-z0-9_.-]+"
_OPTION = r"[A-Za-z0-9_.%-]"
_SPECIFIER = re.compile(
    rf"(?P<os>{_WORD})(?:\((?P<version>{_OPTION}*)(?P<features>(?:\+{_OPTION}+)*)\))?"
    rf"(?:/(?P<architecture>{_WORD}))?(?:/(?P<variant>{_WORD}))?(?::(?P<colon_version>.+))?",
    re.ASCII,
)
_MIPS64 = "mips64" if sys.byteorder == "big" else "mips64le"
_MACHINES = {"loongarch64": ("loong64", ""), "mips64": (_MIPS64, "")}
"""What the kernel calls a machine, where Go has another word that is no alias."""

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
        """The platform that a person wrote; raises UsageError.

        OS/ARCH[/VARIANT][:OSVERSION], or as docker and containerd print it,
        OS(OSVERSION+FEATURE...)/ARCH[/VARIANT]. `local` is this machine. An architecture alone
        means Linux, whatever machine this is.
        """
        if text == "local":
            return cls.local()
        if text == "all":
            raise UsageError("all is no single platform: name one, as in linux/arm64")
        match = _SPECIFIER.fullmatch(text)
        if match is None or (match["version"] and match["colon_version"]):
            raise _no_platform(text)
        system, architecture, variant = match["os"], match["architecture"], match["variant"]
        has_options = match["features"] is not None
        if system.lower() in _ALONE or (architecture is None and system not in _SYSTEM_NAMES):
            if variant or has_options:
                raise _no_platform(text)
            system, architecture, variant = "linux", system, architecture
        if architecture is None:
            raise _no_platform(text)
        version = match["colon_version"] or _decoded(match["version"] or "", text)
        features = (match["features"] or "").split("+")[1:]
        return cls(
            system,
            architecture,
            variant or "",
            version,
            tuple(_decoded(feature, text) for feature in features),
        )

    @classmethod
    def local(cls) -> "Platform":
        """The platform of this machine."""
        kernel = os.uname()
        # The engines of macOS run Linux in a virtual machine.
        system = "linux" if kernel.sysname == "Darwin" else kernel.sysname
        return cls.of_machine(system, kernel.machine)

    @classmethod
    def of_machine(cls, system: str, machine: str, variant: str = "") -> "Platform":
        """The platform of a machine that its kernel names, as `uname` or `docker info` say it."""
        machine = machine.lower()
        arm = re.match(r"armv([0-9])", machine, re.ASCII)
        name = ("arm", f"v{arm[1]}") if arm else _MACHINES.get(machine, (machine, variant))
        return cls(system, *name).normalized

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
        """Whether an image of this platform is the one that `wanted` names.

        The version and the features of the system count only where `wanted` states them; of a
        version, the parts that it states: 10.0.17763 is 10.0.17763.1234 too.
        """
        mine, asked = self.normalized, wanted.normalized
        return (
            mine[:3] == asked[:3]
            and f"{mine.os_version}.".startswith(f"{asked.os_version}." if asked.os_version else "")
            and asked.os_features in {(), mine.os_features}
        )

    @property
    def specifier(self) -> str:
        """All that it states, in a form that `parse` reads and a shell takes where it can."""
        return self.formatted if self.os_features else str(self)

    @property
    def formatted(self) -> str:
        """All that it states, as docker and containerd print and read it."""
        if not self.os_version and not self.os_features:
            return str(self)
        options = "+".join(map(_encoded, (self.os_version, *self.os_features)))
        return "/".join(filter(None, (f"{self.os}({options})", *self[1:3])))

    def __str__(self) -> str:
        words = filter(None, (self.os, self.architecture, self.variant))
        return ("/".join(words) or UNKNOWN) + (f":{self.os_version}" if self.os_version else "")


@lru_cache(maxsize=1024)
def _normalized(platform: Platform) -> Platform:
    system = platform.os.lower()
    architecture, variant = platform.architecture.lower(), platform.variant.lower()
    if architecture in {"armhf", "armel", "i386"}:
        # What they imply holds against a variant that is stated too.
        variant = ""
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    variant = variant or implied
    if architecture == "arm64":
        variant = _ARM64_VARIANTS.get(variant, variant)
    elif architecture == "arm":
        variant = f"v{variant}" if variant in {"5", "6", "7", "8"} else variant or "v7"
    elif (architecture, variant) == ("amd64", "v1"):
        variant = ""
    return Platform(
        _SYSTEMS.get(system, system),
        architecture,
        variant,
        platform.os_version,
        tuple(sorted(set(platform.os_features))),
    )


def _no_platform(text: str) -> UsageError:
    return UsageError(
        f"{text!r} is not a platform: write OS/ARCH[/VARIANT][:OSVERSION], "
        "as in linux/arm64 or linux/arm/v7"
    )


def _encoded(option: str) -> str:
    """The option as `_decoded` reads it (platforms.go, `osOptionReplacer`)."""
    return re.sub(r"[%+()/]", lambda match: f"%{ord(match[0]):02X}", option)


def _decoded(option: str, text: str) -> str:
    """The option without percent signs that stand for other characters; raises UsageError."""
    if re.search(r"%(?![0-9A-Fa-f]{2})", option):
        raise _no_platform(text)
    octets = re.sub(rb"%(..)", lambda match: bytes([int(match[1], 16)]), option.encode())
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise _no_platform(text) from None
