"""The first bytes of a compressed stream, which tell its codec."""

MAGICS = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "xz": b"\xfd7zXZ\0",
    "bzip2": b"BZh",
}
"""What a stream starts with, by the name of its codec."""
_SKIPPABLE = b"\x2a\x4d\x18"


def codec_name(head: bytes) -> str:
    """The codec of a stream that starts with `head` (8 bytes are enough); `none` where no other."""
    for name, magic in MAGICS.items():
        if head.startswith(magic):
            return name
    # A zstd stream may start with a skippable frame (RFC 8878, 3.1.2).
    is_skippable = head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F
    return "zstd" if is_skippable else "none"
