"""`manifest.json`: the list of images that docker reads, and skopeo's, crane's and bazel's too."""

from collections.abc import Mapping
from itertools import filterfalse
from typing import Any, NamedTuple

from ocilayout import notices
from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDocument, OciLayoutError
from ocilayout.protocols import Files
from ocilayout.spec import strict_json
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.digest import HEX_LENGTHS, Digest
from ocilayout.spec.fields import Fields
from ocilayout.spec.names import is_pin
from ocilayout.spec.reference import Reference
from ocilayout.stores.file_names import INDEX, MANIFEST
from ocilayout.stores.layout_source import read_small
from ocilayout.streams import digest_of

FIELDS = ("Config", "RepoTags", "Layers", "Parent", "LayerSources")


class Entry(NamedTuple):
    """One image of the list."""

    config_digest: Digest
    """The image id; in a layout, by the algorithm that the layout keeps it under."""
    config_size: int
    """Bytes. The config itself is not held: an archive may list many images, and one may have
    32 MiB."""
    names: tuple[str, ...]
    layers: tuple[str, ...]
    """Member names, lowest layer first."""
    tags: tuple[str, ...]
    """The names as they are written, be they names or not."""
    config_path: str
    """Member name of the config."""
    has_backslashes: bool = False
    """Whether it names members with backslashes, which engines on Linux do not find."""


def is_docker_archive(files: Files) -> bool:
    """Whether manifest.json is a list of images.

    skopeo's `dir:` has an object of that name, imgpkg's tars another list.
    """
    if MANIFEST not in files:
        return False
    try:
        value = strict_json.parse(read_small(files, MANIFEST), MANIFEST)
    except InvalidDocument:
        # What is wrong with it is said when it is opened.
        return True
    return value is None or (isinstance(value, list) and all(map(_is_entry, value)))


def is_unpacked_archive(files: Files) -> bool:
    """Whether manifest.json of a folder lists images, of which the config of one is there."""
    try:
        items = read_list(files, MANIFEST)
        return any(_is_entry(item) and _has_config(files, item) for item in items)
    except OciLayoutError:
        return False


def _has_config(files: Files, item: Any) -> bool:
    path = with_known_keys(item, MANIFEST)["Config"]
    return isinstance(path, str) and _member(files, path, MANIFEST) in files


def _is_entry(item: object) -> bool:
    return isinstance(item, dict) and {"config", "layers"} <= {key.casefold() for key in item}


def config_bytes_of(files: Files, entry: Entry) -> bytes:
    """The config of an image of the list as it stands; raises InvalidDocument, BlobNotFound."""
    return read_small(files, entry.config_path, strict_json.MAX_CONFIG_SIZE)


def read_config_of(files: Files, entry: Entry) -> ImageConfig:
    """The config of an image of the list; raises InvalidDocument, BlobNotFound."""
    return ImageConfig.parse(config_bytes_of(files, entry), f"config {entry.config_digest}")


def read_entries(files: Files) -> list[Entry]:
    """The images that manifest.json lists; raises InvalidDocument or InvalidArchive."""
    label = f"{files.label}: {MANIFEST}"
    entries = [
        read_entry(files, item, f"{label}[{position}]")
        for position, item in enumerate(read_list(files, label))
    ]
    for entry in entries:
        problem = stated_id_problem(entry)
        if problem is not None:
            notices.warn(f"{label}: {problem}: layers are checked against what it says")
    return entries


def read_list(files: Files, label: str) -> list[object]:
    """What manifest.json, called `label`, lists; raises InvalidDocument or InvalidArchive."""
    try:
        value = strict_json.parse(read_small(files, MANIFEST), label)
    except BlobNotFound:
        raise InvalidArchive(f"{files.label} is no Docker archive: it has no {MANIFEST}") from None
    if value is None:
        # As Go writes a list that nothing was added to.
        return []
    if not isinstance(value, list):
        raise InvalidDocument(f"{label} is not a list of images (oci-archive: reads index.json)")
    return value


