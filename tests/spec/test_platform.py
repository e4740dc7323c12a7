import os

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocilayout.errors import InvalidDocument, UsageError
from ocilayout.spec.platform import Platform

SYSTEMS = st.sampled_from(["", "linux", "Linux", "macos", "unknown", "\u0130"])
ARCHITECTURES = st.sampled_from(
    ["", "arm", "ARM", "arm64", "armhf", "armel", "aarch64", "x86_64", "i386", "amd64"]
)
VARIANTS = st.sampled_from(["", "v1", "v2", "v8", "V8", "8", "7", "\u00b2"])
WORDS = st.text(max_size=4)
PLATFORMS = st.builds(
    Platform,
    SYSTEMS | WORDS,
    ARCHITECTURES | WORDS,
    VARIANTS | WORDS,
    WORDS,
    st.lists(WORDS, max_size=2).map(tuple),
)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", Platform("linux", "amd64")),
        ("linux/arm/v7", Platform("linux", "arm", "v7")),
        ("arm64", Platform("linux", "arm64")),
        (
            "windows/amd64:10.0.17763.1",
            Platform("windows", "amd64", os_version="10.0.17763.1"),
        ),
        ("Linux/AARCH64", Platform("Linux", "AARCH64")),
        ("linux/arm64/v9.0", Platform("linux", "arm64", "v9.0")),
        (
            "windows(10.0.17763.1234)/amd64",
            Platform("windows", "amd64", os_version="10.0.17763.1234"),
        ),
        (
            "windows(10.0.17763+win32k)/amd64",
            Platform("windows", "amd64", "", "10.0.17763", ("win32k",)),
        ),
        ("linux(+gpu+simd)/arm/v7", Platform("linux", "arm", "v7", "", ("gpu", "simd"))),
        ("windows()/amd64", Platform("windows", "amd64")),
        ("linux(+feat%2Bv2+100%25)/amd64", Platform("linux", "amd64", "", "", ("feat+v2", "100%"))),
        ("windows(1.0%28beta%29)/amd64", Platform("windows", "amd64", os_version="1.0(beta)")),
    ],
)
def test_a_platform_is_taken_as_it_is_written(text: str, platform: Platform) -> None:
    assert Platform.parse(text) == platform


@pytest.mark.parametrize(
    "text",
    [
        *["", "/", "linux/", "/amd64", "linux//v7", "a/b/c/d", "linux/amd 64", "l/\uff11", "l/\n"],
        *["linux", "windows(10.0.17763)", "amd64(1)", "arm(+gpu)/v7", "(10.0)/amd64"],
        *[
            "windows(10.0/amd64",
            "windows(10.0))/amd64",
            "windows(10.0)amd64",
            "windows/amd64(10.0)",
        ],
        *["linux(+)/amd64", "linux(gpu,simd)/amd64", "linux(%zz)/amd64", "linux(%ff)/amd64"],
        *["windows(10.0.1)/amd64:10.0.2", "linux(+gpu\n)/amd64", f"linux({'+' * 50_000})/amd64"],
    ],
)
def test_what_is_no_platform_is_a_mistake_of_who_wrote_it(text: str) -> None:
    with pytest.raises(UsageError, match="is not a platform"):
        Platform.parse(text)


@pytest.mark.parametrize(
    "text", ["linux/amd64", "linux/arm/v7", "windows/amd64:10.0", "freebsd/riscv64"]
)
def test_a_platform_prints_as_it_was_written(text: str) -> None:
    assert str(Platform.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["linux(+gpu+simd)/arm/v7", "windows(10.0.17763+win32k)/amd64", "linux(+feat%2Bv2)/amd64"],
)
def test_features_are_written_as_containerd_writes_them(text: str) -> None:
    assert Platform.parse(text).specifier == text


@pytest.mark.parametrize(
    ("text", "formatted"),
    [
        ("windows/amd64:10.0.17763.1", "windows(10.0.17763.1)/amd64"),
        ("windows(10.0.17763+win32k)/amd64", "windows(10.0.17763+win32k)/amd64"),
        ("linux/arm/v7", "linux/arm/v7"),
    ],
)
def test_a_platform_is_given_to_engines_in_their_own_form(text: str, formatted: str) -> None:
    assert Platform.parse(text).formatted == formatted


@pytest.mark.parametrize(
    ("names", "platform"),
    [
        (("linux", "x86_64"), "linux/amd64"),
        (("linux", "armv7l"), "linux/arm/v7"),
        (("linux", "arm", "v6"), "linux/arm/v6"),
        (("linux", "arm64", "v8"), "linux/arm64"),
        (("windows", "x86_64"), "windows/amd64"),
    ],
)
def test_a_machine_has_the_platform_that_its_engine_says(
    names: tuple[str, ...], platform: str
) -> None:
    assert str(Platform.of_machine(*names)) == platform


def test_all_is_no_single_platform() -> None:
    with pytest.raises(UsageError, match="no single platform"):
        Platform.parse("all")


