import pytest

from ocilayout.blobs import MemoryBlobs, SpreadBlobs
from ocilayout.errors import BlobNotFound
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest

CONTENT = b"The content of a blob."
BLOB = Descriptor.of("application/x-test", CONTENT)
OTHER = Descriptor.of("application/x-test", b"other")


def test_memory_gives_what_it_was_given() -> None:
    blobs = MemoryBlobs([CONTENT])
    blobs.add(b"other")
    assert blobs.open_blob(BLOB).read() == CONTENT
    assert OTHER.digest in blobs
    with pytest.raises(BlobNotFound, match=str(Digest.of(b"x"))):
        blobs.open_blob(Descriptor.of("application/x-test", b"x"))


def test_the_first_reader_that_has_a_blob_gives_it() -> None:
    spread = SpreadBlobs([MemoryBlobs(), MemoryBlobs([CONTENT]), MemoryBlobs([b"other"])])
    assert spread.open_blob(BLOB).read() == CONTENT
    assert spread.open_blob(OTHER).read() == b"other"


@pytest.mark.parametrize("readers", [[], [MemoryBlobs(), MemoryBlobs()]])
def test_what_no_reader_has_is_not_found(readers: list[MemoryBlobs]) -> None:
    with pytest.raises(BlobNotFound, match=str(BLOB.digest)):
        SpreadBlobs(readers).open_blob(BLOB)
