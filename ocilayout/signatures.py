"""Signatures among what refers to images: which they are, and which are void after a change.

A signature signs a digest, so it is void once what it signs has another one.
"""

from collections.abc import Iterable, Iterator, Mapping

from ocilayout import notices
from ocilayout.errors import OciLayoutError
from ocilayout.graph import manifest_if_here, manifests_below
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.referrers import referrer_kind, subject_of_entry
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.marks import mark_of
from ocilayout.spec.names import names_of, subject_of_tag, tag_of

COSIGN = "cosign signature"
COSIGN_ATTESTATION = "cosign attestation"
NOTATION = "notation signature"
SIGSTORE = "sigstore bundle"

# The first that a type begins with: artifact types, and media types of configs and layers.
_TYPES = (
    # notaryproject/specifications: specs/signature-specification.md, "Storage"
    ("application/vnd.cncf.notary.", NOTATION),
    # sigstore/cosign: specs/BUNDLE_SPEC.md; versions stand behind it
    ("application/vnd.dev.sigstore.bundle", SIGSTORE),
    # sigstore/cosign: specs/SIGNATURE_SPEC.md; pkg/oci/remote/write.go for OCI 1.1
    ("application/vnd.dev.cosign.simplesigning.", COSIGN),
    ("application/vnd.dev.cosign.artifact.sig.", COSIGN),
    ("application/vnd.dev.cosign.artifact.att.", COSIGN_ATTESTATION),
    # secure-systems-lab/dsse: envelope.md
    ("application/vnd.dsse.envelope.", "signed attestation"),
)
_ANNOTATIONS = {
    "dev.cosignproject.cosign/signature": COSIGN,
    "dev.sigstore.bundle.content": SIGSTORE,
    "io.cncf.notary.x509chain.thumbprint#S256": NOTATION,
}
_TAG_SUFFIXES = {"sig": COSIGN, "att": COSIGN_ATTESTATION, "sbom": None}


def signature_kind(source: BlobReader, entry: Descriptor) -> str | None:
    """Which signature an entry is, by its mark, tag, types or annotations; None of all others.

    Raises what reading its document raises, unless it is not here.
    """
    suffix = _tag_suffix(entry)
    if suffix is not None:
        return _TAG_SUFFIXES[suffix]
    kind = kind_of_type(entry.artifact_type) or _kind_by_annotation(entry.annotations)
    if kind is not None:
        return kind
    manifest = manifest_if_here(source, entry)
    return None if manifest is None else _kind_by_manifest(manifest)


def _tag_suffix(entry: Descriptor) -> str | None:
    """How cosign's tag for it ends, as its mark or the tag itself says."""
    mark = mark_of(entry)
    if mark is not None:
        return mark.tag_suffix
    tags = (tag_of(name) for name in names_of(entry) if subject_of_tag(name) is not None)
    suffixes = (tag.rpartition(".")[2] for tag in tags if "." in tag)
    return next(suffixes, None)


def _kind_by_manifest(manifest: Manifest) -> str | None:
    annotations = manifest.fields.get("annotations")
    parts = [child for child in manifest.children if child.media_type]
    kinds = (
        kind_of_type(manifest.artifact_type),
        _kind_by_annotation(annotations if isinstance(annotations, dict) else {}),
        *(kind_of_type(part.media_type) for part in parts),
        *(_kind_by_annotation(part.annotations) for part in parts),
    )
    return next(filter(None, kinds), None)


def kind_of_type(media_type: str | None) -> str | None:
    """Which signature has this artifact type, or a config or layer of this media type."""
    kinds = (kind for prefix, kind in _TYPES if (media_type or "").startswith(prefix))
    return next(kinds, None)


def _kind_by_annotation(annotations: Mapping[str, object]) -> str | None:
    return next((kind for key, kind in _ANNOTATIONS.items() if key in annotations), None)


class ReferrerTitles:
    """What messages call the referrers of a source."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._images: dict[Digest, str] = {}
        for top in source.index.children:
            for name in names_of(top):
                self._images.setdefault(top.digest, name)

    def of(self, entry: Descriptor, subject: Digest) -> str:
        """The title of one, as in `notation signature of docker.io/library/app:1`."""
        kind = signature_kind(self._source, entry) or referrer_kind(entry)
        return f"{kind} of {self._images.get(subject, subject)}"


def warn_of_void(source: ImageSource, changed: Mapping[Digest, Descriptor]) -> None:
    """Name the signatures of a source that are void, since what they sign became another."""
    moved = {old for old, new in changed.items() if old != new.digest}
    known = ReferrerTitles(source)
    titles = [
        f"{known.of(entry, subject)} ({entry.digest})"
        for entry, subject in _referrers_of(source, moved)
        if signature_kind(source, entry) is not None
    ]
    if titles:
        notices.warn(
            f"void, since the digest that was signed changed: {notices.some_of(titles)}: sign the "
            "new digest, or leave out what is void with --attestations drop"
        )


def warn_of_left_out(source: ImageSource, entries: Iterable[tuple[Descriptor, Digest]]) -> None:
    """Name referrers that do not come along, since what each refers to became another."""
    known = ReferrerTitles(source)
    titles = [known.of(entry, subject) for entry, subject in entries]
    if titles:
        notices.warn(f"left out, since what it refers to changed: {notices.some_of(titles)}")


def _referrers_of(source: ImageSource, moved: set[Digest]) -> Iterator[tuple[Descriptor, Digest]]:
    if not moved:
        return
    for entry in manifests_below(source, source.index.children):
        try:
            subject = subject_of_entry(source, entry)
        except OciLayoutError:
            # Its damage is for others to tell: nothing is known of what it signs.
            continue
        if subject is not None and subject in moved:
            yield entry, subject
