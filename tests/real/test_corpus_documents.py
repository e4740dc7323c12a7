"""What real tools write keeps to the specification, as our schemas have it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ocilayout.spec.schemas import MEDIA_TYPES, violations
from tests.real.readers import Files, open_files

LAYOUT = "application/vnd.oci.layout.header.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.docker.container.image.v1+json"

# Empty layers are forbidden by the specification's own schema, and advised against by its text.
# umoci writes them in images that nobody has added to yet.
TOLERATED = {"layers: is empty, but must have 1 or more"}


def test_documents_of_real_tools_have_no_violation(image_file: Path) -> None:
    with open_files(image_file) as files:
        found = [
            (name, said)
            for name, media_type in documents(files)
            for said in violations(files.open(name).read(), media_type)
            if said not in TOLERATED
        ]
    assert found == []


def documents(files: Files) -> Iterator[tuple[str, str]]:
    """The name and media type of each document that is here, once each."""
    names = files.names()
    pending = dict(tops(files, names))
    seen: set[str] = set()
    while pending:
        name, media_type = pending.popitem()
        seen.add(name)
        yield name, media_type
        for child in children(json.loads(files.open(name).read())):
            algorithm, _, encoded = child["digest"].partition(":")
            for place in (f"blobs/{algorithm}/{encoded}", encoded):
                if place in names - seen and child["mediaType"] in MEDIA_TYPES:
                    pending[place] = child["mediaType"]


def tops(files: Files, names: set[str]) -> Iterator[tuple[str, str]]:
    if "oci-layout" in names:
        yield "oci-layout", LAYOUT
    if "index.json" in names:
        top = json.loads(files.open("index.json").read())
        yield "index.json", top.get("mediaType", INDEX)
    if "manifest.json" in names:
        top = json.loads(files.open("manifest.json").read())
        if isinstance(top, list):
            yield from ((item["Config"], CONFIG) for item in top)
        else:
            yield "manifest.json", top.get("mediaType", MANIFEST)


def children(document: dict[str, Any]) -> list[dict[str, Any]]:
    listed = [*document.get("manifests", []), *document.get("layers", [])]
    return [*listed, document["config"]] if "layers" in document else listed
