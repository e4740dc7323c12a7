"""Which image of an index a machine takes, by the rules of containerd's platforms package.

Each row is derived from github.com/containerd/platforms: compare.go (`Only` puts the platforms of
`platformVector` in order, `Less` prefers more features), database.go (`Normalize`), platforms.go
(`NewMatcher`: features are a subset) and platform_windows_compat.go (builds, the newest first).
Many are the rows of its own compare_test.go (`TestOnly`).
"""

import pytest

from ocilayout.spec.compatible import as_machine, best, runs
from ocilayout.spec.platform import Platform

# The machine | the images in the order of the index | the image that is taken.
ROWS = """
# amd64: its own, then the variants below, then 386.
linux/amd64 | linux/amd64 | linux/amd64
linux/amd64 | linux/386 | linux/386
linux/amd64 | linux/386 linux/amd64 | linux/amd64
linux/amd64 | linux/arm64 linux/386 linux/amd64 | linux/amd64
linux/amd64 | linux/arm64 linux/386 | linux/386
linux/amd64 | linux/amd64/v1 | linux/amd64/v1
linux/amd64 | linux/amd64/v2 | -
linux/amd64 | linux/amd64/v2 linux/386 | linux/386
linux/amd64 | linux/amd64/v3 linux/amd64/v2 linux/amd64 | linux/amd64
linux/amd64 | linux/x86_64 | linux/x86_64
linux/amd64 | linux/x86-64 | linux/x86-64
linux/amd64 | linux/i386 | linux/i386
linux/amd64 | LINUX/AMD64 | LINUX/AMD64
linux/amd64 | linux/arm64 | -
linux/amd64 | linux/arm/v7 | -
linux/amd64 | windows/amd64 | -
linux/amd64 | windows/arm | -
linux/amd64 | linux/riscv64 linux/s390x linux/ppc64le | -
linux/amd64 | unknown/unknown | -
linux/amd64/v1 | linux/amd64 | linux/amd64
linux/amd64/v1 | linux/amd64/v2 | -
linux/amd64/v2 | linux/amd64 | linux/amd64
linux/amd64/v2 | linux/amd64/v1 | linux/amd64/v1
linux/amd64/v2 | linux/amd64 linux/amd64/v2 | linux/amd64/v2
linux/amd64/v2 | linux/386 linux/amd64 | linux/amd64
linux/amd64/v2 | linux/amd64/v3 | -
linux/amd64/v2 | linux/amd64/v4 | -
linux/amd64/v3 | linux/amd64 linux/amd64/v2 | linux/amd64/v2
linux/amd64/v3 | linux/amd64 linux/amd64/v2 linux/amd64/v3 linux/amd64/v4 | linux/amd64/v3
linux/amd64/v3 | linux/386 | linux/386
linux/amd64/v4 | linux/amd64/v3 linux/amd64/v2 | linux/amd64/v3
linux/amd64/v4 | linux/amd64/v1 linux/386 | linux/amd64/v1
linux/x86_64/v3 | linux/amd64/v2 | linux/amd64/v2
linux/x86_64 | linux/amd64 | linux/amd64
linux/amd64/x | linux/amd64 | -
linux/amd64/x | linux/386 | linux/386
linux/amd64/x | linux/amd64/x | linux/amd64/x
# 386 runs itself alone.
linux/386 | linux/386 | linux/386
linux/386 | linux/i386 | linux/i386
linux/386 | linux/amd64 | -
linux/i386 | linux/386 | linux/386
linux/386 | linux/arm/v7 linux/arm64 windows/amd64 | -
# arm: v7 where none is stated, then down to v5.
linux/arm | linux/arm/v7 | linux/arm/v7
linux/arm | linux/arm/v6 | linux/arm/v6
linux/arm | linux/arm/v8 | -
linux/arm/v7 | linux/arm | linux/arm
linux/arm/v7 | linux/arm/v5 linux/arm/v6 linux/arm/v7 | linux/arm/v7
linux/arm/v7 | linux/arm/v5 linux/arm/v6 | linux/arm/v6
linux/arm/v7 | linux/arm/v5 | linux/arm/v5
linux/arm/v7 | linux/arm/v4 | -
linux/arm/v7 | linux/arm/v8 linux/arm64 | -
linux/arm/v7 | linux/armhf | linux/armhf
linux/arm/v7 | linux/armel linux/armhf | linux/armhf
linux/arm/v7 | linux/armel | linux/armel
linux/arm/v7 | linux/arm/7 | linux/arm/7
linux/arm/v7 | windows/arm linux/amd64 | -
linux/arm/v6 | linux/arm/v6 linux/arm/v5 | linux/arm/v6
linux/arm/v6 | linux/arm/v5 | linux/arm/v5
linux/arm/v6 | linux/arm | -
linux/arm/v6 | linux/arm/v7 | -
linux/arm/v6 | linux/armel | linux/armel
linux/arm/v5 | linux/arm/v5 | linux/arm/v5
linux/arm/v5 | linux/arm/v6 linux/arm/v7 linux/arm linux/arm/v4 | -
linux/arm/v4 | linux/arm/v4 | linux/arm/v4
linux/arm/v4 | linux/arm/v5 linux/arm | -
linux/arm/v8 | linux/arm/v8 linux/arm | linux/arm/v8
linux/arm/v8 | linux/arm | linux/arm
linux/arm/v8 | linux/arm/v5 linux/arm/v6 | linux/arm/v6
linux/arm/v8 | linux/arm64 | -
linux/arm/8 | linux/arm/v7 | linux/arm/v7
linux/armhf | linux/arm/v6 linux/arm | linux/arm
linux/armel | linux/arm | -
linux/armel | linux/arm/v5 | linux/arm/v5
# arm64: v8 where none is stated, then the 32-bit ones from v8 down.
linux/arm64 | linux/arm64 | linux/arm64
linux/arm64 | linux/arm64/v8 | linux/arm64/v8
linux/arm64 | linux/arm64/v8.0 | linux/arm64/v8.0
linux/arm64 | linux/aarch64 | linux/aarch64
linux/arm64/v8 | linux/arm64 | linux/arm64
linux/aarch64 | linux/arm64/v8 | linux/arm64/v8
linux/arm64 | linux/arm/v7 linux/arm64 | linux/arm64
linux/arm64 | linux/arm/v5 linux/arm/v6 linux/arm/v7 linux/arm/v8 | linux/arm/v8
linux/arm64 | linux/arm/v6 linux/arm/v7 | linux/arm/v7
linux/arm64 | linux/arm/v6 linux/arm | linux/arm
linux/arm64 | linux/arm/v5 | linux/arm/v5
linux/arm64 | linux/arm/v4 | -
linux/arm64 | linux/arm/v9 | -
linux/arm64 | linux/arm64/v7 | -
linux/arm64 | linux/arm64/v8.1 linux/arm64/v9 | -
linux/arm64 | linux/arm64/v9 linux/arm/v7 | linux/arm/v7
linux/arm64 | linux/amd64 windows/arm64 windows/arm | -
linux/arm64/v8.1 | linux/arm64 | linux/arm64
linux/arm64/v8.1 | linux/arm64/v8.1 linux/arm64 | linux/arm64/v8.1
linux/arm64/v8.1 | linux/arm64/v8.2 linux/arm64/v9 | -
linux/arm64/v8.1 | linux/arm/v8 | linux/arm/v8
linux/arm64/v8.1 | linux/arm/v9 | -
linux/arm64/v8.4 | linux/arm64/v8.1 linux/arm64/v8.3 linux/arm64/v8.5 | linux/arm64/v8.3
linux/arm64/v8.4 | linux/arm/v7 | linux/arm/v7
linux/arm64/v8.9 | linux/arm64/v8.2 linux/arm64 | linux/arm64/v8.2
linux/arm64/v9 | linux/arm64/v9 | linux/arm64/v9
linux/arm64/v9 | linux/arm64/v9.0 | linux/arm64/v9.0
linux/arm64/v9.0 | linux/arm64/v9 | linux/arm64/v9
linux/arm64/v9.0 | linux/arm64/9 | linux/arm64/9
linux/arm64/9 | linux/arm64/v9.0 | linux/arm64/v9.0
linux/arm64/v9 | linux/arm64 linux/arm64/v9 | linux/arm64/v9
linux/arm64/v9 | linux/arm64 | linux/arm64
linux/arm64/v9 | linux/arm64/v8 linux/arm64/v8.3 linux/arm64/v8.5 | linux/arm64/v8.5
linux/arm64/v9 | linux/arm64/v8.6 | -
linux/arm64/v9 | linux/arm64/v9.1 linux/arm64/v10 linux/arm64/v7 | -
linux/arm64/v9 | linux/arm/v7 linux/arm/v8 | linux/arm/v8
linux/arm64/v9 | linux/arm/v9 linux/arm/v8 | linux/arm/v9
linux/arm64/v9 | linux/arm/v4 linux/amd64 windows/arm64 | -
linux/arm64/v9.2 | linux/arm64/v9 linux/arm64/v9.1 | linux/arm64/v9.1
linux/arm64/v9.2 | linux/arm64/v8.7 linux/arm64/v9 | linux/arm64/v9
linux/arm64/v9.2 | linux/arm64/v8.8 | -
linux/arm64/v9.2 | linux/arm64/v8.7 linux/arm64/v8.6 | linux/arm64/v8.7
linux/arm64/v9.2 | linux/arm/v9 linux/arm/v8 | linux/arm/v8
linux/arm64/v9.6 | linux/arm64/v8.9 | linux/arm64/v8.9
linux/arm64/v9.6 | linux/arm64/v9.5 linux/arm64/v9.4 | linux/arm64/v9.5
linux/arm64/v10 | linux/arm64 | -
linux/arm64/v10 | linux/arm/v7 | linux/arm/v7
# Others run themselves alone, under the same variant.
linux/riscv64 | linux/riscv64 | linux/riscv64
linux/riscv64 | linux/riscv64/rva23u64 | -
linux/ppc64le | linux/ppc64le linux/ppc64 | linux/ppc64le
linux/ppc64le | linux/ppc64 | -
linux/s390x | linux/s390 linux/amd64 | -
darwin/arm64 | macos/arm64 | macos/arm64
darwin/arm64 | linux/arm64 | -
macos/amd64 | darwin/amd64 | darwin/amd64
freebsd/amd64 | linux/amd64 freebsd/amd64 | freebsd/amd64
# Windows: any version where one is not stated; else the same build, and from 20348 on older ones.
windows/amd64 | windows/amd64 | windows/amd64
windows/amd64 | windows(10.0.17763)/amd64 | windows(10.0.17763)/amd64
windows/amd64 | linux/amd64 windows/arm | -
windows/amd64 | windows/386 | windows/386
windows(10.0.17763)/amd64 | windows/amd64 | windows/amd64
windows(10.0.17763)/amd64 | windows(10.0.17763.1234)/amd64 | windows(10.0.17763.1234)/amd64
windows(10.0.17763.5)/amd64 | windows(10.0.17763.1234)/amd64 | windows(10.0.17763.1234)/amd64
windows(10.0.17763)/amd64 | windows(10.0.20348)/amd64 | -
windows(10.0.19041)/amd64 | windows(10.0.17763)/amd64 | -
windows(10.0.20348)/amd64 | windows(10.0.17763)/amd64 | -
windows(10.0.20348)/amd64 | windows(10.0.20348.1)/amd64 | windows(10.0.20348.1)/amd64
windows(10.0.22621)/amd64 | windows(10.0.17763)/amd64 | -
windows(10.0.22621)/amd64 | windows(10.0.20348)/amd64 | windows(10.0.20348)/amd64
windows(10.0.26100)/amd64 | windows(10.0.26200)/amd64 | -
windows(10.0.26100)/amd64 | windows(11.0.26100)/amd64 | -
windows(10.0.26100)/amd64 | windows(newest)/amd64 | -
windows(10.0.20348.3091)/amd64 | windows(10.0.20348.3091)/amd64 windows(10.0.26100.2894)/amd64 | \
windows(10.0.20348.3091)/amd64
windows(10.0.26100.2894)/amd64 | windows(10.0.20348.3091)/amd64 windows(10.0.26100.2894)/amd64 | \
windows(10.0.26100.2894)/amd64
windows(10.0.26100.2894)/amd64 | windows(10.0.20348.3091)/amd64 windows(10.0.26100.3000)/amd64 | \
windows(10.0.26100.3000)/amd64
windows(10.0)/amd64 | windows(10.0.17763)/amd64 | windows(10.0.17763)/amd64
# Of another system, the version is not looked at.
linux(5.10)/amd64 | linux(6.1)/amd64 | linux(6.1)/amd64
# Features: the machine has all that the image asks for; the image with the most is taken.
linux/amd64 | linux(+gpu)/amd64 | -
linux/amd64 | linux(+gpu)/amd64 linux/amd64 | linux/amd64
linux(+gpu)/amd64 | linux/amd64 | linux/amd64
linux(+gpu)/amd64 | linux/amd64 linux(+gpu)/amd64 | linux(+gpu)/amd64
linux(+gpu+simd)/amd64 | linux(+gpu)/amd64 linux(+simd+gpu)/amd64 | linux(+simd+gpu)/amd64
linux(+gpu)/amd64 | linux(+simd)/amd64 | -
linux(+gpu)/amd64 | linux(+gpu)/386 linux/amd64 | linux/amd64
windows(10.0.17763+win32k)/amd64 | windows(10.0.17763.1+win32k)/amd64 | \
windows(10.0.17763.1+win32k)/amd64
windows(10.0.17763)/amd64 | windows(10.0.17763.1+win32k)/amd64 | -
"""
TABLE = [
    tuple(cell.strip() for cell in row.split("|"))
    for row in ROWS.splitlines()
    if row and not row.startswith("#")
]


