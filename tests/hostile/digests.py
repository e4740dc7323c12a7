"""Digests and sizes that lie, at every place where a descriptor stands."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    WARN,
    Builder,
    Case,
    Verdict,
    case,
    folder_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    GOOD,
    REMOVED,
    Files,
    blob_path,
    changed,
    digest_of,
    layout,
    plain_layer,
)

HEX = digest_of(GOOD[0].blob).partition(":")[2]
FULL_WIDTH = HEX.translate({ord("0") + n: 0xFF10 + n for n in range(10)})

BAD_DIGESTS = {
    "parent": "sha256:../../../../outside/secret",
    "absolute": "sha256:/etc/passwd",
    "algorithm-is-parent": f"../../../outside:{HEX}",
    "slash-in-hex": f"sha256:{HEX[:2]}/{HEX[2:]}",
    "percent-encoded": "sha256:%2e%2e%2f%2e%2e%2foutside%2fsecret",
    "backslash": "sha256:..\\..\\outside\\secret",
    "no-colon": f"sha256{HEX}",
    "empty": "",
    "only-colon": ":",
    "no-hex": "sha256:",
    "no-algorithm": f":{HEX}",
    "upper-case-hex": f"sha256:{HEX.upper()}",
    "upper-case-algorithm": f"SHA256:{HEX}",
    "short": f"sha256:{HEX[:-1]}",
    "long": f"sha256:{HEX}0",
    "sha512-with-short-hex": f"sha512:{HEX}",
    "not-hex": f"sha256:{HEX[:-1]}g",
    "newline": f"sha256:{HEX}\n",
    "full-width-digits": f"sha256:{FULL_WIDTH}",
    "leading-space": f" sha256:{HEX}",
    "nul": f"sha256:{HEX}\0",
    "two-colons": f"sha256:sha256:{HEX}",
    "number": 5,
    "null": None,
    "list": [f"sha256:{HEX}"],
    "absent": REMOVED,
}

BAD_SIZES: dict[str, tuple[Any, Verdict]] = {
    "negative": (-1, REJECT),
    "fraction": (1.5, REJECT),
    "float": (float(len(GOOD[0].blob)), REJECT),
    "string": (str(len(GOOD[0].blob)), REJECT),
    "true": (True, REJECT),
    "null": (None, REJECT),
    "absent": (REMOVED, REJECT),
    "list": ([1], REJECT),
    "one-more": (len(GOOD[0].blob) + 1, EITHER),
    "one-less": (len(GOOD[0].blob) - 1, EITHER),
    "zero": (0, EITHER),
    "2-to-62": (2**62, EITHER),
    "2-to-63": (2**63, EITHER),
    "2-to-64": (2**64, EITHER),
    "10-to-30": (10**30, EITHER),
}


def bent(place: str, key: str, value: Any) -> Builder:
    """A layout where one descriptor lies."""
    if place == "index":
        return folder_of(lambda: layout(index=changed(f"manifests.0.{key}", value)))
    return folder_of(lambda: layout(manifest=changed(f"{place}.{key}", value)))


def grammar() -> Iterator[Case]:
    for name, text in BAD_DIGESTS.items():
        for place in ("index", "config", "layers.0"):
            threat = "a digest used as a path, or outside its grammar"
            yield case(f"digest-{name}-in-{place}", threat, bent(place, "digest", text))


def sizes() -> Iterator[Case]:
    threat = "a size of the wrong type, or one that is never compared"
    for name, (size, read) in BAD_SIZES.items():
        yield case(f"size-{name}-in-layers.0", threat, bent("layers.0", "size", size), read=read)
    for name, size in {"negative": -1, "zero": 0, "2-to-62": 2**62, "absent": REMOVED}.items():
        yield case(f"size-{name}-in-index", threat, bent("index", "size", size))
        yield case(f"size-{name}-in-config", threat, bent("config", "size", size))


def algorithms() -> Iterator[Case]:
    threat = "an algorithm other than sha256"
    yield case("sha512", threat, folder_of(lambda: layout(algorithm="sha512")), ACCEPT)
    yield case("sha512-wrong", threat, folder_of(wrong_sha512), read=ACCEPT)
    unknown = "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"
    for name, digest in {"unknown": unknown, "one-letter": f"x:{HEX}"}.items():
        yield case(
            f"algorithm-{name}",
            "an unknown algorithm of legal grammar",
            folder_of(partial(under_digest, digest)),
            WARN,
            read=ACCEPT,
        )


def wrong_sha512() -> Files:
    files = layout(algorithm="sha512")
    path = blob_path(digest_of(GOOD[0].blob, "sha512"))
    files[path] = bytes(reversed(files[path]))
    return files


def under_digest(digest: str) -> Files:
    """The first layer filed and referred to under a digest that cannot be computed."""
    files = layout(manifest=changed("layers.0.digest", digest))
    files[blob_path(digest)] = files.pop(blob_path(digest_of(GOOD[0].blob)))
    return files


def repeated_layer() -> Files:
    return layout((plain_layer(FIRST_TAR), plain_layer(FIRST_TAR)))


def cases() -> Iterator[Case]:
    yield case("good", "a good image", folder_of(layout), ACCEPT)
    yield case("layer-twice", "a good image", folder_of(repeated_layer), ACCEPT)
    yield from grammar()
    yield from sizes()
    yield from algorithms()
