"""Fields of one header, read strictly."""

import io

import pytest

from ocilayout.errors import InvalidArchive
from ocilayout.tar_blocks import BLOCK, StreamBlocks
from ocilayout.tar_headers import read_headers
from tests.hostile.tars import END, header

NO_NUMBER, IMPOSSIBLE = b"000008 \0", b"\xff" * 7 + b"\xfe"


@pytest.mark.parametrize(
    ("field", "kind", "position"),
    [
        ("mode", b"0", 100),
        ("owner", b"0", 108),
        ("group", b"0", 116),
        ("size", b"0", 124),
        ("time", b"0", 136),
        ("device number", b"3", 329),
        ("device number", b"4", 337),
    ],
)
@pytest.mark.parametrize(
    ("written", "said"), [(NO_NUMBER, "is not an octal number"), (IMPOSSIBLE, "or impossible")]
)
def test_a_field_that_is_no_number_is_named(
    field: str, kind: bytes, position: int, written: bytes, said: str
) -> None:
    if field == "time" and written == IMPOSSIBLE:
        # GNU writes times before 1970 so.
        written = b"\xc0" + bytes(7)
    block = bytearray(header("a", kind=kind))
    block[position : position + 8] = written
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    blocks = StreamBlocks(io.BytesIO(bytes(block) + bytes(BLOCK) + END), "file.tar", vouched=False)
    with pytest.raises(InvalidArchive, match=f"^file.tar, byte 0: the {field} .*{said}"):
        next(read_headers(blocks)).attributes()