def parse_all(text: str) -> list[Platform]:
    return [Platform.parse(word) for word in text.split()]


def test_the_table_is_large() -> None:
    assert len(TABLE) >= 100
    assert len(set(TABLE)) == len(TABLE)


@pytest.mark.parametrize(("machine", "images", "taken"), TABLE)
def test_a_machine_takes_what_containerd_takes(machine: str, images: str, taken: str) -> None:
    wanted = None if taken == "-" else Platform.parse(taken)
    assert best(Platform.parse(machine), parse_all(images)) == wanted


@pytest.mark.parametrize(("machine", "images", "taken"), TABLE)
def test_what_runs_is_what_may_be_taken(machine: str, images: str, taken: str) -> None:
    assert any(runs(Platform.parse(machine), image) for image in parse_all(images)) == (
        taken != "-"
    )


def test_of_equals_the_first_in_the_index_is_taken() -> None:
    images = parse_all("linux/arm64/v8 linux/arm64")
    assert best(Platform.parse("linux/arm64"), images) is images[0]


@pytest.mark.parametrize(
    "variant", ["v999999999999", "v9.999999999", "v9.9.9", "v-1", "v\u0662", "9" * 5000]
)
@pytest.mark.parametrize("architecture", ["amd64", "arm", "arm64", "riscv64"])
def test_a_variant_that_nobody_has_costs_nothing(architecture: str, variant: str) -> None:
    machine = Platform("linux", architecture, variant)
    assert runs(machine, machine)
    assert not runs(Platform("linux", architecture), machine)


def test_a_windows_has_what_images_of_windows_ask_for() -> None:
    image = Platform.parse("windows(10.0.20348.1+win32k)/amd64")
    machine = Platform.parse("windows(10.0.20348)/amd64")
    assert not runs(machine, image)
    assert runs(as_machine(machine), image)
    assert not runs(as_machine(Platform.parse("windows(+nothing)/amd64")), image)
    assert as_machine(Platform.parse("linux/amd64")) == Platform.parse("linux/amd64")
