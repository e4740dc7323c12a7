"""The entries of one index, held against one another: names, platforms, attestations."""

from collections.abc import Callable, Iterator, Sequence

from ocilayout.errors import InvalidDigest, InvalidDocument
from ocilayout.graph import is_document
from ocilayout.problems import Problem
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT
from ocilayout.spec.names import IMAGE_NAME, REF_NAME, is_ref_name, names_of, reference_of
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference

Entries = Sequence[tuple[str, Descriptor]]
"""Where each entry stands, and it."""


def name_problems(entries: Entries) -> Iterator[Problem]:
    """Names of the top index that are none, are short, or lead to two images."""
    owners: dict[str, tuple[str, Digest]] = {}
    for where, entry in entries:
        yield from _form_problems(where, entry)
        for name in names_of(entry):
            first, digest = owners.setdefault(name, (where, entry.digest))
            if digest != entry.digest:
                text = f"{name} leads to {entry.digest} here and to {digest} in {_tail(first)}"
                yield Problem("name-ambiguous", where, text)
            elif first != where:
                text = f"{name} stands in {_tail(first)} already"
                yield Problem("entry-repeated", where, text)


def _form_problems(where: str, entry: Descriptor) -> Iterator[Problem]:
    tag = entry.annotations.get(REF_NAME)
    full = entry.annotations.get(IMAGE_NAME)
    if tag is not None and not is_ref_name(tag):
        at = f"{where}.annotations[{REF_NAME!r}]"
        yield Problem("name-invalid", at, f"{tag[:200]!r} is no name (annotations.md)")
    if full is not None:
        at = f"{where}.annotations[{IMAGE_NAME!r}]"
        try:
            Reference.parse(full)
        except InvalidDocument as error:
            yield Problem("name-invalid", at, str(error))
    for key, text in ((IMAGE_NAME, full), (REF_NAME, tag)):
        if not text:
            continue
        reference = reference_of(text)
        if reference is not None and str(reference) != text.partition("@")[0]:
            at = f"{where}.annotations[{key!r}]"
            yield Problem("name-not-normalized", at, f"{text} stands for {reference}")


def platform_problems(entries: Entries) -> Iterator[Problem]:
    """Platforms of which an index has two images, so that one is never run."""
    owners: dict[Platform, tuple[str, Digest]] = {}
    for where, entry in entries:
        if entry.platform is None or entry.platform.is_unknown or is_listed_referrer(entry):
            continue
        first, digest = owners.setdefault(entry.platform.normalized, (where, entry.digest))
        if digest != entry.digest:
            text = f"{entry.platform} is {entry.digest} here and {digest} in {_tail(first)}"
            yield Problem("platform-repeated", f"{where}.platform", text)


def attestation_problems(entries: Entries, is_here: Callable[[Digest], bool]) -> Iterator[Problem]:
    """Attestations whose annotation is no digest, or speaks of what is not there."""
    members = {entry.digest for _, entry in entries}
    for where, entry in entries:
        for key in (REFERENCE_DIGEST, SUBJECT):
            stated = entry.annotations.get(key)
            if stated is None:
                continue
            at = f"{where}.annotations[{key!r}]"
            try:
                digest = Digest.parse(stated)
            except InvalidDigest as error:
                yield Problem("attestation-invalid", at, str(error))
                continue
            # docker 29 lists what speaks of a member of an index beside that index.
            if key == REFERENCE_DIGEST and digest not in members:
                yield Problem("attestation-orphan", at, f"the index does not list {digest}")
            elif key == SUBJECT and not is_here(digest):
                yield Problem("subject-absent", at, f"{digest} is not here")


def wanted(entries: Entries, platforms: Sequence[Platform]) -> list[tuple[str, Descriptor]]:
    """The entries for these platforms, those that state none, and what speaks of either."""
    if not platforms:
        return list(entries)
    images = [
        (where, entry)
        for where, entry in entries
        if not is_listed_referrer(entry) and _fits(entry, platforms)
    ]
    digests = {str(entry.digest) for _, entry in images}
    return [
        (where, entry)
        for where, entry in entries
        if str(entry.digest) in digests or entry.annotations.get(REFERENCE_DIGEST) in digests
    ]


def _fits(entry: Descriptor, platforms: Sequence[Platform]) -> bool:
    found = entry.platform
    return found is None or any(found.fits(platform) for platform in platforms)


def member_name(entry: Descriptor) -> str:
    """What messages call an entry of an index."""
    if is_listed_referrer(entry):
        return f"the attestation of {entry.annotations.get(REFERENCE_DIGEST, 'an image')}"
    if entry.platform is not None and is_document(entry):
        return str(entry.platform)
    return entry.media_type


def _tail(where: str) -> str:
    return where.rpartition(": ")[2]
