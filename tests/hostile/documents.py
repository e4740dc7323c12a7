"""JSON that no honest encoder writes, and values of the wrong type."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    SAID,
    Builder,
    Case,
    Verdict,
    case,
    folder_of,
)
from tests.hostile.images import (
    CONFIG_TYPE,
    MANIFEST_TYPE,
    REMOVED,
    Encoder,
    Files,
    changed,
    encode,
    layout,
    replaced,
    spliced,
)


def with_encoder(document: str, encoder: Encoder) -> Builder:
    documents: dict[str, Any] = {document: encoder}
    return folder_of(partial(layout, **documents))


def recoded(codec: str, mark: bytes = b"") -> Encoder:
    return lambda fields: mark + encode(fields).decode().encode(codec)


def appended(tail: bytes) -> Encoder:
    return lambda fields: encode(fields) + tail


def inserted(text: bytes) -> Encoder:
    """Encode with another member in front of the first one."""
    return lambda fields: b"{" + text + b"," + encode(fields)[1:]


DEEP = b"[" * 100_000 + b"]" * 100_000
DEEP_OBJECT = b'{"a":' * 100_000 + b"1" + b"}" * 100_000

SYNTAX: dict[str, Encoder] = {
    "empty": replaced(b""),
    "garbage": replaced(b"\x00\x01 not json"),
    "null": replaced(b"null"),
    "array": replaced(b"[]"),
    "number": replaced(b"5"),
    "string": replaced(b'"text"'),
    "empty-object": replaced(b"{}"),
    "cut": lambda fields: encode(fields)[:-1],
    "second-document": appended(b'{"schemaVersion":2,"manifests":[]}'),
    "trailing-nul": appended(b"\0"),
    "trailing-text": appended(b"x"),
    "byte-order-mark": recoded("utf-8", codecs.BOM_UTF8),
    "utf-16": recoded("utf-16"),
    "utf-16-le": recoded("utf-16-le"),
    "utf-32": recoded("utf-32"),
    "invalid-utf-8": inserted(b'"x":"\xff"'),
    "overlong-utf-8": inserted(b'"x":"\xc0\xaf"'),
    "utf-8-surrogate": inserted(b'"x":"\xed\xa0\x80"'),
    "lone-surrogate": inserted(rb'"x":"\ud800"'),
    "lone-surrogate-key": inserted(rb'"\udfff":"x"'),
    "nan": inserted(b'"x":NaN'),
    "infinity": inserted(b'"x":-Infinity'),
    "6000-digits": inserted(b'"x":' + b"9" * 6000),
    "deep-arrays": inserted(b'"x":' + DEEP),
    "deep-objects": inserted(b'"x":' + DEEP_OBJECT),
    "deep-annotation": inserted(b'"annotations":{"x":' + DEEP_OBJECT + b"}"),
    "duplicate-unknown-key": inserted(b'"x":1,"x":2'),
    "control-character-in-string": inserted(b'"x":"a\nb"'),
    "single-quotes": inserted(b"'x':1"),
    "trailing-comma": lambda fields: encode(fields)[:-1] + b",}",
    "comment": lambda fields: b"/**/" + encode(fields),
}


def syntax() -> Iterator[Case]:
    threat = "JSON that parsers read in different ways, or die of"
    for name, encoder in SYNTAX.items():
        for document in ("index", "manifest", "config"):
            # A config without anything in it is JSON all the same: what it lacks is for engines.
            read = EITHER if (document, name) == ("config", "empty-object") else None
            built = with_encoder(document, encoder)
            yield case(f"{document}-{name}", threat, built, read=read)


def duplicates() -> Iterator[Case]:
    threat = "a key twice, or twice but for its case"
    keys = {"index": b"manifests", "manifest": b"layers", "config": b"rootfs"}
    for document, key in keys.items():
        twice = with_encoder(document, inserted(b'"%s":[]' % key))
        yield case(f"{document}-duplicate-{key.decode()}", threat, twice)
        long_s = key.replace(b"s", "ſ".encode())
        like = with_encoder(document, inserted(b'"%s":[]' % long_s))
        yield case(f"{document}-folds-to-{key.decode()}", threat, like, EITHER)
        folded = with_encoder(document, inserted(b'"%s":[]' % key.title()))
        yield case(f"{document}-folded-{key.decode()}", threat, folded, EITHER)
        renamed = with_encoder(document, spliced(b'"%s"' % key, b'"%s"' % key.title()))
        yield case(f"{document}-title-case-{key.decode()}", threat, renamed, read=EITHER)
    digest = with_encoder("manifest", spliced(b'"digest"', b'"digest":"sha256:00","digest"'))
    yield case("manifest-duplicate-digest", threat, digest)


def both_kinds() -> Iterator[Case]:
    threat = "manifests and layers in one document"
    config = {"mediaType": CONFIG_TYPE, "digest": "sha256:" + "0" * 64, "size": 2}
    yield case("manifest-with-manifests", threat, bent("manifest", "manifests", []))
    yield case("index-with-layers", threat, bent("index", "layers", []))
    yield case("index-with-config", threat, bent("index", "config", config))
    yield case("index-is-a-manifest", threat, with_encoder("index", image_manifest))
    yield case("index-says-manifest", threat, bent("index", "mediaType", MANIFEST_TYPE))
    says_config = bent("manifest", "mediaType", CONFIG_TYPE)
    yield case("manifest-says-config", threat, says_config)


def image_manifest(_: Any) -> bytes:
    return encode({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": {}, "layers": []})


def bent(document: str, path: str, value: Any) -> Builder:
    return with_encoder(document, changed(path, value))


# What has to be there, or be of one type, with values that it must not have.
WRONG: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("index", "manifests", ({}, 5, "x", REMOVED)),
    ("index", "manifests.0", (None, [], 5, "x", {})),
    ("index", "manifests.0.mediaType", (None, 5, [], REMOVED)),
    ("index", "manifests.0.annotations", ([], 5, "x")),
    ("index", "manifests.0.annotations.x", (5, {}, None)),
    ("index", "manifests.0.platform", ([], 5, "linux/amd64")),
    ("index", "manifests.0.platform", ({"os": 5, "architecture": "amd64"},)),
    ("index", "annotations", ([], 5)),
    ("index", "schemaVersion", ("2", 1, True)),
    ("manifest", "config", (None, [], 5, REMOVED)),
    ("manifest", "layers", (None, {}, 5, REMOVED)),
    ("manifest", "layers.0", (None, [], 5)),
    ("manifest", "annotations", ([], 5)),
    ("manifest", "schemaVersion", ("2", 1)),
)
# A config may be copied as it is; but where it is used, its types matter.
WRONG_IN_CONFIG: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("rootfs", (None, [], 5, REMOVED)),
    ("rootfs.diff_ids", (None, {}, 5)),
    ("rootfs.diff_ids.0", (None, 5, "x", "sha256:../../x")),
    ("architecture", (5, [])),
    ("os", (5, {})),
)


def types() -> Iterator[Case]:
    threat = "a value of the wrong type"
    for document, path, values in WRONG:
        for value in values:
            shown = "absent" if value is REMOVED else encode(value).decode()
            # As Go writes a list of nothing: an image without layers, whose config counts some.
            read = EITHER if (document, path, value) == ("manifest", "layers", None) else None
            # As Go reads null for an empty text.
            copy = EITHER if (path, value) == ("manifests.0.annotations.x", None) else REJECT
            build = bent(document, path, value)
            yield case(f"{document}.{path}={shown}", threat, build, copy, read=read)
    for path, values in WRONG_IN_CONFIG:
        for value in values:
            shown = "absent" if value is REMOVED else encode(value).decode()
            build = bent("config", path, value)
            # oras writes images without diff ids, which are copied as they are, with a warning.
            is_without = path.startswith("rootfs") and (value is None or value is REMOVED)
            copy = SAID if is_without and path != "rootfs.diff_ids.0" else REJECT
            yield case(f"config.{path}={shown}", threat, build, copy, read=EITHER)
    # umoci 0.4.7 writes this for a layout without images; an index of nothing.
    yield case("index.manifests=null", threat, bent("index", "manifests", None), EITHER)
    yield case("index.manifests=[]", threat, bent("index", "manifests", []), EITHER)
    yield case("index.schemaVersion=null", threat, bent("index", "schemaVersion", None), EITHER)


def counts() -> Iterator[Case]:
    threat = "layers and diff ids differ in number"
    for name, diff_ids in {"none": [], "one-more": ["sha256:" + "0" * 64] * 3}.items():
        build = bent("config", "rootfs.diff_ids", diff_ids)
        yield case(f"diff-ids-{name}", threat, build, REJECT if diff_ids else SAID, read=EITHER)
    yield case("layers-none", threat, bent("manifest", "layers", []), read=EITHER)


VERSIONS: dict[str, tuple[bytes, Verdict]] = {
    "2.0.0": (b'{"imageLayoutVersion":"2.0.0"}', REJECT),
    "number": (b'{"imageLayoutVersion":1}', REJECT),
    "null": (b'{"imageLayoutVersion":null}', REJECT),
    "absent": (b"{}", REJECT),
    "empty-file": (b"", REJECT),
    "array": (b"[]", REJECT),
    "garbage": (b"1.0.0", REJECT),
    "duplicate": (b'{"imageLayoutVersion":"1.0.0","imageLayoutVersion":"2.0.0"}', REJECT),
    "newline": (b'{"imageLayoutVersion":"1.0.0\\n"}', REJECT),
    "spaced": (b'{ "imageLayoutVersion" : "1.0.0" }\n', ACCEPT),
    "more-fields": (b'{"imageLayoutVersion":"1.0.0","x":{"y":[]}}', ACCEPT),
    "1.1.0": (b'{"imageLayoutVersion":"1.1.0"}', EITHER),
}


def versions() -> Iterator[Case]:
    threat = "the version or the format of oci-layout"
    for name, (content, verdict) in VERSIONS.items():
        yield case(f"oci-layout-{name}", threat, folder_of(partial(marked, content)), verdict)
    # Older BuildKits wrote folders without one.
    yield case("oci-layout-missing", threat, folder_of(unmarked), EITHER)


def marked(content: bytes) -> Files:
    return layout() | {"oci-layout": content}


def unmarked() -> Files:
    return {name: raw for name, raw in layout().items() if name != "oci-layout"}


def cases() -> Iterator[Case]:
    yield from syntax()
    yield from duplicates()
    yield from both_kinds()
    yield from types()
    yield from counts()
    yield from versions()
