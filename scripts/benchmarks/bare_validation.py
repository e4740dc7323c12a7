"""The least that validation can be: `bare_validation.py THREADS LAYER...`, gzip layers.

Each layer is read once, inflated by ISA-L, and hashed by OpenSSL before and after, with one layer
a thread and nothing checked.
"""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor

from isal import igzip_lib

CHUNK = 1024 * 1024


def digests(path: str) -> tuple[str, str]:
    """The digest of a layer and its diff id."""
    outer, inner = hashlib.sha256(), hashlib.sha256()
    decoder = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    with open(path, "rb", buffering=0) as file:
        while content := file.read(CHUNK):
            outer.update(content)
            inner.update(decoder.decompress(content, CHUNK))
            while not (decoder.needs_input or decoder.eof):
                inner.update(decoder.decompress(b"", CHUNK))
    return outer.hexdigest(), inner.hexdigest()


if __name__ == "__main__":
    with ThreadPoolExecutor(int(sys.argv[1])) as pool:
        for path, found in zip(sys.argv[2:], pool.map(digests, sys.argv[2:]), strict=True):
            print(path, *found)
