"""What becomes of an image that has a fault: a row for each fault, a column for each importer.

docker 29 with either store and containerd 2 were run at the heads of August 2026, docker 20.10.24
and containerd 1.6.20 as released.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ocilayout.engines.outcomes import Verdict

Importer = Literal["graphdriver", "image store", "transfer", "client"]
"""dockerd with its own store; dockerd with containerd's; containerd 2; what uses containerd's
client, as `ctr` of 1.6, k3s and nerdctl do."""
IMPORTERS: tuple[Importer, ...] = ("graphdriver", "image store", "transfer", "client")


@dataclass(frozen=True)
class Rule:
    """A fault of an image, and what each importer makes of it."""

    words: str
    """What is wrong, with the detail filled in."""
    verdicts: Mapping[Importer, Verdict]
    source: str


def _rule(words: str, *verdicts: Verdict, source: str) -> Rule:
    return Rule(words, dict(zip(IMPORTERS, verdicts, strict=True)), source)


_SEEN = "seen with docker 29 and containerd 2 of August 2026"

RULES: Mapping[str, Rule] = {
    "config-undecodable": _rule(
        "Go cannot decode its config: {}",
        "refused",
        "broken",
        "not unpacked",
        "refused",
        source=f"image-spec:specs-go/v1/config.go, moby:image/image.go; {_SEEN}: parsing time",
    ),
    "config-type-unknown": _rule(
        "its config is of type {}, which is none of an image",
        "loads",
        "loads",
        "not unpacked",
        "loads",
        source=f"containerd:core/transfer/local/import.go; {_SEEN}, and with ctr 1.6.20",
    ),
    "config-without-rootfs": _rule(
        "its config has no rootfs",
        "refused",
        "loads",
        "loads",
        "loads",
        source="moby:image/image.go: invalid image JSON, no RootFS key",
    ),
    "history-too-long": _rule(
        "its history has {}",
        "refused",
        "loads",
        "loads",
        "loads",
        source=f"moby:image/store.go; {_SEEN}: too many non-empty layers in History section",
    ),
    "layer-count": _rule(
        "it has {}",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"containerd:image.go; {_SEEN}: number of layers and diffIDs don't match",
    ),
    "layer-type-unknown": _rule(
        "it has a layer of type {}, which is not unpacked",
        "loads",
        "broken",
        "not unpacked",
        "refused",
        source=f"containerd:core/images/mediatypes.go; {_SEEN}: mismatched image rootfs",
    ),
    "layer-without-processor": _rule(
        "it has a layer of type {}, which nothing can unpack",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/diff/stream.go; {_SEEN}: failed to get stream processor",
    ),
    "layer-mislabelled": _rule(
        "it has {}",
        "loads",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/diff/stream.go; {_SEEN}: unexpected EOF",
    ),
    "diff-id-algorithm": _rule(
        "its diff ids are {}, and only sha256 is understood",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"moby:layer/layer_store.go, containerd:core/unpack/unpacker.go; {_SEEN}",
    ),
    "blob-algorithm": _rule(
        "it is found by digests of {}, and blobs are stored by sha256",
        "loads",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/images/archive/importer.go; {_SEEN}: content digest not found",
    ),
    "blob-absent": _rule(
        "it lacks {}",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/images/archive/importer.go; {_SEEN}: content digest not found",
    ),
    "layer-sparse": _rule(
        "its layer {} has a sparse member of GNU tar's old format",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"moby and containerd:pkg/archive; {_SEEN}: unhandled tar header type 83",
    ),
    "layer-damaged": _rule(
        "its layer {} cannot be unpacked",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/diff/apply; {_SEEN}: unexpected EOF",
    ),
    "blob-damaged": _rule(
        "its layer {} has other bytes than its digest says, and so is not found",
        "loads",
        "broken",
        "refused",
        "refused",
        source=f"containerd:core/images/archive/importer.go; {_SEEN}: content digest not found",
    ),
    "diff-id-wrong": _rule(
        "its layer {}",
        "refused",
        "broken",
        "refused",
        "refused",
        source=f"moby:image/tarexport/load.go, containerd:core/unpack; {_SEEN}: wrong diff id",
    ),
}
