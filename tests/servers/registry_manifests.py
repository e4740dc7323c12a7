"""A registry's manifests: read, written where all that they need is there, removed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.servers.registry_content import Content, Manifest, Repository, failure

MOST_BYTES = 4 << 20


def read(content: Content, request: Request, name: str, reference: str) -> Response:
    """The manifest under a tag or a digest; 404 also where Accept has not its type."""
    repository = content.repository(name)
    digest = repository.find(reference)
    if digest is None:
        return failure(404, "MANIFEST_UNKNOWN", reference)
    manifest = repository.manifests[digest]
    if not request.accept_mimetypes.quality(manifest.media_type):
        return failure(404, "MANIFEST_UNKNOWN", f"{manifest.media_type} is not in Accept")
    response = Response(manifest.raw, content_type=manifest.media_type)
    response.headers["Docker-Content-Digest"] = digest
    return response


def write(content: Content, request: Request, name: str, reference: str) -> Response:
    """Take the manifest, if it is one and its blobs are here."""
    repository = content.repository(name)
    raw, media_type = request.get_data(), request.content_type or ""
    if len(raw) > MOST_BYTES:
        return failure(413, "MANIFEST_INVALID", f"{len(raw)} bytes")
    refused = content.manners.refuses_oci
    if refused is not None and media_type.startswith("application/vnd.oci."):
        return failure(refused, "MANIFEST_INVALID", f"unknown media type {media_type}")
    try:
        fields = json.loads(raw)
        lacking = list(_lacking(fields, repository))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return failure(400, "MANIFEST_INVALID", repr(error))
    if media_type not in media_types.DOCUMENTS or fields.get("schemaVersion") != 2:
        return failure(400, "MANIFEST_INVALID", f"no manifest, but {media_type!r}")
    if fields.get("mediaType", media_type) != media_type:
        return failure(400, "MANIFEST_INVALID", f"it says that it is {fields['mediaType']}")
    if lacking:
        return failure(400, "MANIFEST_BLOB_UNKNOWN", ", ".join(lacking))
    algorithm = "sha512" if reference.startswith("sha512:") else "sha256"
    digest = f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}"
    if ":" in reference and reference != digest:
        return failure(400, "DIGEST_INVALID", f"{digest} came as {reference}")
    repository.manifests[digest] = Manifest(media_type, raw)
    if ":" not in reference:
        repository.tags[reference] = digest
    return _created(content, name, digest, fields)


def _lacking(fields: Mapping[str, Any], repository: Repository) -> Iterator[str]:
    parts = [*fields.get("layers", ()), *([fields["config"]] if "config" in fields else ())]
    for part in parts:
        if part["digest"] not in repository.blobs and not part.get("urls"):
            yield part["digest"]
    for entry in fields.get("manifests", ()):
        if entry["digest"] not in repository.manifests:
            yield entry["digest"]


def _created(content: Content, name: str, digest: str, fields: Mapping[str, Any]) -> Response:
    headers = {"Location": f"/v2/{name}/manifests/{digest}", "Docker-Content-Digest": digest}
    if content.manners.referrers_api and "subject" in fields:
        headers["OCI-Subject"] = str(Digest.parse(fields["subject"]["digest"]))
    return Response(status=201, headers=headers)


def remove(content: Content, request: Request, name: str, reference: str) -> Response:
    """Take away a tag; or a manifest, with all tags that lead to it."""
    repository = content.repository(name)
    digest = repository.find(reference)
    if digest is None:
        return failure(404, "MANIFEST_UNKNOWN", reference)
    if reference in repository.tags:
        del repository.tags[reference]
    else:
        del repository.manifests[digest]
        repository.tags = {tag: at for tag, at in repository.tags.items() if at != digest}
    return Response(status=202)
