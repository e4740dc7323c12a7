"""Which operating systems run on which architectures, by the words of Go that images use.

The list is that of `go tool dist list` (Go 1.25) with what Go dropped before. It grows, so what
is not in it may well be right.
"""

from ocilayout.spec.platform import Platform

_ARCHITECTURES = {
    "aix": "ppc64",
    "android": "386 amd64 arm arm64",
    "darwin": "386 amd64 arm arm64",
    "dragonfly": "amd64",
    "freebsd": "386 amd64 arm arm64 riscv64",
    "illumos": "amd64",
    "ios": "amd64 arm64",
    "js": "wasm",
    "linux": "386 amd64 arm arm64 loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x",
    "netbsd": "386 amd64 arm arm64",
    "openbsd": "386 amd64 arm arm64 mips64 ppc64 riscv64",
    "plan9": "386 amd64 arm",
    "solaris": "amd64",
    "wasi": "wasm",
    "wasip1": "wasm",
    "windows": "386 amd64 arm arm64",
}


def is_known(platform: Platform) -> bool:
    """Whether Go, and so the tools that are written in it, has a word for it."""
    return platform.architecture in _ARCHITECTURES.get(platform.os, "").split()
