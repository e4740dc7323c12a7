"""Sets that rows share: codecs, and operating systems."""

from ocilayout.engines.facts import Words

ALL_BUT_ZSTD: Words = frozenset({"none", "gzip", "bzip2", "xz"})
ALL_CODECS: Words = ALL_BUT_ZSTD | {"zstd"}
OCI_CODECS: Words = frozenset({"none", "gzip", "zstd"})
"""Those that the image specification has layer types for."""
LINUX: Words = frozenset({"linux"})
ANY_SYSTEM: Words = frozenset()
