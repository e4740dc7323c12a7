"""Files that people keep settings and secrets in: read whole, but never more than they may hold."""

import os
from pathlib import Path

from ocilayout.errors import InvalidDocument
from ocilayout.spec.strict_json import MAX_DOCUMENT_SIZE


def read_small(path: Path, limit: int = MAX_DOCUMENT_SIZE) -> bytes:
    """All of a file of at most `limit` bytes; raises InvalidDocument, and OSError."""
    with open(path, "rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise InvalidDocument(f"{path} has more than the {limit} bytes that are allowed")
    return content


def home() -> Path | None:
    """The folder of the user, where the system knows one."""
    found = os.path.expanduser("~")
    return Path(found) if os.path.isabs(found) else None
