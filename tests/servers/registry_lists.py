"""A registry's lists, page by page: tags, and what refers to a manifest."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Request, Response

from ocilayout.spec import media_types
from tests.servers.registry_content import Content, Manifest, Repository, failure


def tags(content: Content, request: Request, name: str) -> Response:
    """The tags after `last`, as many as `n` at most."""
    repository = content.repository(name)
    if not repository.tags and not repository.manifests:
        return failure(404, "NAME_UNKNOWN", name)
    names, link = _page(content, request, sorted(repository.tags))
    body = json.dumps({"name": name, "tags": names})
    return Response(body, headers=link, content_type="application/json")


def referrers(content: Content, request: Request, name: str, digest: str) -> Response:
    """An index of the manifests whose subject is `digest`; 404 where it is not offered."""
    if not content.manners.referrers_api:
        return Response("404 page not found\n", 404)
    found = {str(entry["digest"]): entry for entry in _entries(content.repository(name), digest)}
    wanted = request.args.get("artifactType")
    if wanted is not None:
        found = {at: entry for at, entry in found.items() if entry["artifactType"] == wanted}
    digests, headers = _page(content, request, sorted(found))
    if wanted is not None:
        headers["OCI-Filters-Applied"] = "artifactType"
    index = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_INDEX,
        "manifests": [found[at] for at in digests],
    }
    return Response(json.dumps(index), headers=headers, content_type=media_types.OCI_INDEX)


def _entries(repository: Repository, subject: str) -> Iterator[Mapping[str, object]]:
    for digest, manifest in repository.manifests.items():
        fields: Mapping[str, Any] = manifest.fields
        if fields.get("subject", {}).get("digest") == subject:
            yield _entry(digest, manifest, fields)


def _entry(digest: str, manifest: Manifest, fields: Mapping[str, Any]) -> Mapping[str, object]:
    config_type = fields.get("config", {}).get("mediaType")
    entry: dict[str, object] = {
        "mediaType": manifest.media_type,
        "digest": digest,
        "size": len(manifest.raw),
        "artifactType": fields.get("artifactType", config_type),
    }
    if "annotations" in fields:
        entry["annotations"] = fields["annotations"]
    return entry


def _page(content: Content, request: Request, every: list[str]) -> tuple[list[str], dict[str, str]]:
    """What comes after `last`, and a Link where there is more."""
    most = min(int(request.args.get("n", content.manners.page)), content.manners.page)
    rest = [name for name in every if name > request.args.get("last", "")]
    here = rest[:most]
    if len(here) == len(rest) or not here:
        return here, {}
    following = urlencode({**request.args.to_dict(), "last": here[-1]})
    return here, {"Link": f'<{request.path}?{following}>; rel="next"'}
