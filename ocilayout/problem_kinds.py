"""The table of what verifying can find.

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


_AGAIN = "fetch or build it again"


def _error(meaning: str, remedy: str) -> Kind:
    return Kind("error", meaning, remedy)


def _warning(meaning: str, remedy: str) -> Kind:
    return Kind("warning", meaning, remedy)


def _note(meaning: str, remedy: str) -> Kind:
    return Kind("note", meaning, remedy)


KINDS: Mapping[str, Kind] = {
    "place-unreadable": _error(
        "The file or folder cannot be opened as images: it is cut off, damaged, or no image.",
        "copy it again, if it is an image at all",
    ),
    "place-without-image": _error(
        "The file or directory holds no image, but something else, which the finding names.",
        "name the image in it, or the file that was meant",
    ),
    "member-repeated": _error(
        "A tar has two members of one name. Tools differ in which one they take.",
        "write it again with convert, from a source that you trust",
    ),
    "oci-layout-missing": _error(
        "There is no oci-layout file. Some tools do not take the rest for a layout.",
        "write it again with convert",
    ),
    "oci-layout-invalid": _error(
        "The oci-layout file is damaged, or of a version that nobody knows.",
        "write it again with the tool that made it",
    ),
    "document-invalid": _error(
        "A document is not strict JSON, too large, or not what its media type says.",
        _AGAIN,
    ),
    "schema-violation": _error(
        "A field of a document is not as the image specification has it.",
        "have the tool that wrote it mended, and build it again",
    ),
    "descriptor-invalid": _error(
        "A descriptor cannot be read, or its embedded data are not what its digest says.",
        _AGAIN,
    ),
    "two-in-one": _error(
        "A document is an index and a manifest in one (CVE-2021-41190). Tools would run "
        "different images from it.",
        "do not use it; ask where it came from",
    ),
    "media-type-mismatch": _error(
        "A document states another media type than what leads to it, or is of another kind than "
        "its media type says.",
        _AGAIN,
    ),
    "described-twice": _error(
        "One digest stands under two media types, or with two sizes.",
        "do not use it; ask where it came from",
    ),
    "nested-too-deep": _error(
        "Indexes stand within indexes, more than 32 levels deep. What is below was not looked at.",
        "list the images in one index",
    ),
    "blob-missing": _error(
        "Something that is needed is not there.",
        "fetch it again, or leave out what is not whole with convert --missing prune",
    ),
    "blob-damaged": _error(
        "The content of a blob has another digest or size than its name or descriptor says.",
        _AGAIN,
    ),
    "blob-unreadable": _error(
        "A blob is no regular file, or reading it fails.",
        "put the file itself in its place, and look after the disk",
    ),
    "layer-undecodable": _error(
        "A layer has the right digest and cannot be inflated: whoever made it failed.",
        "build it again",
    ),
    "layer-not-tar": _error(
        "What a layer inflates to is no tar. No engine can unpack it.",
        "build it again",
    ),
    "layer-invalid": _error(
        "A layer is a tar that cannot be unpacked: it is cut off, a header is damaged, or a name "
        "leads out of the image. export refuses it.",
        "build it again",
    ),
    "layer-sparse": _error(
        "A layer has a sparse member in GNU's old format (type S). Every engine refuses it.",
        "pack the layer again without --sparse, or with --format=posix",
    ),
    "layers-conflict": _error(
        "The layers of an image, one over the other, make no file system: a hard link leads "
        "nowhere, or a path leads through a file. export refuses it.",
        "build it again",
    ),
    "diff-id-mismatch": _error(
        "A layer inflates to something else than the config's diff id says.",
        _AGAIN,
    ),
    "layer-count-mismatch": _error(
        "The manifest has more layers than its config has diff ids, or fewer.",
        "build it again",
    ),
    "history-too-long": _error(
        "The history of a config has more steps with layers than there are layers. docker with its "
        "own store refuses it: too many non-empty layers in History section.",
        "build it again",
    ),
    "layer-encrypted": _error(
        "A layer is encrypted. No engine unpacks it without the key, and export refuses it.",
        "decrypt it with the tool that encrypted it (ctr images decrypt, skopeo copy)",
    ),
    "layer-nydus": _error(
        "A layer is a part of a nydus file system, not a tar. Only engines with the nydus "
        "snapshotter run it, and export refuses it.",
        "convert it back with nydusify, or use the image it was made from",
    ),
    "layer-type-unknown": _error(
        "A layer of an image is a tar by a media type that is none of a layer. containerd unpacks "
        "no such image, and export refuses it.",
        "build it again with layers of a known type",
    ),
    "schema-1": _error(
        "A manifest is Docker schema 1. No engine of today loads it, and a copy would lose its "
        "layers.",
        "convert it where it came from with skopeo copy --format oci",
    ),
    "document-not-followed": _error(
        "An entry of an index leads to blobs in a way that is not known here, or bears the media "
        "type of a blob. A copy would lose them, so it is refused.",
        "label it right, or leave it out with convert --missing prune",
    ),
    "name-ambiguous": _error(
        "One name leads to two images. Tools differ in which one they take.",
        "select one by @DIGEST, or make them one with merge",
    ),
    "attestation-invalid": _error(
        "The annotation that says what an attestation speaks of holds no digest.",
        "drop it with convert --attestations drop",
    ),
    "index-empty-handed": _error(
        "An index lists images, and none of them is here.",
        "fetch it again",
    ),
    "manifest-json-invalid": _error(
        "manifest.json of a Docker archive cannot be read, or names what is not there.",
        "save it again",
    ),
    "manifest-json-mismatch": _error(
        "manifest.json and index.json of one archive list different images, or layers in "
        "another order. Engines that read the one run another image than those that read the "
        "other.",
        "write it again with convert, which believes manifest.json, or with oci-archive: before "
        "its name index.json",
    ),
    "repo-tag-invalid": _error(
        "A name in RepoTags is not REPOSITORY:TAG as docker has it. docker with its own store and "
        "podman refuse the archive.",
        "give the image another name with convert --tag",
    ),
    "index-json-incomplete": _warning(
        "manifest.json lists an image that index.json does not, as docker 25 to 28 save several "
        "images by their digests. Engines that read index.json load fewer images.",
        "write it again with convert, which believes manifest.json",
    ),
    "config-name-mismatch": _warning(
        "The file name of a config in a Docker archive is another hash than the config's. Its "
        "layers are checked against its diff ids all the same.",
        "write it again with convert, which names it right",
    ),
    "member-linked": _warning(
        "manifest.json or a layer of a Docker archive is a link that docker follows, and podman or "
        "containerd do not.",
        "write it again with convert",
    ),
    "zstd-unlabelled": _warning(
        "A Docker archive without an OCI layout has a layer that is compressed with zstd. docker "
        "before 23 cannot load it, and containerd labels it as gzip (containerd/containerd#14160).",
        "write it again with convert --compression gzip",
    ),
    "manifest-json-artifact": _warning(
        "manifest.json lists a signature or another artifact. docker with its own store and podman "
        "fail when they come to it.",
        "write it again with convert, which leaves it in index.json alone",
    ),
    "platform-absent": _warning(
        "An index lists a platform that is not here. That is legal, and loads where nobody asks "
        "for it.",
        "fetch it, or leave it out with convert --missing prune",
    ),
    "platform-mismatch": _warning(
        "An index says another platform of an image than its config.",
        "state the right one with merge --set-platform, or build it again",
    ),
    "platform-repeated": _warning(
        "An index lists two images for one platform. Most tools take the first.",
        "choose one with merge --replace",
    ),
    "history-mismatch": _warning(
        "The history of a config has fewer steps with layers than there are layers.",
        "none is needed to run it; build it again to know what made which layer",
    ),
    "attestation-orphan": _warning(
        "An attestation speaks of an image that its index does not list.",
        "drop it with convert --attestations drop",
    ),
    "subject-absent": _warning(
        "A signature, an SBOM or another referrer speaks of an image that is not here.",
        "keep it with its image, or drop it with convert --attestations drop",
    ),
    "digest-unverifiable": _warning(
        "The algorithm of a digest is unknown here, so that only its size was compared.",
        "check it with the tool that wrote it",
    ),
    "layer-type-mismatch": _warning(
        "A layer is compressed otherwise than its media type says. Engines look at the bytes, "
        "registries and scanners may not.",
        "write it again with convert --compression gzip, which labels what it writes",
    ),
    "value-blank": _warning(
        "A list or an object is null, or a string is empty, where it should be left out. Go writes "
        "that, and engines read it.",
        "update the tool that wrote it, if something refuses it",
    ),
    "layer-not-unpacked": _warning(
        "An image has something else than tars among its layers. That is legal (manifest.md); "
        "engines do not unpack the image, and export refuses it.",
        "list what is no layer in an artifact of its own",
    ),
    "media-types-mixed": _warning(
        "A manifest of one family leads to a config or layers of the other. podman refuses a "
        "Docker manifest with OCI layers.",
        "write it again with convert --media-types oci",
    ),
    "digest-sha512": _warning(
        "A blob is named by its sha512. That is legal; containerd, and docker with its store, "
        "cannot load the image.",
        "build it again with sha256",
    ),
    "config-type-defaulted": _warning(
        "The media type of an image's config says nothing of what it is. docker takes it for an "
        "image config, containerd 2 does not unpack the image.",
        "write it again with convert --media-types oci",
    ),
    "layers-empty": _warning(
        "A manifest has no layers, which the image specification does not allow. umoci writes "
        "such images, and engines load them.",
        "add a layer, if something refuses it",
    ),
    "name-invalid": _warning(
        "A name is not as the image specification, or docker, has names.",
        "give it another with convert --tag",
    ),
    "names-mismatch": _warning(
        "manifest.json and index.json of one archive do not have the same names.",
        "write it again with convert --tag",
    ),
    "repositories-mismatch": _warning(
        "The repositories file, which only docker before 1.10 reads, has other names than "
        "manifest.json.",
        "write it again with convert, which leaves it out",
    ),
    "case-collision": _warning(
        "A file's name differs from a known one by case alone. Some systems take them for one.",
        "remove it",
    ),
    "name-not-normalized": _note(
        "A name is written short. podman, for one, reads it otherwise than docker.",
        "write it in full with convert --tag",
    ),
    "entry-repeated": _note(
        "Two entries of an index are the same image under the same name.",
        "nothing needs to be done",
    ),
    "layer-not-distributed": _note(
        "A layer is not here that may not be distributed, as those of Windows.",
        "the engine fetches it from its urls",
    ),
    "blob-unreferenced": _note(
        "Nothing refers to a blob. It only takes room.",
        "remove it from a folder with gc, or leave it behind with convert",
    ),
    "file-stray": _note(
        "A file is no part of the format. Tools pass over it.",
        "remove it if you know it",
    ),
    "file-temporary": _note(
        "A file or folder was left behind by a tool that was interrupted.",
        "remove it when no tool is at work there",
    ),
}
