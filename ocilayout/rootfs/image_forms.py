"""Images that are mistaken for root file systems: docker save and docker export sound alike."""

from ocilayout.rootfs.plan import ContentReader
from ocilayout.rootfs.tree import Folder, Node

_LOOKED_AT = 64 * 1024
"""Bytes of a manifest.json that are read."""
_MARK = b"\xef\xbb\xbf"


def image_form(reader: ContentReader, top: Folder) -> str | None:
    """What image a tree is, in words; None where it may well be a root file system.

    One whose files stand in a single directory at the top is found too. A manifest.json is
    looked into, as web applications have one.
    """
    files = top.children
    if len(files) == 1:
        [only] = files.values()
        files = only.children if isinstance(only, Folder) else files
    if {b"index.json", b"oci-layout"} <= files.keys():
        return "an OCI layout"
    if b"repositories" in files and any(
        isinstance(child, Folder) and b"layer.tar" in child.children for child in files.values()
    ):
        return "a Docker archive"
    manifest = files.get(b"manifest.json")
    if manifest is None or manifest.kind != "file":
        return None
    head = _head(reader, manifest).removeprefix(_MARK).lstrip().lower()
    if head.startswith(b"[") and b'"config"' in head and b'"layers"' in head:
        return "a Docker archive"
    is_document = b'"schemaversion"' in head and (b'"layers"' in head or b'"manifests"' in head)
    return "an image in the dir: format" if is_document else None


def _head(reader: ContentReader, file: Node) -> bytes:
    head = b""
    for _, content in reader.contents([file]):
        for piece in content:
            head += piece[:_LOOKED_AT]
            if len(head) >= _LOOKED_AT:
                break
    return head
