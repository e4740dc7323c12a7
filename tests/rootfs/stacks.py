"""Layer stacks at random, and what the oracle says that they come to."""

import hashlib
import tarfile

from hypothesis import strategies as st

from tests.rootfs import oracle
from tests.rootfs.layer_tars import file, folder, hardlink, opaque, symlink, whiteout

NAME = st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/a", "c/a", "a/b/c", "b/c/a", "c/b"])
TARGET = st.sampled_from(["a", "b", "/c", "..", "../b", "/a/b", ".", "/missing", "a/../../c"])
ITEM = st.one_of(
    st.builds(file, NAME, st.binary(max_size=3), mode=st.sampled_from([0o644, 0o755])),
    st.builds(folder, NAME, mode=st.sampled_from([0o755, 0o700])),
    st.builds(folder, NAME),
    st.builds(symlink, NAME, TARGET),
    st.builds(hardlink, NAME, NAME),
    st.builds(whiteout, NAME),
    st.builds(opaque, NAME),
)
STACK = st.lists(st.lists(ITEM, max_size=6), min_size=1, max_size=4)


def said(state: oracle.State) -> dict[str, tuple[str, int, bytes, str]]:
    """Kind, mode, content and the first other name of each file."""
    firsts: dict[str, str] = {}
    found = {}
    for path in sorted(state):
        identity, item = state[path]
        if item is None:
            found[path] = ("directory", 0o755, b"", "")
        elif item.kind == tarfile.DIRTYPE:
            found[path] = ("directory", item.mode, b"", "")
        elif item.kind == tarfile.SYMTYPE:
            found[path] = ("symlink", item.mode, item.target.encode(), "")
        else:
            first = firsts.setdefault(identity, path)
            digest = hashlib.sha256(item.content).digest()
            found[path] = ("file", item.mode, digest, "" if first == path else first)
    return found
