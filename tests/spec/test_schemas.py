"""The rules of the specification as cases (cases/*.json), and what no document may do to us.

A case is the file's base with fields set or dropped by JSON pointer, or a document or text of its
own; `violates` are the paths that must be told, in order, and none where the case is valid.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from ocilayout.errors import UsageError
from ocilayout.spec import schemas
from ocilayout.spec.schemas import MEDIA_TYPES, violations
from ocilayout.spec.strict_json import MAX_CONFIG_SIZE, MAX_DEPTH
from tests.program import ROOT, surroundings
from tests.spec.test_strict_json import VALUES

CASES = Path(__file__).parent / "cases"
FILES = {path.stem: json.loads(path.read_bytes()) for path in sorted(CASES.glob("*.json"))}
ALL = [
    pytest.param(file, case, id=f"{stem}: {case['name']}")
    for stem, file in FILES.items()
    for case in file["cases"]
]
DESCRIPTOR = "application/vnd.oci.descriptor.v1+json"


def document_of(file: dict[str, Any], case: dict[str, Any]) -> bytes:
    if "text" in case:
        return str(case["text"]).encode()
    document = json.loads(json.dumps(case.get("document", file["base"])))
    for pointer, value in case.get("set", {}).items():
        holder, key = holder_of(document, pointer)
        holder[key] = value
    for pointer in case.get("drop", []):
        holder, key = holder_of(document, pointer)
        del holder[key]
    return json.dumps(document).encode()


def holder_of(document: Any, pointer: str) -> tuple[Any, Any]:
    *steps, last = pointer.split("/")[1:]
    for step in steps:
        document = document[int(step) if isinstance(document, list) else step]
    return document, int(last) if isinstance(document, list) else last


def said_of(document: object, media_type: str = DESCRIPTOR) -> list[str]:
    return list(violations(json.dumps(document).encode(), media_type))


def path_of(line: str) -> str:
    """What stands before the words that we begin with."""
    return re.split(r": (?=is |makes )| is | begins ", line, maxsplit=1)[0]


@pytest.mark.parametrize(("file", "case"), ALL)
def test_a_case_of_the_specification_comes_out_right(
    file: dict[str, Any], case: dict[str, Any]
) -> None:
    found = list(violations(document_of(file, case), file["media_type"]))
    assert [path_of(line) for line in found] == case.get("violates", []), (
        f"{case['section']}: {found}"
    )


def test_every_kind_of_document_has_cases() -> None:
    assert {file["media_type"] for file in FILES.values()} == MEDIA_TYPES


def test_every_case_has_a_name_of_its_own_and_says_its_section() -> None:
    for file in FILES.values():
        names = [case["name"] for case in file["cases"]]
        assert len(names) == len(set(names))
        assert all(case["section"] for case in file["cases"])


@pytest.mark.parametrize(
    "path", sorted(Path(schemas.__file__).parent.glob("*.json")), ids=lambda path: path.name
)
def test_a_schema_is_one(path: Path) -> None:
    schema = json.loads(path.read_bytes())
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert schema["$id"] == path.name
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "mediaType: is missing"),
        ({"size": True}, "size: is true, not an integer"),
        ({"size": 10.0}, "size: is a number, not an integer"),
        ({"size": None}, "size: is null, not an integer"),
        ({"size": -7}, "size: is -7, which is not a count of bytes that fits 63 bits"),
        ({"urls": {}}, "urls: is an object, not an array"),
        ({"urls": ["x"]}, "urls[0]: is 'x', which is not a URI (RFC 3986)"),
        (
            {"mediaType": "x"},
            "mediaType: is 'x', which is not a media type (RFC 6838, section 4.2)",
        ),
    ],
)
def test_a_violation_is_told_in_words(document: dict[str, object], said: str) -> None:
    assert said in said_of(document)


def test_a_config_is_told_what_else_it_might_be() -> None:
    [*_, said] = said_of({"history": 1}, "application/vnd.oci.image.config.v1+json")
    assert said == "history: is an integer, not an array or null"


def test_a_wrong_constant_is_told_with_the_right_one() -> None:
    found = said_of({"imageLayoutVersion": "2"}, "application/vnd.oci.layout.header.v1+json")
    assert found == ["imageLayoutVersion: is '2', not '1.0.0'"]


@pytest.mark.parametrize(
    "text", ["\x1b[31mred\n", "\u202egnp.exe", "\ud800", "é" * 5000, "'\"`$(id)"]
)
def test_what_a_document_says_is_quoted_on_one_printable_line_and_cut(text: str) -> None:
    for document in (
        {"mediaType": text},
        {"size": -(10**4000)},
        {"annotations": {text: 1}},
        {text: 1},
    ):
        for said in said_of(document):
            assert said.isprintable()
            assert len(said) < 300


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"size": NaN}',
        b'{"size": 1e999}',
        b'{"size": ' + b"9" * 10_000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}',
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b" " * MAX_CONFIG_SIZE + b"{}",
        b"null",
    ],
    ids=lambda raw: repr(raw[:16]),
)
@pytest.mark.parametrize("media_type", sorted(MEDIA_TYPES))
def test_what_cannot_be_parsed_strictly_is_one_violation(raw: bytes, media_type: str) -> None:
    [said] = violations(raw, media_type)
    assert said.startswith("the document ")
    assert said.isprintable()


def test_a_media_type_without_a_schema_is_an_error_at_once() -> None:
    with pytest.raises(UsageError, match=r"no schema for 'text/plain'.*image\.index"):
        violations(b"{}", "text/plain")


KEYS = sorted(
    {key for file in FILES.values() for key in file["base"]}
    | {"platform", "data", "urls", "annotations", "subject", "artifactType", "history", "config"}
)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(sorted(MEDIA_TYPES)),
    st.dictionaries(st.sampled_from(KEYS), VALUES) | VALUES,
)
def test_no_json_is_too_odd_to_be_judged(media_type: str, value: object) -> None:
    for said in said_of(value, media_type):
        assert said.isprintable()


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(list(FILES.values())), st.data())
def test_no_field_of_a_document_is_too_odd_to_be_judged(
    file: dict[str, Any], data: st.DataObject
) -> None:
    document = json.loads(json.dumps(file["base"]))
    holder = document
    while True:
        key = data.draw(st.sampled_from(places(holder)))
        if not isinstance(holder[key], dict | list) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(VALUES)
    for said in said_of(document, file["media_type"]):
        assert said.isprintable()


def places(holder: Any) -> list[Any]:
    return sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))


def test_jsonschema_is_imported_for_the_first_document_only() -> None:
    code = (
        "import sys; from ocilayout.spec.schemas import violations as v; "
        "print('jsonschema' in sys.modules); "
        "list(v(b'{}', 'application/vnd.oci.layout.header.v1+json')); "
        "print('jsonschema' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=surroundings(), check=True
    )
    assert done.stdout.split() == [b"False", b"True"]
