"""Annotations as people write them."""

import pytest

from ocilayout.errors import UsageError
from ocilayout.spec.annotation import AnnotationEdit, parse_removal, parse_setting
from ocilayout.spec.platform import Platform

AMD64 = Platform("linux", "amd64")


@pytest.mark.parametrize(
    ("text", "edits"),
    [
        ("a=b", [("manifest", None, "a", "b")]),
        ("a=b=c", [("manifest", None, "a", "b=c")]),
        ("a=b:c", [("manifest", None, "a", "b:c")]),
        ("a=", [("manifest", None, "a", "")]),
        ("index:a=b", [("index", None, "a", "b")]),
        ("manifest[linux/amd64]:a=b", [("manifest", AMD64, "a", "b")]),
        ("manifest:a:b=c", [("manifest", None, "a:b", "c")]),
        (
            "index,manifest-descriptor[linux/amd64]:a=b",
            [("index", None, "a", "b"), ("manifest-descriptor", AMD64, "a", "b")],
        ),
    ],
)
def test_settings(text: str, edits: list[tuple[str, Platform | None, str, str]]) -> None:
    assert parse_setting(text) == [AnnotationEdit(*edit) for edit in edits]


def test_removals() -> None:
    assert parse_removal("index,manifest:a") == [
        AnnotationEdit("index", None, "a", None),
        AnnotationEdit("manifest", None, "a", None),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a", "KEY=VALUE"),
        ("=b", "key is missing"),
        ("index:=b", "key is missing"),
        ("layer:a=b", "'layer' is no level"),
        ("manifest[]:a=b", "is no level"),
        ("index[linux/amd64]:a=b", "an index is of no platform"),
        ("manifest[a/b/c/d]:a=b", "is not a platform"),
    ],
)
def test_what_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        parse_setting(text)
