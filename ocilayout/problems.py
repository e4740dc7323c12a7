"""What verifying can find: the table of codes, and one finding.

Codes are stable; docs/validate.md explains each in the words of this table.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Level = Literal["error", "warning", "note"]
"""An error: some tool fails, or two see different images. A warning: it may surprise. A note: it
is legal, and good to know."""

LEVELS: tuple[Level, ...] = ("error", "warning", "note")


class Kind(NamedTuple):
    """What a code stands for."""

    level: Level
    meaning: str
    remedy: str
    """What to do."""


class Problem(NamedTuple):
    """One finding."""

    code: str
    where: str
    """The document or file, and the place in it: `index.json: manifests[2].platform.variant`."""
    text: str
    """What is wrong there."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return KINDS[self.code].level

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return KINDS[self.code].remedy


_AGAIN = "fetch or build it again"

KINDS: Mapping[str, Kind] = {
    "place-unreadable": Kind(
        "error",
        "The file or folder cannot be opened as images: it is cut off, damaged, or no image.",
        "copy it again, if it is an image at all",
    ),
    "place-without-image": Kind(
        "error",
        "The file or directory holds no image, but something else, which the finding names.",
        "name the image in it, or the file that was meant",
    ),
    "member-repeated": Kind(
        "error",
        "A tar has two members of one name. Tools differ in which one they take.",
        "write it again with convert, from a source that you trust",
    ),
    "oci-layout-missing": Kind(
        "error",
        "There is no oci-layout file. Some tools do not take the rest for a layout.",
        "write it again with convert",
    ),
    "oci-layout-invalid": Kind(
        "error",
        "The oci-layout file is damaged, or of a version that nobody knows.",
        "write it again with the tool that made it",
    ),
    "document-invalid": Kind(
        "error",
        "A document is not strict JSON, too large, or not what its media type says.",
        _AGAIN,
    ),
    "schema-violation": Kind(
        "error",
        "A field of a document is not as the image specification has it.",
        "have the tool that wrote it mended, and build it again",
    ),
    "descriptor-invalid": Kind(
        "error",
        "A descriptor cannot be read, or its embedded data are not what its digest says.",
        _AGAIN,
    ),
    "two-in-one": Kind(
        "error",
        "A document is an index and a manifest in one (CVE-2021-41190). Tools would run "
        "different images from it.",
        "do not use it; ask where it came from",
    ),
    "media-type-mismatch": Kind(
        "error",
        "A document states another media type than what leads to it, or is of another kind than "
        "its media type says.",
        _AGAIN,
    ),
    "described-twice": Kind(
        "error",
        "One digest stands under two media types, or with two sizes.",
        "do not use it; ask where it came from",
    ),
    "nested-too-deep": Kind(
        "error",
        "Indexes stand within indexes, more than 32 levels deep. What is below was not looked at.",
        "list the images in one index",
    ),
    "blob-missing": Kind(
        "error",
        "Something that is needed is not there.",
        "fetch it again, or leave out what is not whole with convert --missing prune",
    ),
    "blob-damaged": Kind(
        "error",
        "The content of a blob has another digest or size than its name or descriptor says.",
        _AGAIN,
    ),
    "blob-unreadable": Kind(
        "error",
        "A blob is no regular file, or reading it fails.",
        "put the file itself in its place, and look after the disk",
    ),
    "layer-undecodable": Kind(
        "error",
        "A layer has the right digest and cannot be inflated: whoever made it failed.",
        "build it again",
    ),
    "layer-not-tar": Kind(
        "error",
        "What a layer inflates to is no tar. No engine can unpack it.",
        "build it again",
    ),
    "diff-id-mismatch": Kind(
        "error",
        "A layer inflates to something else than the config's diff id says.",
        _AGAIN,
    ),
    "layer-count-mismatch": Kind(
        "error",
        "The manifest has more layers than its config has diff ids, or fewer.",
        "build it again",
    ),
    "name-ambiguous": Kind(
        "error",
        "One name leads to two images. Tools differ in which one they take.",
        "select one by @DIGEST, or make them one with merge",
    ),
    "attestation-invalid": Kind(
        "error",
        "The annotation that says what an attestation speaks of holds no digest.",
        "drop it with convert --attestations drop",
    ),
    "index-empty-handed": Kind(
        "error",
        "An index lists images, and none of them is here.",
        "fetch it again",
    ),
    "manifest-json-invalid": Kind(
        "error",
        "manifest.json of a Docker archive cannot be read, or names what is not there.",
        "save it again",
    ),
    "manifest-json-mismatch": Kind(
        "error",
        "manifest.json and index.json of one archive list different images, or layers in "
        "another order. Engines that read the one run another image than those that read the "
        "other.",
        "write it again with convert, which believes manifest.json, or with oci-archive: before "
        "its name index.json",
    ),
    "manifest-json-artifact": Kind(
        "warning",
        "manifest.json lists a signature or another artifact. docker with its own store and podman "
        "fail when they come to it.",
        "write it again with convert, which leaves it in index.json alone",
    ),
    "platform-absent": Kind(
        "warning",
        "An index lists a platform that is not here. That is legal, and loads where nobody asks "
        "for it.",
        "fetch it, or leave it out with convert --missing prune",
    ),
    "platform-mismatch": Kind(
        "warning",
        "An index says another platform of an image than its config.",
        "state the right one with merge --set-platform, or build it again",
    ),
    "platform-repeated": Kind(
        "warning",
        "An index lists two images for one platform. Most tools take the first.",
        "choose one with merge --replace",
    ),
    "history-mismatch": Kind(
        "warning",
        "The history of a config has more steps with layers than there are layers, or fewer.",
        "none is needed to run it; build it again to know what made which layer",
    ),
    "attestation-orphan": Kind(
        "warning",
        "An attestation speaks of an image that its index does not list.",
        "drop it with convert --attestations drop",
    ),
    "subject-absent": Kind(
        "warning",
        "A signature, an SBOM or another referrer speaks of an image that is not here.",
        "keep it with its image, or drop it with convert --attestations drop",
    ),
    "digest-unverifiable": Kind(
        "warning",
        "The algorithm of a digest is unknown here, so that only its size was compared.",
        "check it with the tool that wrote it",
    ),
    "layer-type-mismatch": Kind(
        "warning",
        "A layer is compressed otherwise than its media type says. Engines look at the bytes, "
        "registries and scanners may not.",
        "write it again with convert --compression gzip, which labels what it writes",
    ),
    "value-blank": Kind(
        "warning",
        "A list or an object is null, or a string is empty, where it should be left out. Go writes "
        "that, and engines read it.",
        "update the tool that wrote it, if something refuses it",
    ),
    "config-type-defaulted": Kind(
        "warning",
        "The media type of an image's config says nothing of what it is. docker takes it for an "
        "image config, containerd 2 does not unpack the image.",
        "write it again with convert --media-types oci",
    ),
    "layers-empty": Kind(
        "warning",
        "A manifest has no layers, which the image specification does not allow. umoci writes "
        "such images, and engines load them.",
        "add a layer, if something refuses it",
    ),
    "name-invalid": Kind(
        "warning",
        "A name is not as the image specification, or docker, has names.",
        "give it another with convert --tag",
    ),
    "names-mismatch": Kind(
        "warning",
        "manifest.json and index.json of one archive do not have the same names.",
        "write it again with convert --tag",
    ),
    "repositories-mismatch": Kind(
        "warning",
        "The repositories file, which only docker before 1.10 reads, has other names than "
        "manifest.json.",
        "write it again with convert, which leaves it out",
    ),
    "case-collision": Kind(
        "warning",
        "A file's name differs from a known one by case alone. Some systems take them for one.",
        "remove it",
    ),
    "name-not-normalized": Kind(
        "note",
        "A name is written short. podman, for one, reads it otherwise than docker.",
        "write it in full with convert --tag",
    ),
    "entry-repeated": Kind(
        "note",
        "Two entries of an index are the same image under the same name.",
        "nothing needs to be done",
    ),
    "layer-not-distributed": Kind(
        "note",
        "A layer is not here that may not be distributed, as those of Windows.",
        "the engine fetches it from its urls",
    ),
    "blob-unreferenced": Kind(
        "note",
        "Nothing refers to a blob. It only takes room.",
        "remove it from a folder with gc, or leave it behind with convert",
    ),
    "file-stray": Kind(
        "note",
        "A file is no part of the format. Tools pass over it.",
        "remove it if you know it",
    ),
    "file-temporary": Kind(
        "note",
        "A file or folder was left behind by a tool that was interrupted.",
        "remove it when no tool is at work there",
    ),
}
