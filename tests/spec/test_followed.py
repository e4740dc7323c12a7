import json

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.followed import why_not_followed

BLOB = {"digest": str(Digest.of(b"blob")), "size": 4}
SCHEMA_1 = {"schemaVersion": 1, "name": "app", "fsLayers": [{"blobSum": BLOB["digest"]}]}


def reason(media_type: str, fields: object) -> str | None:
    raw = json.dumps(fields).encode()
    return why_not_followed(Descriptor.of(media_type, raw), raw)


@pytest.mark.parametrize("suffix", ["json", "prettyjws"])
def test_schema_1_is_named_by_its_media_type(suffix: str) -> None:
    media_type = f"application/vnd.docker.distribution.manifest.v1+{suffix}"
    assert "Docker schema 1" in str(reason(media_type, {}))
    assert "Docker schema 1" in str(why_not_followed(Descriptor.of(media_type, b"jws"), b""))


@pytest.mark.parametrize("media_type", ["application/octet-stream", "application/json", "x/y"])
def test_schema_1_is_named_by_its_fields(media_type: str) -> None:
    assert "Docker schema 1" in str(reason(media_type, SCHEMA_1))
    signed = {**SCHEMA_1, "signatures": [{"protected": "e30"}]}
    assert "Docker schema 1" in str(reason(media_type, signed))


@pytest.mark.parametrize("kind", [Index, Manifest])
def test_schema_1_is_named_under_the_media_type_of_another_document(
    kind: type[Index] | type[Manifest],
) -> None:
    media_type = media_types.OCI_INDEX if kind is Index else media_types.DOCKER_MANIFEST
    with pytest.raises(InvalidDocument, match="manifest is Docker schema 1, which is not read"):
        kind.parse(media_type, json.dumps(SCHEMA_1).encode(), "manifest")


@pytest.mark.parametrize("key", ["layers", "manifests", "blobs", "fsLayers"])
def test_what_lists_blobs_under_a_type_that_is_not_known_is_named(key: str) -> None:
    said = str(reason("application/vnd.example.bundle+json", {key: [BLOB]}))
    assert "'application/vnd.example.bundle+json'" in said
    assert key in said


def test_a_document_under_a_wrong_media_type_is_named() -> None:
    said = reason(
        "application/octet-stream", {"mediaType": media_types.OCI_INDEX, "layers": [BLOB]}
    )
    assert said == (
        f"it says that it is {media_types.OCI_INDEX!r}, "
        "but what leads to it says 'application/octet-stream'"
    )


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"text",
        b"[1]",
        b"{",
        b"{}",
        b'{"layers":[]}',
        b'{"layers":[{"blob":"sha256:0"}]}',
        b'{"layers":"all"}',
        b'{"schemaVersion":1}',
        b"\x1f\x8b",
    ],
)
def test_content_leads_to_nothing(raw: bytes) -> None:
    assert why_not_followed(Descriptor.of("application/x-content", raw), raw) is None
