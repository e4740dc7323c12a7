"""PAX headers: records of the form `LENGTH KEY=VALUE\\n` (POSIX, pax, "pax Extended Header")."""

from ocilayout.errors import InvalidArchive
from ocilayout.tar_sparse import MAP, PART


def pax_records(content: bytes, where: str) -> dict[bytes, bytes]:
    """The records of a PAX header; raises InvalidArchive where it is damaged."""
    records: dict[bytes, bytes] = {}
    sparse: list[bytes] = []
    position = 0
    while position < len(content):
        digits, space, _ = content[position : position + 12].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = content[position : position + length]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if length > len(content) - position or not equals or not record.endswith(b"\n"):
            raise InvalidArchive(f"{where}: a PAX header is damaged")
        if key in PART:
            if key != PART[len(sparse) % 2] or b"," in value:
                raise InvalidArchive(f"{where}: a sparse member's map is damaged")
            sparse.append(value)
        records[key] = value
        position += length
    if sparse:
        records[MAP] = b",".join(sparse)
    return records
