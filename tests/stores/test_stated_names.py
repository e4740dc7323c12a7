"""Names that are given: capitals are told, and a layout may call an image what nobody else may."""

import pytest

from ocilayout.errors import UsageError
from ocilayout.stores.places import parse_destination, registry_place
from ocilayout.stores.stated_names import checked_image_name, checked_name


@pytest.mark.parametrize(
    ("name", "lower"),
    [
        ("reg/foo/screenApp:1", "reg/foo/screenapp:1"),
        ("MyApp:V1", "myapp:V1"),
        ("registry.example/Foo/bar", "registry.example/foo/bar"),
        ("localhost:5000/App:1", "localhost:5000/app:1"),
        ("Registry.Example/App:1", "registry.example/app:1"),
        ("team/APP:latest", "team/app:latest"),
    ],
)
def test_a_name_with_capitals_is_told_and_how_it_is_in_lower_case(name: str, lower: str) -> None:
    for check in (checked_name, checked_image_name, lambda name: registry_place(name, name)):
        with pytest.raises(UsageError, match="capitals") as raised:
            check(name)
        assert str(raised.value).endswith(f"write {lower}")


@pytest.mark.parametrize("place", ["new", "new.tar", "docker-daemon", "docker:/"])
def test_a_destination_takes_no_capitals_either(place: str) -> None:
    joint = "/" if place == "docker:/" else ":"
    with pytest.raises(UsageError, match="capitals"):
        checked_image_name(parse_destination(f"{place}{joint}team/App:1").name or "")


@pytest.mark.parametrize("name", ["app:V1", "V1", "Registry.Example/app:1", "LOCALHOST:5000/app"])
def test_a_tag_and_a_registry_may_have_capitals(name: str) -> None:
    assert checked_image_name(name) == checked_name(name)


def test_what_a_layout_alone_may_hold_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ocilayout")
    assert checked_name("Feature/UPPER") == "Feature/UPPER"
    assert "only a layout holds it: as an image name it is feature/upper" in caplog.text
    with pytest.raises(UsageError, match="only a layout holds such a name"):
        checked_image_name("Feature/UPPER")


def test_a_first_word_with_capitals_is_a_registry(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ocilayout")
    assert checked_image_name("Team/app:1") == "Team/app:1"
    assert "Team in Team/app:1 is read as a registry" in caplog.text
    assert "in lower case it is team/app:1" in caplog.text
