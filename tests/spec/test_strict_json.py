import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocilayout.errors import InvalidDocument
from ocilayout.spec import strict_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
).filter(lambda value: "inf" not in repr(value))
WORDS = ['"a"', '"b"', "1.5", "-1", "01", "true", "null", "NaN", "Infinity", '"\\ud800"', "/**/"]
FRAGMENTS = st.lists(
    st.sampled_from(list('{}[],:-\\" \n\0\ufeff0')) | st.sampled_from(WORDS), max_size=9
).map("".join)


@settings(deadline=None, max_examples=100)
@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_an_encoder_wrote_is_read_as_it_was(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    raw = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert strict_json.parse(raw, "document") == value


@settings(deadline=None, max_examples=300)
@given(FRAGMENTS)
def test_what_is_read_at_all_is_read_as_the_standard_parser_reads_it(text: str) -> None:
    with suppress(InvalidDocument):
        value = strict_json.parse(text.encode(), "document")
        assert value == json.loads(text)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=24))
def test_bytes_that_mean_nothing_raise_one_kind_of_error(raw: bytes) -> None:
    with suppress(InvalidDocument):
        strict_json.parse(raw, "document")


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(TEXTS, VALUES, max_size=4))
def test_what_is_encoded_is_read_as_it_was(fields: dict[str, object]) -> None:
    assert strict_json.parse_object(strict_json.encode(fields), "document") == fields


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"a":1,"a":1}', "'a' stands twice"),
        (b'[{"b":{"a":1,"c":2,"a":3}}]', "'a' stands twice"),
        (b'{"a":1,"\\u0061":2}', "'a' stands twice"),
        (b'{"a":NaN}', "NaN is no JSON number"),
        (b"[Infinity]", "Infinity is no JSON number"),
        (b"-Infinity", "-Infinity is no JSON number"),
        (b'\xef\xbb\xbf{"a":1}', "begins with a byte order mark"),
        ('{"a":1}'.encode("utf-16"), "begins with a byte order mark"),
        ('{"a":1}'.encode("utf-32-le"), "not valid JSON"),
        (b'{"a":"\xff"}', "not valid UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"a":"\\ud800"}', "not valid UTF-8"),
        (b'{"\\udfff":1}', "not valid UTF-8"),
        (b'{"a":1}{"b":2}', "line 1, column 8"),
        (b'{"a":1}\n{"b":2}', "line 2, column 1"),
        (b"{}\0", "not valid JSON"),
        (b"", "not valid JSON"),
        (b"{'a':1}", "not valid JSON"),
        (b'{"a":1,}', "not valid JSON"),
        (b'{"a":01}', "not valid JSON"),
        (b'{"a":"\n"}', "not valid JSON"),
        (b"[" + b"9" * 6000 + b"]", "not valid JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'{"a":' * 65 + b"[]" + b"}" * 65, "64 levels"),
        (b"[" + b"0," * 250_001 + b"0]", "250000 are allowed"),
        (b'"' + b"a" * 4 * 1024 * 1024 + b'"', "4194304 are allowed"),
    ],
    ids=range(26),
)
def test_what_two_parsers_may_read_differently_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidDocument, match=f"^index.json.*{said}"):
        strict_json.parse(raw, "index.json")


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(InvalidDocument):
        strict_json.parse(b'{"a":1e999}', "document")


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert strict_json.parse(b'"\\ud83d\\ude00"', "document") == "\U0001f600"


def test_sixty_four_levels_are_read() -> None:
    assert strict_json.parse(b"[" * 64 + b"]" * 64, "document")


def test_an_error_never_quotes_the_document() -> None:
    with pytest.raises(InvalidDocument) as caught:
        strict_json.parse(b"root:x:0:0:secret", "index.json")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"1", b"true"])
def test_a_document_is_an_object(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match=r"^config is not a JSON object$"):
        strict_json.parse_object(raw, "config")


def test_encoding_is_compact_and_keeps_order_and_characters() -> None:
    assert strict_json.encode({"b": "ü<", "a": [1, None]}) == '{"b":"ü<","a":[1,null]}'.encode()


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
            "a Git LFS pointer",
        ),
        (b"<!DOCTYPE html><html></html>", "an HTML page"),
        (b"/annex/objects/SHA256E-s1--0.json", "a git-annex pointer"),
    ],
)
def test_what_stands_in_place_of_a_document_is_named(raw: bytes, kind: str) -> None:
    with pytest.raises(InvalidDocument, match=rf"^index.json is not valid JSON .*: it is {kind}"):
        strict_json.parse(raw, "index.json")


@pytest.mark.parametrize("raw", [b'{"manifests":[', b"secret words", b"[[[", b"\0\0"])
def test_nothing_of_a_damaged_document_is_shown(raw: bytes) -> None:
    with pytest.raises(InvalidDocument, match=r"^index.json is not valid JSON \([^)]*\)$"):
        strict_json.parse(raw, "index.json")
