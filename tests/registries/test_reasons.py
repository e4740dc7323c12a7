"""What is taken for the reason of an error, of each kind of body that servers send."""

import json

import pytest

from ocilayout.registries.reasons import MAX_WORDS, is_web_page, page_title, reason_in

NGINX = (
    "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    "<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
S3 = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code>'
    "<Message>Request has expired</Message><RequestId>1</RequestId></Error>"
)


def words(body: object, status: int = 400) -> str:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return reason_in(raw, status).words


def entry(**fields: object) -> dict[str, object]:
    return {"errors": [fields]}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (entry(code="DENIED", message="not yours"), "not yours"),
        (entry(code="DENIED"), "DENIED"),
        (entry(code="X", message="no", detail="it is full"), "no: it is full"),
        (entry(code="X", detail="it is full"), "X: it is full"),
        (entry(code="X", message="no", detail={"message": "it is full"}), "no: it is full"),
        (entry(code="X", message="it is full: no", detail="it is full"), "it is full: no"),
        (entry(code="X", message="no", detail={"name": "app"}), 'no: {"name":"app"}'),
        (entry(code="X", message="no", detail=["a", 1]), 'no: ["a",1]'),
        (entry(code="X", message="no", detail={}), "no"),
        (entry(code="X", message="no", detail=None), "no"),
        (entry(message=["no"]), '["no"]'),
        ({"errors": ["first", "second"]}, "first; second"),
        ({"errors": [{"message": "one"}, {"message": "two"}, {"message": "one"}]}, "one; two"),
        ({"errors": []}, ""),
        ({"errors": 5, "message": "flat"}, "flat"),
        ({"message": "403 Forbidden"}, "403 Forbidden"),
        ({"error": "invalid_grant", "error_description": "expired"}, "invalid_grant: expired"),
        ({"error": {"code": 7, "message": "inner"}}, "inner"),
        ({"details": "incorrect password"}, "incorrect password"),
        ("a text", "a text"),
        ([1], ""),
        (5, ""),
        (b"plain words\n", "plain words"),
        (b"\xef\xbb\xbf" + json.dumps(entry(message="with a mark")).encode(), "with a mark"),
        (S3.encode(), "Request has expired"),
        (b"<html><h1>No\n such &amp; <b>page</b></h1></html>", "No such & page"),
        (b"<html>no title, secret</html>", ""),
        (b"\x00\x01\x02binary", ""),
        (b"\xff\xfe\xfd\xfc", ""),
        (b"", ""),
    ],
    ids=repr,
)
def test_the_reason_is_found_in_every_kind_of_body(body: object, said: str) -> None:
    assert words(body) == said


def test_a_web_page_is_its_title_without_the_status() -> None:
    assert words(NGINX.encode(), 413) == "Request Entity Too Large"
    assert words(NGINX.encode(), 500) == "413 Request Entity Too Large"


@pytest.mark.parametrize(
    "text", ["\x1b[2Jcleared", "two\r\nlines", "back\x08space", "\u202eturned", "\x9bx"]
)
@pytest.mark.parametrize("shape", ["json", "text", "page"])
def test_no_body_moves_a_terminal(shape: str, text: str) -> None:
    bodies = {
        "json": json.dumps(entry(code="X", message=text, detail=text)).encode(),
        "text": text.encode(),
        "page": f"<title>{text}</title>".encode(),
    }
    said = words(bodies[shape])
    assert said.isprintable()
    assert said


def test_a_long_reason_is_cut_and_says_so() -> None:
    said = words(entry(message="long " * 100_000))
    assert len(said) == MAX_WORDS + 1
    assert said.endswith("…")


def test_the_reason_is_found_in_an_answer_that_was_cut_off() -> None:
    body = json.dumps(entry(code="X", message='a "word"\n more', detail="d" * 100)).encode()
    assert words(body[:-50]) == 'a "word" more'
    assert words(b'{"errors": [' * 50_000) == ""
    assert words(b"[" * 60_000) == ""


@pytest.mark.parametrize(
    ("body", "general"),
    [
        (entry(code="MANIFEST_INVALID", message="manifest invalid", detail={}), True),
        (entry(code="MANIFEST_INVALID", message="manifest invalid", detail="sha256:06"), True),
        (entry(code="UNSUPPORTED", message="The operation is unsupported"), True),
        (entry(code="MANIFEST_INVALID"), True),
        (entry(code="MANIFEST_INVALID", message="no layers"), False),
        (entry(code="MANIFEST_INVALID", detail={"message": "no layers"}), False),
        ({"message": "no layers"}, False),
    ],
)
def test_what_only_the_code_says_is_general(body: object, general: bool) -> None:
    assert reason_in(json.dumps(body).encode(), 400).is_general == general


def test_web_pages_are_known_by_how_they_begin() -> None:
    assert is_web_page(b"\xef\xbb\xbf\r\n<!DOCTYPE html>")
    assert not is_web_page(b'{"a": "<b>"}')
    assert not is_web_page(b"")
    assert page_title(b"<TITLE lang=en>\n A &lt;B&gt;\x1b </TITLE>") == "A <B>"
    assert page_title(b"<p>none</p>") == ""
