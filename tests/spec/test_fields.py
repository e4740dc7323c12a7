from collections.abc import Callable

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.spec.fields import MAX_INTEGER, Fields

WRONG = [None, True, 1, 1.5, "text", [], ["a"], {}, {"a": "b"}]
VIEWS: list[tuple[Callable[[Fields], object], list[object]]] = [
    (lambda fields: fields.text("a"), ["text"]),
    (lambda fields: fields.optional_text("a"), ["text", None]),
    (lambda fields: fields.size("a"), [1]),
    (lambda fields: fields.optional_integer("a"), [1, None]),
    (lambda fields: fields.objects("a"), [[], ["a"], None]),
    (lambda fields: fields.optional_list("a"), [[], ["a"], None]),
    (lambda fields: fields.texts("a"), [[], ["a"], None]),
    (lambda fields: fields.mapping("a"), [{}, {"a": "b"}, None]),
]


@pytest.mark.parametrize(("view", "fitting"), VIEWS)
@pytest.mark.parametrize("value", WRONG, ids=repr)
def test_a_field_has_the_type_that_is_asked_for(
    view: Callable[[Fields], object], fitting: list[object], value: object
) -> None:
    fields = Fields({"a": value}, "manifest")
    # Compared by their print: True is 1, and 1 is 1.0.
    if repr(value) in map(repr, fitting):
        assert view(fields) in (value, (), [], {}, tuple(value) if isinstance(value, list) else ())
        return
    with pytest.raises(InvalidDocument, match=r"^manifest: a is "):
        view(fields)


def test_an_empty_string_is_none() -> None:
    fields = Fields({"a": ""}, "manifest")
    assert fields.optional_text("a") is None
    with pytest.raises(InvalidDocument, match=r"^manifest: a is missing$"):
        fields.text("a")


def test_an_array_that_is_needed_may_be_null_and_not_absent() -> None:
    assert Fields({"a": None}, "manifest").objects("a") == []
    with pytest.raises(InvalidDocument, match=r"^manifest: b is missing$"):
        Fields({"a": None}, "manifest").objects("b")


@pytest.mark.parametrize("value", [None, True, 1, "text", []], ids=repr)
def test_what_is_no_object_has_no_fields(value: object) -> None:
    with pytest.raises(InvalidDocument, match=r"^m: layers\[0\] is not an object$"):
        Fields(value, "m: layers[0]")


def test_a_path_grows_from_the_document_inwards() -> None:
    inner = Fields({}, Fields({}, "index.json").path("manifests") + "[2]")
    assert inner.path("digest") == "index.json: manifests[2].digest"


@pytest.mark.parametrize("items", [["a", 1], ["a", False], [["a"]]])
def test_an_array_of_strings_holds_nothing_else(items: object) -> None:
    with pytest.raises(InvalidDocument, match=r"urls\[\d\] is not a string"):
        Fields({"urls": items}, "descriptor").texts("urls")


def test_a_map_of_strings_holds_nothing_else() -> None:
    with pytest.raises(InvalidDocument, match=r"annotations\['b'\] is not a string"):
        Fields({"annotations": {"a": "x", "b": 1}}, "index").mapping("annotations")


def test_null_among_strings_is_the_empty_string() -> None:
    fields = Fields({"urls": ["a", None], "annotations": {"a": None, "b": "x"}}, "descriptor")
    assert fields.texts("urls") == ("a", "")
    assert fields.mapping("annotations") == {"a": "", "b": "x"}


@pytest.mark.parametrize("size", [0, 1, MAX_INTEGER])
def test_a_size_is_a_count_of_bytes(size: int) -> None:
    assert Fields({"size": size}, "descriptor").size("size") == size


@pytest.mark.parametrize("size", [-1, MAX_INTEGER + 1, 1.0, "1", True, None])
def test_what_counts_no_bytes_is_no_size(size: object) -> None:
    with pytest.raises(InvalidDocument, match=r"^descriptor: size"):
        Fields({"size": size}, "descriptor").size("size")


@pytest.mark.parametrize("key", ["Manifests", "MANIFESTS", "manife\u017fts"])
def test_a_key_that_differs_by_case_alone_is_refused(key: str) -> None:
    with pytest.raises(InvalidDocument, match="by case alone"):
        Fields({key: []}, "index.json", known=("manifests",))


def test_a_key_that_nobody_knows_is_kept() -> None:
    assert Fields({"Vendor": 1}, "index.json", known=("manifests",)).value == {"Vendor": 1}
