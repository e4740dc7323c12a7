"""What a text file is that somebody took for an image: by what it begins with, or holds.

Only the head is looked at, and nothing of it is repeated in messages.
"""

import re

Row = tuple[str, str]
"""What a file is, and what to do; `{file}` and `{directory}` stand for where it is."""

_IMAGES = "name what docker save, podman save or buildx wrote"
_DOWNLOAD = "look at it, and download the file again"

_STARTS: tuple[tuple[bytes, Row], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        ("a Git LFS pointer, not the file itself", "git lfs pull, in its repository"),
    ),
    (b"version http://git-media.io/", ("a Git LFS pointer, not the file itself", "git lfs pull")),
    (b"/annex/objects/", ("a git-annex pointer, not the file itself", "git annex get {file}")),
    (b"# v2 git bundle\n", ("a git bundle", "git clone {file}")),
    (b"# v3 git bundle\n", ("a git bundle", "git clone {file}")),
    (b"age-encryption.org/", ("encrypted with age", "age -d -o {tar} {file}")),
    (b"-----BEGIN AGE ENCRYPTED", ("encrypted with age", "age -d -o {tar} {file}")),
    (b"-----BEGIN PGP MESSAGE-----", ("encrypted with OpenPGP", "gpg -o {tar} -d {file}")),
    (b"-----BEGIN ", ("a key, a certificate or a signature (PEM)", _IMAGES)),
    (b"H4sI", ("base64 text of a gzip stream", "base64 -d {file} > {tar}")),
    (b"HTTP/1.", ("an HTTP answer with its headers", "download it without them (curl without -i)")),
    (b"#!", ("a script", _IMAGES)),
)
_HTML_PAGE = ("an HTML page, as a proxy, a login or an error sends instead of a file", _DOWNLOAD)
_XML_DOCUMENT = ("an XML document, as storage servers answer with errors", _DOWNLOAD)
# Neither pattern can match one text in two ways: a head is whatever somebody made of it.
_CHECKSUM = re.compile(rb"[0-9A-Fa-f]{32,128} [ *]\S")
_DOCKERFILE = re.compile(rb"(?:#[^\n]*\n\s*|ARG [^\n]*\n\s*)*FROM [\w$./{}:@-]")
_YAML: tuple[tuple[bytes, Row], ...] = (
    (
        b"services:",
        (
            "a compose file, which only names images",
            "docker save -o images.tar $(docker compose -f {file} config --images)",
        ),
    ),
    (b"apiVersion:", ("a manifest of Kubernetes, which only names images", _IMAGES)),
)

# Keys that are all in it; the first that fits.
_JSON: tuple[tuple[tuple[bytes, ...], Row], ...] = (
    (
        (b'"Config"', b'"Layers"'),
        (
            "the manifest.json of a Docker archive, alone",
            "name the archive, or the directory with all of its files: {directory}",
        ),
    ),
    (
        (b'"imageLayoutVersion"',),
        ("the oci-layout file of an OCI layout", "name its directory: {directory}"),
    ),
    (
        (b'"manifests"',),
        ("an image index, as the index.json of an OCI layout", "name its directory: {directory}"),
    ),
    (
        (b'"schemaVersion"', b'"layers"'),
        ("an image manifest, without the image", "name the directory or archive that it is of"),
    ),
    ((b'"RepoTags"',), ("what docker inspect prints", "docker save -o app.tar NAME")),
    ((b'"ociVersion"',), ("the config.json of a runtime bundle", _IMAGES)),
    (
        (b'"rootfs"', b'"diff_ids"'),
        (
            "the config of an image, without the image",
            "name the directory or archive that it is of",
        ),
    ),
    ((b'"errors"', b'"code"'), ("the error that a registry answered", _DOWNLOAD)),
    ((b'"payloadType"',), ("a signed statement (DSSE)", _IMAGES)),
    ((b'"spdxVersion"',), ("an SBOM (SPDX)", _IMAGES)),
    ((b'"bomFormat"',), ("an SBOM (CycloneDX)", _IMAGES)),
)
_JSON_START = re.compile(rb"\{\s*[\"}]|\[[\[\s]*[\"{\]0-9-]")
_MARK = b"\xef\xbb\xbf"
_WITH_MARK = "JSON with a byte order mark, as Notepad saves it"
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))

KNOWN_SIZE = 64 * 1024
"""Bytes that are enough to tell a kind."""


def text_kind(head: bytes) -> Row | None:
    """What a file is that begins with `head`, if it is text."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) and len(head) > 2:
        return (
            "UTF-16 text, as PowerShell's > makes of what a program writes, which spoils it",
            "write it again with docker save -o {file} NAME",
        )
    if not _is_text(head):
        return None
    text = head.removeprefix(_MARK).lstrip()
    if _JSON_START.match(text):
        kind, advice = _json_kind(text)
        return (f"{_WITH_MARK}: {kind}" if head.startswith(_MARK) else kind), advice
    for start, row in _STARTS:
        if text.startswith(start):
            return row
    if text.startswith(b"<"):
        start = text[:1024].lower()
        is_page = start.startswith(b"<!doctype html") or b"<html" in start
        return _HTML_PAGE if is_page else _XML_DOCUMENT
    if _CHECKSUM.match(text):
        return "a list of checksums", "name the file that they are of"
    if _DOCKERFILE.match(text):
        return "a Dockerfile", "docker buildx build -o type=oci,dest=app.tar -f {file} {directory}"
    lines = text.splitlines()
    for key, row in _YAML:
        if any(line.startswith(key) for line in lines):
            return row
    return "text", _IMAGES


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # The end of the head may cut a letter.
        if error.reason != "unexpected end of data":
            return False
    return bool(head.strip()) and head.translate(None, _CONTROLS) == head


def _json_kind(text: bytes) -> Row:
    for keys, row in _JSON:
        if all(key in text for key in keys):
            return row
    return "JSON", _IMAGES
