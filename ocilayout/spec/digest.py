"""Digests: the names of blobs, by what is in them.

A digest becomes a file name, so the parser is the only way in, and nothing but the grammar of the
image specification (descriptor.md, "Digests") passes it: no `..`, no slash, no upper-case hex.
"""

import hashlib
import re
from typing import NamedTuple

from ocilayout.errors import InvalidDigest

# fullmatch and ASCII: `$` would let a newline pass, `\d` full-width digits.
_ALGORITHM = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*"
_ENCODED = r"[A-Za-z0-9=_-]+"
_HEX = "0123456789abcdef"

HEX_LENGTHS = {"sha256": 64, "sha512": 128}
"""The algorithms that can be verified, with the length of their hex form in characters."""


class Digest(NamedTuple):
    """An algorithm and its encoded hash, both safe as file names."""

    algorithm: str
    encoded: str

    @classmethod
    def parse(cls, text: str) -> "Digest":
        """The digest written as `algorithm:encoded`; raises InvalidDigest."""
        algorithm, _, encoded = text.partition(":")
        length = HEX_LENGTHS.get(algorithm)
        if length is not None and len(encoded) == length and not encoded.strip(_HEX):
            return cls(algorithm, encoded)
        is_digest = (
            len(text) <= 512
            and re.fullmatch(_ALGORITHM, algorithm, re.ASCII)
            and re.fullmatch(_ENCODED, encoded, re.ASCII)
        )
        if not is_digest:
            raise InvalidDigest(f"{text[:100]!r} is not a digest (algorithm:hash)")
        if length is not None:
            raise InvalidDigest(f"{text[:200]!r} is not {length} lower-case hex digits")
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> "Digest":
        """The digest of `content`, by an algorithm of HEX_LENGTHS."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    @property
    def verifiable(self) -> bool:
        """Whether content can be checked against it here."""
        return self.algorithm in HEX_LENGTHS

    @property
    def blob_path(self) -> str:
        """Where a layout keeps the blob: `blobs/sha256/…` (image-layout.md)."""
        return f"blobs/{self.algorithm}/{self.encoded}"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


def is_digest(text: str) -> bool:
    """Whether `text` is a digest, as Digest.parse takes it."""
    try:
        Digest.parse(text)
    except InvalidDigest:
        return False
    return True
