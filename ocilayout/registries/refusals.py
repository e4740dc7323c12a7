"""What a registry's refusal means for the person who asked: its own reason, and what to do.

Where it gives a reason, that is said and nothing is guessed. The codes are those of the
distribution specification, "Error Codes".
"""

from ocilayout.errors import (
    AccessDenied,
    BlobNotFound,
    ImageNotFound,
    OciLayoutError,
    RegistryFailed,
)
from ocilayout.registries.hosts import canonical
from ocilayout.registries.http import Answer
from ocilayout.registries.origin import Origin, shown
from ocilayout.registries.reasons import Reason, reason_in
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index
from ocilayout.spec.layers import is_foreign
from ocilayout.spec.media_types import DOCKER_INDEX, DOCKER_MANIFEST

_MAX_BODY = 64 * 1024
_LOGIN = "another login: docker login, or name one by --creds-file"
_ABOUT_NO_DOCUMENT = frozenset({401, 403, 412, 413, 429})
"""Statuses that are about rights, rules and limits of the registry, not about what it is sent."""
_ABOUT_LOGINS = frozenset({"DENIED", "UNAUTHORIZED"})


def refusal(answer: Answer, doing: str) -> OciLayoutError:
    """The error to raise for an answer that is no success; `doing` is what was wanted of it.

    Closes the answer.
    """
    return _refusal(answer, doing, _reason(answer))


def refused_content(answer: Answer, digest: Digest, doing: str) -> OciLayoutError:
    """The same for a blob, which may be too large, or of a digest that is not known."""
    reason = _reason(answer)
    error = _refusal(answer, doing, reason)
    if type(error) is not RegistryFailed:
        return error
    if answer.status == 413:
        return RegistryFailed(f"{error}: send less at a time, with --chunk-size")
    return _of_algorithm(error, answer, digest)


def refused_document(answer: Answer, document: Document, doing: str) -> OciLayoutError:
    """The same for a document: what in it may be the cause is said too."""
    reason = _reason(answer)
    if document.digest.algorithm != "sha256":
        return _of_algorithm(_refusal(answer, doing, reason), answer, document.digest)
    return _refusal(answer, doing, reason, _in_document(document, answer.status, reason))


def _reason(answer: Answer) -> Reason:
    return reason_in(answer.beginning(_MAX_BODY), answer.status)


def _refusal(answer: Answer, doing: str, reason: Reason, hint: str = "") -> OciLayoutError:
    """The error; `hint` says what to do, where neither the status nor the reason does."""
    said = f": {reason.words}" if reason.words else ""
    where = canonical(Origin.of(answer.url).address)
    if answer.status < 300:
        return RegistryFailed(
            f"{where} did not {doing}: it answers {answer.status}{said}, and a registry that keeps "
            "what it was sent answers 201"
        )
    text = f"{where} refused to {doing} ({answer.status}{said})"
    if answer.status == 401 or "UNAUTHORIZED" in reason.codes:
        return AccessDenied(f"{text}: there is no such repository, or it wants {_LOGIN}")
    if answer.status == 403 or "DENIED" in reason.codes:
        is_about_logins = not reason.words or reason.codes & _ABOUT_LOGINS
        return AccessDenied(f"{text}: that may need {_LOGIN}" if is_about_logins else text)
    if answer.status == 404:
        kind = BlobNotFound if "BLOB_UNKNOWN" in reason.codes else ImageNotFound
        found = "" if reason.words and not reason.is_general else "it has nothing of that name"
        text = f"{where} cannot {doing} (404{said})"
        return kind(f"{text}: {hint or found}" if hint or found else text)
    advice = _advice(answer, reason, hint)
    return RegistryFailed(f"{text}: {advice}" if advice else text)


def _advice(answer: Answer, reason: Reason, hint: str) -> str:
    """What to do about a status; empty where that follows from the reason alone."""
    if 300 <= answer.status < 400:
        place = shown(answer.headers.get("Location", "nowhere"))
        return f"it redirects to {place}, and only downloads follow"
    if answer.status == 429:
        return "it limits how much is asked of it: try again later"
    if hint:
        return hint
    is_plain = answer.url.startswith("http:")
    words = reason.words
    if answer.status == 400 and is_plain and (not words or "HTTPS" in words.upper()):
        return "if it speaks TLS, name its authority by --ca, or say --insecure"
    if answer.status >= 500:
        return "try again later; its own log should say why it fails"
    return ""


def _of_algorithm(error: OciLayoutError, answer: Answer, digest: Digest) -> OciLayoutError:
    if answer.status != 400 or digest.algorithm == "sha256":
        return error
    return RegistryFailed(
        f"{error}: it does not take {digest.algorithm} digests, another registry may"
    )


def _in_document(document: Document, status: int, reason: Reason) -> str:
    """What in a document is known to be refused by registries; empty where there is nothing."""
    if status in _ABOUT_NO_DOCUMENT:
        return ""
    if any(map(is_foreign, document.children)):
        # Seen with distribution 2.8.
        return (
            "it has layers with urls, which distribution takes only where the registry's own "
            "configuration allows these (validation.manifests.urls.allow): --foreign own makes "
            "ordinary layers of them"
        )
    is_oci = document.media_type.startswith("application/vnd.oci.")
    if is_oci and "mediaType" not in document.fields:
        return "it states no mediaType, which some registries want: --media-types oci writes it"
    if is_oci and isinstance(document, Index) and _lists_docker(document):
        return (
            "it lists manifests of Docker's types in an OCI index: --media-types oci changes them"
        )
    if is_oci and status in {400, 405, 406, 415} and _is_about_types(reason):
        return "if it is an old one that knows no OCI types, say --media-types docker"
    return ""


def _lists_docker(index: Index) -> bool:
    return any(child.media_type in {DOCKER_INDEX, DOCKER_MANIFEST} for child in index.children)


def _is_about_types(reason: Reason) -> bool:
    words = reason.words.lower()
    named = ("media type", "mediatype", "content type", "content-type")
    return reason.is_general or any(name in words for name in named)
