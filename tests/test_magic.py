import pytest

from ocilayout.magic import codec_name


@pytest.mark.parametrize(
    ("head", "codec"),
    [
        (b"\x1f\x8b\x08\0\0\0\0\0", "gzip"),
        (b"\x28\xb5\x2f\xfd\x24\0\0\0", "zstd"),
        (b"\x50\x2a\x4d\x18\0\0\0\0", "zstd"),
        (b"\x5f\x2a\x4d\x18\0\0\0\0", "zstd"),
        (b"\x60\x2a\x4d\x18\0\0\0\0", "none"),
        (b"\xfd7zXZ\0\0\x04", "xz"),
        (b"BZh91AY&", "bzip2"),
        (b"etc/pass", "none"),
        (b"\x1f", "none"),
        (b"\x28\xb5\x2f", "none"),
        (b"", "none"),
    ],
)
def test_a_stream_is_recognized_by_its_first_bytes(head: bytes, codec: str) -> None:
    assert codec_name(head) == codec
