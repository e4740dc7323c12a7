"""What readers raise, told as findings."""

import re

from ocilayout.errors import (
    BlobNotFound,
    CompressionError,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    OciLayoutError,
)
from ocilayout.problems import Problem

READING = (
    BlobNotFound,
    CompressionError,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    OSError,
)
"""What reading a blob may raise; other errors are not about one blob."""

_CODES = (
    (BlobNotFound, "blob-missing"),
    (IntegrityError, "blob-damaged"),
    (CompressionError, "layer-undecodable"),
    (InvalidDocument, "document-invalid"),
)
_STEP = r"(?:\[[0-9]+\]|\['(?:[^'\\]|\\.)*'\]|\[\"(?:[^\"\\]|\\.)*\"\]|\.?[\w.-]+)"
_PATH = re.compile(rf"({_STEP}+)(?:: | )(.*)", re.DOTALL)


def told(error: OciLayoutError | OSError, where: str) -> Problem:
    """An error of READING as a finding at `where`."""
    codes = (known for kind, known in _CODES if isinstance(error, kind))
    code = next(codes, "blob-unreadable")
    if isinstance(error, OSError):
        return Problem(code, where, error.strerror or str(error))
    return Problem(code, where, error.text)


def split(message: str, label: str) -> tuple[str, str]:
    """The path inside the document `label` and the rest, of a message that begins with them."""
    rest = message.removeprefix(label)
    if not rest.startswith(": "):
        return "", rest.strip()
    return split_path(rest.removeprefix(": "))


def split_path(text: str) -> tuple[str, str]:
    """The path and the rest, of a text that begins with a path."""
    whole = "the document "
    if text.startswith(whole):
        return "", f"it {text.removeprefix(whole)}"
    match = _PATH.fullmatch(text)
    return (match[1], match[2]) if match else ("", text.removeprefix(": "))


def place(label: str, path: str) -> str:
    """Where `path` stands in the document `label`."""
    return f"{label}: {path}" if path else label
