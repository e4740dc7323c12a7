"""skopeo's folders of one image, and layouts in tars whose marker or index is odd."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.hostile import blob_files
from tests.hostile.cases import ACCEPT, EITHER, Builder, Case, Spoiler, case, folder_of, tar_of
from tests.hostile.images import (
    GOOD,
    Encoder,
    Files,
    blob_path,
    changed,
    digest_of,
    encode,
    layout,
    replaced,
)

VERSION = b"Directory Transport Version: 1.1\n"


def skopeo_dir(manifest: Encoder = encode, version: bytes = VERSION) -> Files:
    blobs = layout(manifest=manifest)
    *others, last = [name for name in blobs if name.startswith("blobs/")]
    files = {name.rpartition("/")[2]: blobs[name] for name in others}
    return {"version": version, "manifest.json": blobs[last], **files}


def spoilt(spoil: Spoiler, digest: str = digest_of(GOOD[0].blob)) -> Builder:
    return folder_of(skopeo_dir, lambda root: spoil(root / digest.partition(":")[2]))


def folders() -> Iterator[Case]:
    threat = "a dir: folder that is damaged, or leads elsewhere"
    yield case("dir-good", threat, folder_of(skopeo_dir), ACCEPT)
    for name, spoil in (blob_files.CONTENT | blob_files.KIND).items():
        yield case(f"dir-layer-{name}", threat, spoilt(spoil), read=EITHER, seconds=5)
    for name in ("link-outside", "link-to-secret", "fifo", "folder", "missing"):
        manifest = folder_of(skopeo_dir, partial(spoil_manifest, blob_files.KIND[name]))
        yield case(f"dir-manifest-{name}", threat, manifest, seconds=5)
    for name, digest in {
        "parent": "sha256:../../outside/secret",
        "beside": "sha256:../outside/secret",
        "upper-case": digest_of(GOOD[0].blob).upper(),
    }.items():
        bent = folder_of(partial(skopeo_dir, changed("layers.0.digest", digest)))
        yield case(f"dir-digest-{name}", threat, bent)
    garbage = folder_of(partial(skopeo_dir, replaced(b"{}")))
    yield case("dir-manifest-empty-object", threat, garbage)
    other = folder_of(partial(skopeo_dir, encode, b"Directory Transport Version: 9.9\n"))
    yield case("dir-version-9", threat, other, EITHER)


def spoil_manifest(spoil: Spoiler, root: Path) -> None:
    spoil(root / "manifest.json")


def markers() -> Iterator[Case]:
    threat = "the version of a layout in a tar"
    for name, content in {"2.0.0": b'{"imageLayoutVersion":"2.0.0"}', "empty": b""}.items():
        build = tar_of(partial(marked, content))
        yield case(f"tar-oci-layout-{name}", threat, build)
    yield case("tar-oci-layout-missing", threat, tar_of(unmarked), EITHER)
    threat = "a blob of a layout in a tar that is not what its name says"
    for name, content in {"empty": b"", "zeros": bytes(500), "other": b"x"}.items():
        yield case(f"tar-layer-{name}", threat, tar_of(partial(with_layer, content)), read=EITHER)
    yield case("tar-layer-missing", threat, tar_of(without_layer), read=EITHER)


def marked(content: bytes) -> Files:
    return layout() | {"oci-layout": content}


def unmarked() -> Files:
    return {name: raw for name, raw in layout().items() if name != "oci-layout"}


def with_layer(content: bytes) -> Files:
    return layout() | {blob_path(digest_of(GOOD[0].blob)): content}


def without_layer() -> Files:
    files = layout()
    del files[blob_path(digest_of(GOOD[0].blob))]
    return files


def cases() -> Iterator[Case]:
    yield from folders()
    yield from markers()
