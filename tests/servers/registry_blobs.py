"""A registry's blobs: read, removed, and uploaded in one piece or in chunks."""

import hashlib
import re
import uuid

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from ocilayout.errors import InvalidDigest
from ocilayout.spec.digest import Digest
from tests.servers.registry_content import Content, Upload, failure, refuse

PIECE = 1 << 16


def read(content: Content, request: Request, name: str, digest: str) -> Response:
    """The blob, or the Range of it; with HEAD its headers alone."""
    blob = content.repository(name).blobs.get(digest)
    if blob is None:
        return failure(404, "BLOB_UNKNOWN", digest)
    response = Response(blob, content_type="application/octet-stream")
    response.headers["Docker-Content-Digest"] = digest
    response.make_conditional(request, accept_ranges=True, complete_length=len(blob))
    return response


def remove(content: Content, request: Request, name: str, digest: str) -> Response:
    """Take the blob out of this repository."""
    gone = content.repository(name).blobs.pop(digest, None)
    return failure(404, "BLOB_UNKNOWN", digest) if gone is None else Response(status=202)


def start(content: Content, request: Request, name: str) -> Response:
    """An upload; or else the blob, if it was mounted or came along."""
    repository = content.repository(name)
    mount, source = request.args.get("mount"), request.args.get("from", "")
    if mount and content.manners.mounts and source in content.repositories:
        blob = content.repositories[source].blobs.get(mount)
        if blob is not None:
            repository.blobs[mount] = blob
            return _created(name, mount)
    if "digest" in request.args and content.manners.single_post:
        upload = Upload(name)
        _receive(upload, request)
        return _stored(content, upload, request.args["digest"])
    key = uuid.uuid4().hex
    content.uploads[key] = Upload(name)
    return _state(content, key, 202)


def tell(content: Content, request: Request, name: str, key: str) -> Response:
    """How far the upload has come."""
    _upload(content, request, name, key)
    return _state(content, key, 204)


def append(content: Content, request: Request, name: str, key: str) -> Response:
    """One more chunk, which must begin where the last one ended."""
    upload = _upload(content, request, name, key)
    if upload.had_short_chunk:
        return failure(400, "BLOB_UPLOAD_INVALID", "the chunk before was too short")
    before = len(upload.received)
    if (wrong := _out_of_order(content, request, key)) is not None:
        return wrong
    _receive(upload, request)
    upload.had_short_chunk = len(upload.received) - before < content.manners.min_chunk
    return _state(content, key, 202)


def finish(content: Content, request: Request, name: str, key: str) -> Response:
    """The blob, with the chunk that may come last, if it has the digest that it should have."""
    upload = _upload(content, request, name, key)
    if (wrong := _out_of_order(content, request, key)) is not None:
        return wrong
    _receive(upload, request)
    content.uploads.pop(key)
    return _stored(content, upload, request.args.get("digest", ""))


def cancel(content: Content, request: Request, name: str, key: str) -> Response:
    """Forget the upload."""
    _upload(content, request, name, key)
    content.uploads.pop(key)
    return Response(status=204)


def _upload(content: Content, request: Request, name: str, key: str) -> Upload:
    upload = content.uploads.get(key)
    if upload is None or upload.name != name:
        refuse(404, "BLOB_UPLOAD_UNKNOWN", key)
    # A client that makes up the next address, or loses the query that it was given, learns so.
    if "_state" not in request.args:
        refuse(400, "BLOB_UPLOAD_INVALID", "the address has lost its _state")
    return upload


def _receive(upload: Upload, request: Request) -> None:
    """All of the body; what came before a connection broke is kept."""
    try:
        while part := request.stream.read(PIECE):
            upload.received += part
    except (ClientDisconnected, OSError):
        refuse(400, "BLOB_UPLOAD_INVALID", "the connection broke")


def _out_of_order(content: Content, request: Request, key: str) -> Response | None:
    stated = request.headers.get("Content-Range")
    if stated is None:
        return None
    here = len(content.uploads[key].received)
    match = re.fullmatch(r"(\d+)-(\d+)", stated)
    if match is None or int(match[1]) != here:
        return _state(content, key, 416)
    length = request.content_length
    if length is not None and int(match[2]) - int(match[1]) + 1 != length:
        return failure(400, "SIZE_INVALID", f"Content-Range {stated}, {length} bytes")
    return None


def _state(content: Content, key: str, status: int) -> Response:
    upload = content.uploads[key]
    here = len(upload.received)
    # Of an upload without bytes too, docker's registry says 0-0.
    headers = {
        "Location": f"/v2/{upload.name}/blobs/uploads/{key}?_state={here}",
        "Range": f"0-{max(here - 1, 0)}",
        "Docker-Upload-UUID": key,
    }
    if content.manners.min_chunk:
        headers["OCI-Chunk-Min-Length"] = str(content.manners.min_chunk)
    return Response(status=status, headers=headers)


def _stored(content: Content, upload: Upload, text: str) -> Response:
    try:
        digest = Digest.parse(text)
    except InvalidDigest as error:
        return failure(400, "DIGEST_INVALID", str(error))
    blob = bytes(upload.received)
    if hashlib.new(digest.algorithm, blob).hexdigest() != digest.encoded:
        return failure(400, "DIGEST_INVALID", f"{text} is not what came")
    content.repository(upload.name).blobs[text] = blob
    return _created(upload.name, text)


def _created(name: str, digest: str) -> Response:
    headers = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
    return Response(status=201, headers=headers)