def read_entry(files: Files, value: object, where: str) -> Entry:
    """One image of the list, which stands at `where`; raises InvalidDocument or InvalidArchive."""
    stated = with_known_keys(value, where) if isinstance(value, dict) else value
    fields = Fields(stated, where, known=FIELDS)
    path = fields.text("Config")
    paths = [path, *fields.texts("Layers")]
    member, *layers = (_member(files, each, where) for each in paths)
    digest, size = _described_config(files, member, where)
    if INDEX in files:
        _check_blob_path(member, digest, where)
    return Entry(
        digest,
        size,
        _names(fields),
        tuple(layers),
        tuple(fields.texts("RepoTags")),
        member,
        any("\\" in each and each not in (member, *layers) for each in paths),
    )


def with_known_keys(value: Mapping[str, object], where: str) -> dict[str, object]:
    """An entry of the list with its keys as docker writes them; raises InvalidDocument.

    Go folds the case of keys, so that engines load what Jib wrote before May 2020, `repoTags`.
    Two keys that fold to one are refused: tools take the one or the other.
    """
    known = {key.casefold(): key for key in FIELDS}
    found: dict[str, object] = {}
    for key, item in value.items():
        named = known.get(key.casefold(), key)
        if named in found:
            raise InvalidDocument(
                f"{where} has the key {named!r} twice, written in different cases: tools read the "
                "one or the other"
            )
        found[named] = item
    return found


def _described_config(files: Files, member: str, where: str) -> tuple[Digest, int]:
    """Digest and size of a config."""
    try:
        size = files.size(member)
        if size > strict_json.MAX_CONFIG_SIZE:
            raise InvalidDocument(
                f"{where}: the config {member!r} has {size} bytes, "
                f"{strict_json.MAX_CONFIG_SIZE} are allowed"
            )
        with files.open(member) as content:
            return digest_of(content, _algorithm(member) if INDEX in files else "sha256")
    except BlobNotFound:
        raise InvalidArchive(f"{where}: the archive has no member {member!r}") from None


def _member(files: Files, path: str, where: str) -> str:
    """The name of a member; what leads out of the archive is not even looked up on this host.

    docker for Windows wrote `HEX\\layer.tar` into manifest.json, and for a time named members so
    too: where there is none of the name as written, the other slash is tried.
    """
    spellings = dict.fromkeys((path, path.replace("\\", "/"), path.replace("/", "\\")))
    names = [_clean(spelling, path, where) for spelling in spellings]
    return next((name for name in names if name in files), names[0])


def _clean(spelling: str, path: str, where: str) -> str:
    parts = spelling.split("/")
    if spelling.startswith("/") or ".." in parts or "\0" in path:
        raise InvalidArchive(f"{where}: {path!r} leads out of the archive")
    return "/".join(part for part in parts if part not in {"", "."})


def _algorithm(member: str) -> str:
    parts = member.split("/")
    in_blobs = len(parts) == 3 and parts[0] == "blobs"
    return parts[1] if in_blobs and parts[1] in HEX_LENGTHS else "sha256"


def stated_id_problem(entry: Entry) -> str | None:
    """In what the file name of a config is another hash than the config's; None where it is none.

    Its layers are held to its diff ids all the same.
    """
    stem = entry.config_path.rpartition("/")[2].removesuffix(".json").removeprefix("sha256:")
    if not _is_hash(stem, entry.config_digest) or stem == entry.config_digest.encoded:
        return None
    return f"the config {entry.config_path!r} hashes to {entry.config_digest}, not to its name"


def _check_blob_path(member: str, digest: Digest, where: str) -> None:
    """In a layout a path is a digest: another content was damaged or exchanged."""
    stem = member.rpartition("/")[2]
    if member.startswith("blobs/") and _is_hash(stem, digest) and stem != digest.encoded:
        raise InvalidArchive(
            f"{where}: the config {member!r} hashes to {digest}: the archive is damaged"
        )


def _is_hash(stem: str, digest: Digest) -> bool:
    return len(stem) == HEX_LENGTHS[digest.algorithm] and set(stem) <= set("0123456789abcdef")


def _names(fields: Fields) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for text in filterfalse(is_pin, fields.texts("RepoTags")):
        try:
            found[str(Reference.parse(text))] = None
        except InvalidDocument:
            notices.warn(f"{fields.path('RepoTags')}: {text!r} is no image name; it is left out")
    return tuple(found)
