"""Scratch: files without a name, gone with the process however it ends."""

import os
from pathlib import Path
from typing import BinaryIO, cast


def scratch_file(folder: Path) -> BinaryIO:
    """An empty file on the file system of `folder`.

    It is not buffered. Where the system can make files without a name (O_TMPFILE of Linux), a
    hard link can give it one later; its mode is that of any new file. Raises OSError.
    """
    try:
        # Not tempfile's way, whose O_EXCL forbids links (open(2)).
        flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC
        descriptor = os.open(folder, flags, 0o666)
    except (AttributeError, OSError):
        # It takes its time to import, and few file systems lack such files.
        import tempfile

        return cast(BinaryIO, tempfile.TemporaryFile(dir=folder, buffering=0))
    return os.fdopen(descriptor, "r+b", buffering=0)