@pytest.mark.parametrize(
    ("system", "machine", "platform"),
    [
        ("Linux", "x86_64", "linux/amd64"),
        ("Linux", "i686", "linux/386"),
        ("Linux", "aarch64", "linux/arm64"),
        ("Linux", "armv7l", "linux/arm/v7"),
        ("Linux", "armv6l", "linux/arm/v6"),
        ("Linux", "armv5tel", "linux/arm/v5"),
        ("Linux", "armv8l", "linux/arm/v8"),
        ("Linux", "ppc64le", "linux/ppc64le"),
        ("Linux", "loongarch64", "linux/loong64"),
        ("FreeBSD", "amd64", "freebsd/amd64"),
        ("Darwin", "arm64", "linux/arm64"),
    ],
)
def test_local_is_this_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, platform: str
) -> None:
    kernel = os.uname_result((system, "host", "6.1", "#1", machine))
    monkeypatch.setattr(os, "uname", lambda: kernel)
    assert str(Platform.parse("local")) == platform


@settings(deadline=None, max_examples=200)
@given(PLATFORMS)
@example(Platform("MacOS", "armhf", "8"))
def test_normalizing_twice_is_normalizing_once(platform: Platform) -> None:
    assert platform.normalized.normalized == platform.normalized


@settings(deadline=None, max_examples=50)
@given(PLATFORMS)
def test_a_platform_fits_itself(platform: Platform) -> None:
    assert platform.fits(platform)


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/aarch64", "arm64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/i386", "linux/386"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/armhf", "linux/arm"),
        ("linux/armel", "linux/arm/v6"),
        ("LINUX/AMD64", "linux/amd64"),
        ("macos/arm64", "darwin/arm64"),
        ("windows/amd64:10.0.1", "windows/amd64"),
        ("windows/amd64:10.0.1", "windows/amd64:10.0.1"),
        ("windows/amd64:10.0.1", "windows(10.0.1)/amd64"),
        ("windows/amd64:10.0.17763.1234", "windows(10.0.17763)/amd64"),
        ("windows(10.0.17763+win32k)/amd64", "windows/amd64"),
        ("windows(10.0.17763+win32k)/amd64", "windows(+win32k)/amd64"),
        ("linux(+simd+gpu)/amd64", "linux(+gpu+simd)/amd64"),
        ("linux/arm64/v9.0", "linux/arm64/v9"),
        ("linux/arm64/9", "linux/arm64/v9.0"),
        ("linux/arm64/v8.0", "linux/arm64"),
    ],
)
def test_an_alias_is_the_platform_it_stands_for(image: str, wanted: str) -> None:
    assert Platform.parse(image).fits(Platform.parse(wanted))


@pytest.mark.parametrize(
    ("image", "wanted"),
    [
        ("linux/arm64", "linux/amd64"),
        ("linux/amd64", "windows/amd64"),
        ("linux/arm/v6", "linux/arm"),
        ("linux/arm", "linux/arm/v6"),
        ("linux/amd64/v2", "linux/amd64"),
        ("windows/amd64:10.0.1", "windows/amd64:10.0.2"),
        ("windows/amd64", "windows/amd64:10.0.1"),
        ("windows/amd64:10.0.177631", "windows/amd64:10.0.17763"),
        ("windows/amd64", "windows(+win32k)/amd64"),
        ("linux(+gpu+simd)/amd64", "linux(+gpu)/amd64"),
        ("linux/arm64", "linux/arm64/v9"),
        ("linux/386", "linux/amd64"),
        ("linux/arm/v7", "linux/arm64"),
    ],
)
def test_another_machine_does_not_fit(image: str, wanted: str) -> None:
    assert not Platform.parse(image).fits(Platform.parse(wanted))


def test_fields_are_read_and_written_as_the_specification_has_them() -> None:
    fields = {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0",
        "os.features": ["win32k"],
        "variant": "v1",
    }
    assert Platform.from_fields(fields, "platform").to_fields() == fields


@pytest.mark.parametrize(
    "fields",
    [[], "linux", {"os": 1}, {"os": ["linux"]}, {"os.features": "x"}, {"OS": "linux"}],
    ids=repr,
)
def test_fields_of_another_type_are_refused(fields: object) -> None:
    with pytest.raises(InvalidDocument, match=r"^config"):
        Platform.from_fields(fields, "config")


def test_half_a_platform_is_read_but_never_written() -> None:
    half = Platform.from_fields({"os": "linux", "architecture": None}, "config")
    assert half.is_unknown
    with pytest.raises(InvalidDocument, match="lacks"):
        half.to_fields()


@pytest.mark.parametrize("text", ["unknown/unknown", "linux/unknown", "unknown/amd64"])
def test_what_says_unknown_is_unknown(text: str) -> None:
    assert Platform.parse(text).is_unknown
    assert not Platform.parse("linux/amd64").is_unknown


def test_arm_alone_may_be_any_arm() -> None:
    assert Platform.parse("linux/arm").lacks_arm_variant
    assert not Platform.parse("linux/arm/v7").lacks_arm_variant
    assert not Platform.parse("linux/arm64").lacks_arm_variant


@pytest.mark.parametrize(
    ("platform", "text"),
    [
        (Platform("", "amd64"), "amd64"),
        (Platform("", "arm", "v7"), "arm/v7"),
        (Platform("linux", ""), "linux"),
        (Platform("", ""), "unknown"),
    ],
)
def test_what_a_platform_does_not_state_leaves_no_gap_in_a_message(
    platform: Platform, text: str
) -> None:
    assert str(platform) == text
