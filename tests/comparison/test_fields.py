import pytest

from ocilayout.comparison.fields import FieldChange, changed_fields


def changes(before: object, after: object) -> list[FieldChange]:
    return list(changed_fields({"config": before}, {"config": after}))


def test_fields_of_objects_within_objects_are_told_apart() -> None:
    before = {"Labels": {"a.b": "1", "c": "2", "same": "3"}, "User": "0"}
    after = {"Labels": {"a.b": "9", "d": "4", "same": "3"}, "User": "0"}
    assert changes(before, after) == [
        FieldChange(("config", "Labels", "a.b"), "1", "9"),
        FieldChange(("config", "Labels", "c"), "2", None),
        FieldChange(("config", "Labels", "d"), None, "4"),
    ]


def test_an_object_that_is_on_one_side_alone_is_told_by_its_fields() -> None:
    assert changes(None, {"Labels": {"a": "1"}}) == [
        FieldChange(("config", "Labels", "a"), None, "1")
    ]


def test_an_array_is_one_value() -> None:
    found = changes({"Cmd": ["a"]}, {"Cmd": ["a", "b"]})
    assert found == [FieldChange(("config", "Cmd"), ["a"], ["a", "b"])]


def test_the_environment_is_told_by_its_variables() -> None:
    before, after = {"Env": ["A=1", "B=2=2", "C=3"]}, {"Env": ["A=1", "D=4", "B=5"]}
    assert changes(before, after) == [
        FieldChange(("config", "Env", "B"), "2=2", "5"),
        FieldChange(("config", "Env", "C"), "3", None),
        FieldChange(("config", "Env", "D"), None, "4"),
    ]


@pytest.mark.parametrize(
    "environment", [["B=2", "A=1"], ["A=1", "A=1", "B=2"], ["A=1", "B"], "A=1"]
)
def test_an_environment_that_differs_otherwise_is_one_value(environment: object) -> None:
    found = changes({"Env": ["A=1", "B=2"]}, {"Env": environment})
    assert found == [FieldChange(("config", "Env"), ["A=1", "B=2"], environment)]


@pytest.mark.parametrize("empty", [None, "", [], {}, False, 0])
def test_what_is_empty_is_not_there(empty: object) -> None:
    assert changes({}, {"User": empty}) == []
    assert changes({"User": empty}, {}) == []
