"""One repository of a registry: manifests, blobs, tags and referrers, by their digests."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO, cast

from ocilayout.errors import AccessDenied, InvalidDigest, InvalidDocument, RegistryFailed
from ocilayout.registries.downloads import Download, Fetch
from ocilayout.registries.http import Answer
from ocilayout.registries.origin import at_home
from ocilayout.registries.refusals import refusal, refused_document
from ocilayout.registries.registry import Registry
from ocilayout.registries.retries import ATTEMPTS
from ocilayout.registries.uploads import CREATED, Upload
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest, is_digest
from ocilayout.spec.documents import Document, Index, parse_document
from ocilayout.spec.reference import is_tag
from ocilayout.streams import VerifiedReader

MAX_PAGES = 1_000
MAX_REFERRERS = 10_000
"""Of one manifest."""
PAGE = 1000
_ACCEPT = ", ".join(
    [
        media_types.OCI_INDEX,
        media_types.OCI_MANIFEST,
        media_types.DOCKER_INDEX,
        media_types.DOCKER_MANIFEST,
        media_types.OCI_ARTIFACT_MANIFEST,
        "*/*;q=0.1",
    ]
)
_DIGEST = "Docker-Content-Digest"
_NEXT = re.compile(r'<([^<>]*)>\s*;[^<>]*?\brel\s*=\s*"?next\b', re.ASCII | re.IGNORECASE)


class Repository:
    """A repository that is read or written; shared by threads."""

    def __init__(
        self, registry: Registry, path: str, *, writes: bool = False, attempts: int = ATTEMPTS
    ) -> None:
        """`path` is its name in the registry, as in `library/alpine`.

        Each request is made at most `attempts` times.
        """
        self.registry = registry
        self._attempts = attempts
        self.path = path
        self.scopes = (f"repository:{path}:pull{',push' if writes else ''}",)

    def manifest(self, reference: str | Digest) -> Document | None:
        """The document that a tag or a digest names; None where there is none.

        Its digest is computed, whatever the headers say. Raises InvalidDocument, RegistryFailed.
        """
        answer = self._ask("GET", f"manifests/{reference}", headers={"Accept": _ACCEPT})
        if answer.status == 404:
            answer.discard()
            return None
        if answer.status != 200:
            raise refusal(answer, f"give the manifest {self.path}:{reference}")
        raw = answer.content(strict_json.MAX_DOCUMENT_SIZE)
        label = f"{self.registry.host}/{self.path}: manifest {reference}"
        stated = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        media_type = _media_type(raw, stated, label)
        found = Descriptor.of(media_type, raw)
        if isinstance(reference, Digest):
            found = Descriptor.make(media_type, reference, len(raw))
            VerifiedReader(cast(BinaryIO, BytesIO(raw)), reference, len(raw), label).readall()
        return parse_document(found, raw)

    def digest_of(self, tag: str) -> Digest | None:
        """What a tag leads to; None where there is no such tag, or nobody says.

        A header that states the digest is believed: it is only told, and nothing is read by it.
        """
        headers = {"Accept": _ACCEPT}
        with suppress(RegistryFailed):
            answer = self._ask("HEAD", f"manifests/{tag}", headers=headers)
            answer.close()
            stated = answer.headers.get(_DIGEST, "")
            if answer.status == 404:
                return None
            if answer.status == 200 and is_digest(stated):
                return Digest.parse(stated)
        # HEAD fails where GET does not, as _has knows, and some state no digest.
        with suppress(RegistryFailed, InvalidDocument):
            document = self.manifest(tag)
            return None if document is None else document.descriptor.digest
        return None

    def has_manifest(self, digest: Digest) -> bool:
        """Whether the registry has it, which verified what it was sent."""
        return self._has(f"manifests/{digest}", {"Accept": _ACCEPT})

    def has_tag(self, tag: str) -> bool:
        """Whether a tag leads to a manifest."""
        return self._has(f"manifests/{tag}", {"Accept": _ACCEPT})

    def has_blob(self, blob: Descriptor) -> bool:
        """Whether the registry has it, which verified what it was sent."""
        return self._has(f"blobs/{blob.digest}", {})

    def _has(self, target: str, headers: Mapping[str, str]) -> bool:
        """GET knows where HEAD fails: Amazon's public registry answers it with 401, storage that
        was signed for GET with 403, others do not know it."""
        with suppress(AccessDenied):
            answer = self._ask("HEAD", target, headers=headers)
            answer.close()
            if answer.status in {200, 404}:
                return answer.status == 200
        answer = self._ask("GET", target, headers=headers)
        if answer.status not in {200, 404}:
            raise refusal(answer, f"say whether it has {target}")
        answer.close()
        return answer.status == 200

    def open_blob(self, blob: Descriptor) -> BinaryIO:
        """The content, asked for when it is first read, and not verified."""
        return self._download(
            blob, lambda headers: self._ask("GET", f"blobs/{blob.digest}", headers=headers)
        )

    def _download(self, blob: Descriptor, fetch: Fetch) -> BinaryIO:
        download = Download(
            fetch,
            blob.size,
            lambda answer: refusal(answer, f"give the blob {blob.digest} ({blob.media_type})"),
        )
        return cast(BinaryIO, download)

    def open_foreign(self, blob: Descriptor, urls: Sequence[str]) -> BinaryIO:
        """The content of a layer that is elsewhere, from the first URL that has it."""

        def fetch(headers: Mapping[str, str]) -> Answer:
            *others, last = urls
            for url in others:
                answer = self.registry.foreign(url, headers)
                if answer.status in {200, 206}:
                    return answer
                answer.close()
            return self.registry.foreign(last, headers)

        return self._download(blob, fetch)

    def upload(self) -> Upload:
        """An upload that has not begun."""
        return Upload(self.registry, self.path, self.scopes)

    def put_manifest(self, reference: str | Digest, document: Document) -> Answer:
        """Give the registry a document; its answer. Raises RegistryFailed, AccessDenied.

        The registry has to say that it keeps the document, under the digest that it has here;
        where it does not state one, it is asked for it.
        """
        answer = self._ask(
            "PUT",
            f"manifests/{reference}",
            headers={"Content-Type": document.media_type},
            body=document.raw,
        )
        joint = "@" if isinstance(reference, Digest) else ":"
        name = f"{self.path}{joint}{reference}"
        if answer.status != CREATED:
            raise refused_document(answer, document, f"take the manifest {name}")
        answer.discard()
        stated = answer.headers.get(_DIGEST)
        if stated is None:
            if not self.has_manifest(document.digest):
                raise RegistryFailed(
                    f"{self.registry.host} says that it took the manifest {name}, and does not "
                    f"know {document.digest}"
                )
        elif not _is_digest_of(stated, document):
            raise RegistryFailed(
                f"{self.registry.host} says that it keeps the manifest {name} as "
                f"{stated[:100]!r}, which is not what it was sent ({document.digest})"
            )
        return answer

    def tags(self) -> Iterator[str]:
        """All tags, in the registry's order; raises ImageNotFound where there is no repository."""
        for answer in self._pages(f"tags/list?n={PAGE}", {}):
            if answer.status != 200:
                raise refusal(answer, f"list the tags of {self.path}")
            label = f"tags of {self.registry.host}/{self.path}"
            fields = strict_json.parse_object(answer.content(strict_json.MAX_DOCUMENT_SIZE), label)
            tags = fields.get("tags") or []
            if not isinstance(tags, list):
                raise InvalidDocument(f"{label}: tags is no list")
            for tag in tags:
                if not isinstance(tag, str) or not is_tag(tag):
                    raise InvalidDocument(f"{label}: {str(tag)[:60]!r} is no tag")
                yield tag

    def referrers(self, subject: Digest) -> list[Descriptor] | None:
        """What refers to a manifest; None where the registry has no such interface.

        distribution-spec, "Listing Referrers".
        """
        found: list[Descriptor] = []
        for answer in self._pages(f"referrers/{subject}", {"Accept": media_types.OCI_INDEX}):
            if answer.status in {400, 404, 405, 501} and not found:
                answer.discard()
                return None
            if answer.status != 200:
                raise refusal(answer, f"list what refers to {subject}")
            raw = answer.content(strict_json.MAX_DOCUMENT_SIZE)
            label = f"referrers of {self.registry.host}/{self.path}@{subject}"
            found.extend(Index.parse(media_types.OCI_INDEX, raw, label).children)
            if len(found) > MAX_REFERRERS:
                raise RegistryFailed(f"{label}: there are more than {MAX_REFERRERS}")
        return found

    def _pages(self, target: str, headers: Mapping[str, str]) -> Iterator[Answer]:
        """Page after page, as `Link` headers lead on; raises RegistryFailed."""
        seen: set[str] = set()
        following: str | None = f"/v2/{self.path}/{target}"
        while following is not None:
            if following in seen or len(seen) >= MAX_PAGES:
                raise RegistryFailed(
                    f"{self.registry.host} lists {self.path} without an end, page after page"
                )
            seen.add(following)
            answer = self.registry.ask(
                "GET", following, self.scopes, headers=headers, attempts=self._attempts
            )
            yield answer
            link = _NEXT.search(answer.headers.get("Link", "")[:4096])
            following = None if link is None else at_home(answer.url, link[1], "a next page")

    def _ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        path = f"/v2/{self.path}/{target}"
        return self.registry.ask(
            method, path, self.scopes, headers=headers, body=body, attempts=self._attempts
        )


def _is_digest_of(text: str, document: Document) -> bool:
    """Whether it is a digest of the document, of the algorithm that the registry prefers."""
    with suppress(InvalidDigest):
        stated = Digest.parse(text.strip())
        return stated in {document.digest, Digest.of(document.raw, stated.algorithm)}
    return False


def _media_type(raw: bytes, header: str, label: str) -> str:
    """What a document is: what it says itself, else what the header says.

    Where both speak and differ, two tools would see two images (GHSA-qq97-vm5h-rrhg).
    """
    stated = strict_json.parse_object(raw, label).get("mediaType")
    if isinstance(stated, str) and stated:
        if header in media_types.DOCUMENTS and header != stated:
            raise InvalidDocument(f"{label} says that it is {stated}, its header says {header}")
        header = stated
    if header not in media_types.DOCUMENTS:
        raise InvalidDocument(
            f"{label} is {header[:100] or 'of no known type'}, which is neither an image nor an "
            "index that can be read here"
        )
    return header
