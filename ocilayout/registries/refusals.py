"""What a registry's refusal means for the person who asked.

The form of the body and its codes are the distribution specification's, "Error Codes".
"""

from collections.abc import Iterator

from ocilayout.errors import (
    AccessDenied,
    BlobNotFound,
    ImageNotFound,
    InvalidDocument,
    OciLayoutError,
    RegistryFailed,
)
from ocilayout.registries.hosts import canonical
from ocilayout.registries.http import Answer
from ocilayout.registries.origin import Origin, shown
from ocilayout.spec import strict_json
from ocilayout.spec.digest import Digest

_MAX_BODY = 16 * 1024
_MAX_WORDS = 300
_LOGIN = "another login: docker login, or name one by --creds-file"


def refusal(answer: Answer, doing: str) -> OciLayoutError:
    """The error to raise for an answer that is no success; `doing` is what was wanted of it.

    Closes the answer.
    """
    codes, words = _told(answer)
    said = f": {words}" if words else ""
    where = canonical(Origin.of(answer.url).address)
    text = f"{where} refused to {doing} ({answer.status}{said})"
    if answer.status == 401 or "UNAUTHORIZED" in codes:
        return AccessDenied(f"{text}: there is no such repository, or it wants {_LOGIN}")
    if answer.status == 403 or "DENIED" in codes:
        return AccessDenied(f"{text}: that may need {_LOGIN}")
    if answer.status == 404:
        kind = BlobNotFound if "BLOB_UNKNOWN" in codes else ImageNotFound
        return kind(f"{where} cannot {doing} (404{said}): it has nothing of that name")
    if 300 <= answer.status < 400:
        place = shown(answer.headers.get("Location", "nowhere"))
        return RegistryFailed(f"{text}: it redirects to {place}, and only downloads follow")
    if answer.status == 413:
        return RegistryFailed(f"{text}: send less at a time, with --chunk-size")
    if answer.status == 429:
        return RegistryFailed(f"{text}: it limits how much is asked of it: try again later")
    is_plain = answer.url.startswith("http:")
    if answer.status == 400 and is_plain and (not words or "HTTPS" in words.upper()):
        return RegistryFailed(
            f"{text}: if it speaks TLS, name its authority by --ca, or say --insecure"
        )
    if answer.status >= 500:
        return RegistryFailed(f"{text}: try again later; its own log should say why it fails")
    return RegistryFailed(text)


def refused_content(answer: Answer, digest: Digest, doing: str) -> OciLayoutError:
    """The same for a blob, which a registry may refuse for the algorithm of its digest."""
    error = refusal(answer, doing)
    if type(error) is RegistryFailed and answer.status == 400 and digest.algorithm != "sha256":
        return RegistryFailed(
            f"{error}: it does not take {digest.algorithm} digests, another registry may"
        )
    return error


def refused_document(answer: Answer, media_type: str, digest: Digest, doing: str) -> OciLayoutError:
    """The same for a document, which an old registry may refuse for its media type too."""
    error = refused_content(answer, digest, doing)
    if digest.algorithm != "sha256":
        return error
    is_oci = media_type.startswith("application/vnd.oci.")
    if is_oci and type(error) is RegistryFailed and answer.status in {400, 405, 406, 415}:
        return RegistryFailed(
            f"{error}: if it is an old one that knows no OCI types, say --media-types docker"
        )
    return error


def _told(answer: Answer) -> tuple[frozenset[str], str]:
    """The codes of an error, and its words; a body that is no JSON of its kind is not shown."""
    body = answer.beginning(_MAX_BODY)
    try:
        errors = strict_json.parse_object(body, "answer").get("errors")
    except InvalidDocument:
        text = body.decode("utf-8", "replace").strip()
        is_text = answer.headers.get("Content-Type", "").startswith("text/plain")
        return frozenset(), text[:_MAX_WORDS] if is_text else ""
    found = list(_entries(errors))
    codes = frozenset(code for code, _ in found if code)
    words = "; ".join(message or code for code, message in found)
    return codes, words[:_MAX_WORDS]


def _entries(errors: object) -> Iterator[tuple[str, str]]:
    for error in errors if isinstance(errors, list) else ():
        if isinstance(error, dict):
            code, message = error.get("code"), error.get("message")
            yield (
                code if isinstance(code, str) else "",
                message if isinstance(message, str) else "",
            )
