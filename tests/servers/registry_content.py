"""What a registry of the tests holds, and how it may differ from others."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from werkzeug.exceptions import abort
from werkzeug.wrappers import Response

# distribution-spec, "Pulling manifests".
_NAME = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Manners:
    """What registries are free to do one way or another."""

    referrers_api: bool = True
    """Without it, 404 as before OCI 1.1: clients keep the index in a tag."""
    mounts: bool = True
    """Without it, a mount is answered 202, with an upload."""
    single_post: bool = True
    """Whether a blob may come with the POST; if not, 202 with an upload, as docker's registry."""
    min_chunk: int = 0
    """OCI-Chunk-Min-Length, in bytes: what all chunks but the last must have."""
    page: int = 1000
    """The most entries of a list in one answer."""
    refuses_oci: int | None = None
    """The status with which OCI's manifests are refused: 415, or 400 MANIFEST_INVALID."""


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index."""

    media_type: str
    raw: bytes

    @property
    def fields(self) -> Mapping[str, object]:
        """Its JSON."""
        return dict(json.loads(self.raw))


@dataclass
class Repository:
    """All by digest; tags lead to digests of manifests."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def find(self, reference: str) -> str | None:
        """The digest of the manifest under this tag or digest, if it is here."""
        digest = self.tags.get(reference, reference)
        return digest if digest in self.manifests else None


@dataclass
class Upload:
    """A blob that is on its way."""

    name: str
    received: bytearray = field(default_factory=bytearray)
    had_short_chunk: bool = False


@dataclass
class Content:
    """Everything that a registry holds; tests look into it, and spoil it."""

    manners: Manners
    repositories: defaultdict[str, Repository] = field(
        default_factory=lambda: defaultdict(Repository)
    )
    uploads: dict[str, Upload] = field(default_factory=dict)

    def repository(self, name: str) -> Repository:
        """The repository of a request, which comes to be; refuses names that may not be."""
        if not _NAME.fullmatch(name) or len(name) > 255:
            refuse(400, "NAME_INVALID", name)
        return self.repositories[name]


def refuse(
    status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
) -> NoReturn:
    """End the request with an error of the specification."""
    abort(failure(status, code, message, headers))


def failure(
    status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
) -> Response:
    """An error as the specification has it."""
    body = json.dumps({"errors": [{"code": code, "message": message}]})
    return Response(body, status, dict(headers or {}), content_type="application/json")
