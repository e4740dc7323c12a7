"""Entries of an index that cosign save and hauler mark as what accompanies an image.

Both list signatures, attestations and SBOMs beside their image, hauler under the very name of the
image, and tell them apart by the annotation `kind` alone (cosign: pkg/oci/layout/index.go; hauler:
pkg/consts/consts.go). A marked entry belongs to the image of its name, and does not bear the name.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest

KIND = "kind"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
"""What an attestation of BuildKit's refers to (attestation-storage.md)."""
SUBJECT = "io.containerd.manifest.subject"
"""What a referrer of docker 29's refers to."""
SUBJECT_DIGEST = "hauler.dev/subject-digest"
"""The digest that a marked entry refers to, where that is a member of the image's index."""
# hauler wrote cosign's prefix before it had its own (pkg/consts/migrate.go).
_TOOLS = {"dev.cosignproject.cosign", "dev.hauler"}
_IMAGES = {"image", "imageIndex"}
# hauler's comes before docker's: a mark of a member may say beside it which index it belongs to.
SUBJECTS = (REFERENCE_DIGEST, SUBJECT_DIGEST, SUBJECT)
"""The annotations by which an entry says a digest that it refers to."""
_TAG_SUFFIXES = {"sigs": "sig", "atts": "att", "sboms": "sbom", "referrers": None}


class Annotated(Protocol):
    """An entry of an index, be it one that can be read or not."""

    @property
    def annotations(self) -> Mapping[str, str]:
        """As its JSON has them."""
        ...


class Mark(NamedTuple):
    """What a marked entry is to its image."""

    what: str
    """sigs, atts, sboms, or referrers, which have a subject of their own."""

    @property
    def tag_suffix(self) -> str | None:
        """How cosign's tag for it ends, after the digest of the image; referrers have no tag."""
        return _TAG_SUFFIXES[self.what]


def mark_of(entry: Annotated) -> Mark | None:
    """The mark of an entry; None of an image, and of all that bears no mark.

    hauler adds the digest of a member to the kind: `dev.hauler/sigs/HEX`.
    """
    tool, _, rest = entry.annotations.get(KIND, "").partition("/")
    what = rest.partition("/")[0]
    return Mark(what) if tool in _TOOLS and what in _TAG_SUFFIXES else None


def is_marked_image(entry: Descriptor) -> bool:
    """Whether an entry is marked as the image that the marked entries beside it belong to."""
    tool, _, what = entry.annotations.get(KIND, "").partition("/")
    return tool in _TOOLS and what in _IMAGES


def needs_tag(entry: Descriptor) -> bool:
    """Whether an entry is marked as something that cosign finds by a tag alone."""
    mark = mark_of(entry)
    return mark is not None and mark.tag_suffix is not None


def unmarked(entry: Descriptor) -> Descriptor:
    """An entry that bears names of its own: as an image does, and what is picked by itself."""
    if mark_of(entry) is None:
        return entry
    kept = {key: text for key, text in entry.annotations.items() if key != KIND}
    return entry.with_annotations(kept)


def stated_subject(entry: Descriptor) -> Digest | None:
    """What the annotations of an entry say that it refers to."""
    stated = (entry.annotations[key] for key in SUBJECTS if key in entry.annotations)
    digest = next(stated, None)
    return None if digest is None else Digest.parse(digest)
