"""Compressed layers that are cut, prolonged, labelled wrongly, or far larger than they look.

Each is tried in a layout, where a copy checks no more than the digest and a recoding reads all,
and in a Docker archive, where nothing but the diff id vouches for a layer.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial

from tests.hostile import zstd_frames
from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    SAID,
    Case,
    Verdict,
    case,
    folder_of,
    tar_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    GOOD,
    LAYER_TYPE,
    SECOND_TAR,
    Layer,
    digest_of,
    docker_archive,
    gzip_layer,
    layout,
    plain_layer,
    zstd_layer,
)

GZIP = gzip.compress(FIRST_TAR, mtime=0)
ZSTD = zstd_frames.raw_frame(FIRST_TAR)
HALF = len(FIRST_TAR) // 2
EMPTY_GZIP = gzip.compress(b"", mtime=0)


def gzip_with(flags: int, extra: bytes = b"") -> bytes:
    """The first layer, with the optional fields of a gzip header."""
    return GZIP[:3] + bytes([flags]) + GZIP[4:10] + extra + GZIP[10:]


def with_trailer(crc: int | None = None, size: int | None = None) -> bytes:
    right_crc, right_size = struct.unpack("<II", GZIP[-8:])
    return GZIP[:-8] + struct.pack(
        "<II", right_crc if crc is None else crc, right_size if size is None else size
    )


def header_checksum() -> bytes:
    head = GZIP[:3] + b"\x02" + GZIP[4:10]
    return head + struct.pack("<H", zlib.crc32(head) & 0xFFFF) + GZIP[10:]


BAD_GZIP: dict[str, bytes] = {
    "cut-in-the-middle": GZIP[: len(GZIP) // 2],
    "cut-before-trailer": GZIP[:-8],
    "cut-in-trailer": GZIP[:-1],
    "cut-in-header": GZIP[:6],
    "only-magic": GZIP[:2],
    "empty-file": b"",
    "wrong-crc": with_trailer(crc=5),
    "wrong-length": with_trailer(size=5),
    "reserved-flag": gzip_with(0x20),
    "all-flags-reserved": gzip_with(0xE0),
    "wrong-method": GZIP[:2] + b"\x07" + GZIP[3:],
    "garbage-after": GZIP + b"garbage",
    "half-a-member-after": GZIP + GZIP[:20],
    "bad-header-checksum": gzip_with(0x02, b"\0\0"),
    "zlib-stream": zlib.compress(FIRST_TAR),
    "deflate-garbage": GZIP[:10] + b"\xff" * 50,
}
GOOD_GZIP: dict[str, bytes] = {
    "two-members": gzip.compress(FIRST_TAR[:HALF]) + gzip.compress(FIRST_TAR[HALF:]),
    "many-members": b"".join(
        gzip.compress(FIRST_TAR[n : n + 9]) for n in range(0, len(FIRST_TAR), 9)
    ),
    "empty-member-first": EMPTY_GZIP + GZIP,
    "empty-member-last": GZIP + EMPTY_GZIP,
    "file-name": gzip_with(0x08, b"layer.tar\0"),
    "comment": gzip_with(0x10, b"text\0"),
    "extra-field": gzip_with(0x04, b"\4\0abcd"),
    "header-checksum": header_checksum(),
    "stored": gzip.compress(FIRST_TAR, 0),
}
BAD_ZSTD: dict[str, bytes] = {
    "cut-in-a-block": ZSTD[: len(ZSTD) // 2],
    "cut-by-one": ZSTD[:-1],
    "cut-after-header": ZSTD[:6],
    "only-magic": ZSTD[:4],
    "cut-second-frame": ZSTD + zstd_frames.raw_frame(b"x" * 600)[:-1],
    "no-last-block": zstd_frames.frame(zstd_frames.zero_blocks(2)[:4]),
    "garbage-after": ZSTD + b"garbage",
    "zeros-after": ZSTD + bytes(512),
    "magic-after": ZSTD + zstd_frames.MAGIC,
    "content-size-2-to-62": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), content_size=1 << 62),
    "content-size-10": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), content_size=10),
    "dictionary": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), dictionary=5),
    "wrong-checksum": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), checksum=b"nope"),
    "reserved-bit": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), reserved=True),
    "reserved-block": zstd_frames.frame(b"\x07\0\0"),
    "cut-skippable": ZSTD + zstd_frames.skippable(b"x" * 50)[:-1],
    "window-2-gib": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), window_log=31),
    "window-512-mib": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), window_log=29),
    "window-256-tib": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), window_log=41),
}
GOOD_ZSTD: dict[str, bytes] = {
    "two-frames": zstd_frames.raw_frame(FIRST_TAR[:HALF]) + zstd_frames.raw_frame(FIRST_TAR[HALF:]),
    "skippable-first": zstd_frames.skippable(b"note") + ZSTD,
    "skippable-last": ZSTD + zstd_frames.skippable(b"table of contents"),
    "empty-frame-first": zstd_frames.raw_frame(b"") + ZSTD,
    "content-size": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), content_size=len(FIRST_TAR)),
    "window-8-mib": zstd_frames.frame(zstd_frames.blocks(FIRST_TAR), window_log=23),
}


def both(name: str, threat: str, layer: Layer, inflated: Verdict) -> Iterator[Case]:
    """The layer in a layout, and in a Docker archive; refused only where it is inflated."""
    in_layout = folder_of(lambda: layout((layer, GOOD[1])))
    yield case(
        f"layout-{name}", threat, in_layout, ACCEPT, recode=inflated, verbs=("recode", "oci")
    )
    in_docker = tar_of(lambda: docker_archive((layer, GOOD[1])))
    yield case(
        f"docker-{name}", threat, in_docker, inflated,
        read=EITHER, verbs=("ls", "oci", "docker-archive"),
    )  # fmt: skip


def streams() -> Iterator[Case]:
    diff_id = digest_of(FIRST_TAR)
    threat = "a compressed layer that ends too early, too late, or twice"
    tables = (
        ("gzip", BAD_GZIP, REJECT), ("gzip", GOOD_GZIP, ACCEPT),
        ("zstd", BAD_ZSTD, REJECT), ("zstd", GOOD_ZSTD, ACCEPT),
    )  # fmt: skip
    for kind, table, verdict in tables:
        for name, blob in table.items():
            layer = Layer(blob, diff_id, f"{LAYER_TYPE}+{kind}")
            yield from both(f"{kind}-{name}", threat, layer, verdict)
    padded = Layer(GZIP + bytes(512), diff_id, LAYER_TYPE + "+gzip")
    yield from both("gzip-zeros-after", threat, padded, SAID)


def diff_ids() -> Iterator[Case]:
    threat = "a layer that is not what the config says it is"
    wrong = digest_of(b"other")
    for kind, blob in {"gzip": GZIP, "zstd": ZSTD, "plain": FIRST_TAR}.items():
        suffix = "" if kind == "plain" else f"+{kind}"
        layer = Layer(blob, wrong, LAYER_TYPE + suffix)
        build = folder_of(partial(layout, (layer, GOOD[1])))
        # A plain layer is only read anew where it is compressed.
        way = "zstd" if kind == "plain" else "none"
        plain = EITHER if kind == "plain" else ACCEPT
        yield case(
            f"layout-{kind}-diff-id", threat, build, plain,
            read=ACCEPT, recode=REJECT, compression=way,
        )  # fmt: skip
        archive = tar_of(partial(docker_archive, (layer, GOOD[1])))
        yield case(f"docker-{kind}-diff-id", threat, archive, REJECT, read=EITHER)
    swapped = (Layer(GOOD[0].blob, GOOD[1].diff_id), Layer(GOOD[1].blob, GOOD[0].diff_id))
    in_layout = folder_of(partial(layout, swapped))
    yield case("layout-swapped-diff-ids", threat, in_layout, ACCEPT, recode=REJECT)
    in_docker = tar_of(partial(docker_archive, swapped))
    yield case("docker-swapped-diff-ids", threat, in_docker, REJECT, read=EITHER)


def labels() -> Iterator[Case]:
    threat = "a media type that says another compression than the bytes do"
    blobs = {"gzip": GZIP, "zstd": ZSTD, "plain": FIRST_TAR}
    for kind, blob in blobs.items():
        for label in blobs:
            suffix = "" if label == "plain" else f"+{label}"
            layer = Layer(blob, digest_of(FIRST_TAR), LAYER_TYPE + suffix)
            for way in ("none", "gzip", "zstd"):
                yield case(
                    f"{kind}-labelled-{label}-to-{way}", threat,
                    folder_of(partial(layout, (layer, GOOD[1]))), ACCEPT,
                    compression=way, verbs=("recode", "oci")[: 1 + (way == "none")],
                )  # fmt: skip
    others: dict[str, Callable[[bytes], bytes]] = {"bzip2": bz2.compress, "xz": lzma.compress}
    for name, compress in others.items():
        layer = Layer(compress(FIRST_TAR), digest_of(FIRST_TAR), LAYER_TYPE)
        yield from both(f"{name}-layer", threat, layer, EITHER)


def legal() -> Iterator[Case]:
    threat = "layers of every kind"
    makers: dict[str, Callable[[bytes], Layer]] = {
        "plain": plain_layer, "gzip": gzip_layer, "zstd": zstd_layer,
    }  # fmt: skip
    contents = {"ordinary": FIRST_TAR, "empty-tar": bytes(1024), "of-no-bytes": b""}
    for name, content in contents.items():
        for kind, make in makers.items():
            verdict = ACCEPT if name != "of-no-bytes" else EITHER
            layers = (make(content), plain_layer(SECOND_TAR))
            build = folder_of(partial(layout, layers))
            yield case(
                f"layout-{kind}-{name}", threat, build, verdict,
                compression="gzip", verbs=("recode", "docker-archive"),
            )  # fmt: skip
            archive = tar_of(partial(docker_archive, layers))
            yield case(
                f"docker-{kind}-{name}", threat, archive, verdict,
                compression="zstd", verbs=("recode", "oci", "ls"),
            )  # fmt: skip
    yield case("layout-no-layers", threat, folder_of(partial(layout, ())), ACCEPT)


def cases() -> Iterator[Case]:
    yield from streams()
    yield from diff_ids()
    yield from labels()
    yield from legal()
