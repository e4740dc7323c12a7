"""Files that are synced as they grow, so that the disk works beside us."""

import os
from contextlib import suppress
from threading import Thread

from ocilayout.streams import CHUNK, FileWriter, naming

_BEHIND = 16 * CHUNK
"""Bytes that a file may be ahead of its disk. Fewer are more syncs than pay off, more wait at the
end."""


class DurableWriter(FileWriter):
    """Writes a file that is going to be synced: it is synced as it grows, by a thread beside us.

    What a disk keeps in a cache of its own takes time to settle too, and at the end one would wait
    for all of it.
    """

    def __init__(self, descriptor: int, label: str) -> None:
        super().__init__(descriptor, label)
        self._written = 0
        self._begun = 0
        self._syncing: Thread | None = None
        self._failure: OSError | None = None

    def write(self, content: "memoryview | bytes") -> int:
        """Write `content`; the count of bytes. Raises OSError."""
        total = super().write(content)
        self._written += total
        if self._written - self._begun >= _BEHIND and self.is_prompt:
            self._sync_beside()
        return total

    def sync(self) -> None:
        """Return once the bytes are on the disk; raises OSError, also of what was synced before."""
        if self._syncing is not None:
            self._settle(self._syncing)
        super().sync()

    def _sync_beside(self) -> None:
        if self._syncing is not None:
            if self._syncing.is_alive():
                return
            self._settle(self._syncing)
            self._syncing = None
        self._begun = self._written
        # Where there is no descriptor or thread to be had, the sync at the end does it all.
        with suppress(OSError):
            # One of its own: whoever owns ours may close it at any time.
            descriptor = os.dup(self._descriptor)
            syncing = Thread(target=self._sync_data, args=(descriptor,))
            try:
                syncing.start()
            except RuntimeError:
                os.close(descriptor)
            else:
                self._syncing = syncing

    def _sync_data(self, descriptor: int) -> None:
        try:
            with naming(self.label):
                os.fdatasync(descriptor)
        except OSError as error:
            self._failure = error
        finally:
            os.close(descriptor)

    def _settle(self, syncing: Thread) -> None:
        syncing.join()
        if self._failure is not None:
            # The system tells it once: the next sync would find nothing wrong.
            raise self._failure
