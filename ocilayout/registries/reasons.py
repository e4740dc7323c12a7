"""The reason that a server gives for an error, out of whatever body it sends.

Registries send `errors` (distribution-spec, "Error Codes"), with the reason in `message`, in
`detail`, or in `detail.message` (Quay); GitLab, Amazon and Artifactory other JSON objects, storage
that they lead to XML, and proxies before them a web page.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

MAX_WORDS = 500
"""Characters of a reason."""
_MAX_DETAIL = 300
_UNSUPPORTED = "the operation is unsupported"
"""What the specification's UNSUPPORTED says in words."""
_OTHER_KEYS = ("error", "error_description", "message", "title", "detail", "details")
_TITLE = re.compile(r"<(title|h1)\b[^>]*>(.*?)</\1\s*>", re.DOTALL | re.IGNORECASE)
_XML_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_MESSAGE = re.compile(r'"message"\s*:\s*"((?:[^"\\\x00-\x1f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)')
_TAG = re.compile(r"<[^<>]*>")


class Reason(NamedTuple):
    """Why a server refused something, as it says."""

    codes: frozenset[str]
    """Those of the specification, or the registry's own."""
    words: str
    """In one line, without control characters; empty where the body has none."""
    is_general: bool
    """Whether nothing is said beyond what the code says, as in `manifest invalid`."""


def reason_in(body: bytes, status: int) -> Reason:
    """The reason in the beginning of an answer's body."""
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        words = _line(_text_reason(text, status))
        return Reason(frozenset(), words, not words)
    entries = list(_entries(answer))
    codes = frozenset(entry.code for entry in entries if entry.code)
    words = "; ".join(dict.fromkeys(filter(None, (entry.words for entry in entries))))
    return Reason(codes, _line(words), all(entry.is_general for entry in entries))


def is_html(headers: Mapping[str, str]) -> bool:
    """Whether an answer says that it is a web page."""
    return headers.get("Content-Type", "").lower().startswith(("text/html", "application/xhtml"))


def is_web_page(body: bytes) -> bool:
    """Whether it begins as HTML or XML does."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def page_title(body: bytes) -> str:
    """What a web page calls itself; empty where it has no title."""
    match = _TITLE.search(body.decode("utf-8", "replace"))
    return _line(_plain(match[2])) if match else ""


class _Entry(NamedTuple):
    code: str
    message: str
    detail: str

    @property
    def words(self) -> str:
        said = self.message or self.code
        return said if self.detail in said else f"{said}: {self.detail}" if said else self.detail

    @property
    def is_general(self) -> bool:
        name = self.code.lower().replace("_", " ")
        # A digest, a tag or another code is no reason.
        is_word = " " not in self.message
        says_the_code = is_word or self.message.lower() in {name, _UNSUPPORTED}
        return says_the_code and " " not in self.detail


def _entries(answer: object) -> Iterator[_Entry]:
    if isinstance(answer, str):
        yield _Entry("", answer, "")
    if not isinstance(answer, dict):
        return
    errors = answer.get("errors")
    if not isinstance(errors, list):
        said = [_worded(answer.get(key)) for key in _OTHER_KEYS]
        yield _Entry("", ": ".join(dict.fromkeys(filter(None, said))), "")
        return
    for error in errors:
        if isinstance(error, dict):
            code = error.get("code")
            words = (_worded(error.get("message")), _worded(error.get("detail")))
            yield _Entry(code if isinstance(code, str) else "", *words)
        elif isinstance(error, str):
            yield _Entry("", error, "")


def _worded(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return str(value["message"]).strip()
    if value in (None, {}, []) or isinstance(value, bool):
        return ""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if len(text) <= _MAX_DETAIL else f"{text[:_MAX_DETAIL]}…"


def _text_reason(text: str, status: int) -> str:
    if "\0" in text or text.count("\ufffd") > len(text) // 10:
        return ""
    if text.startswith(("{", "[")):
        # It was cut off.
        return " ".join(json.loads(f'"{found}"') for found in _MESSAGE.findall(text)[:1])
    if not text.startswith("<"):
        return text
    found = _TITLE.search(text)
    title = _plain(found[2] if found else "".join(_XML_MESSAGE.findall(text)[:1])).strip()
    # A page says again what its status is: 413 Request Entity Too Large.
    return title.removeprefix(str(status)).strip()


def _plain(markup: str) -> str:
    # Its tables of names take 9 ms to import, and few answers are web pages.
    from html import unescape

    return unescape(_TAG.sub(" ", markup))


def _line(text: str) -> str:
    """The text in one line, without what a terminal would act on, and not too long."""
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * MAX_WORDS])
    line = " ".join(shown.split())
    return line if len(line) <= MAX_WORDS else f"{line[:MAX_WORDS]}…"
