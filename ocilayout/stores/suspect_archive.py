"""A Docker archive that may be damaged: manifest.json, repositories, and the files they name."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import filterfalse
from typing import BinaryIO

from ocilayout.errors import BlobNotFound, InvalidArchive, InvalidDocument, OciLayoutError
from ocilayout.magic import codec_name
from ocilayout.problems import Problem
from ocilayout.protocols import Files
from ocilayout.spec import strict_json
from ocilayout.spec.damaged_documents import readable_index
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import list_digest
from ocilayout.spec.names import is_pin, names_of
from ocilayout.spec.reference import Reference
from ocilayout.stores.docker_entries import (
    Entry,
    read_config_of,
    read_entry,
    read_list,
    stated_id_problem,
)
from ocilayout.stores.docker_images import DockerImages
from ocilayout.stores.file_names import INDEX, MANIFEST, REPOSITORIES
from ocilayout.stores.layout_source import read_small
from ocilayout.stores.suspect_layout import Images, listing_problems

_LINKS = {"symlink", "hardlink"}
# What docker before 1.10 read, and docker 20.10, podman and skopeo write all the same.
_LEGACY = re.compile(r"[0-9a-f]{64}/(?:VERSION|json|layer\.tar)")


class SuspectArchive:
    """The images of a Docker archive without an OCI half."""

    absent: Collection[Digest] = frozenset()
    index_label = f"{MANIFEST}, read as an index"

    def __init__(self, files: Files) -> None:
        """Raises nothing but OSError: what is wrong is told by `problems`."""
        self._files = files
        self._found: list[Problem] = []
        self._entries = list(_readable(files, self._found))
        self._images = DockerImages(files, [entry for _, entry in self._entries], self._refused)
        self.index = self._images.index

    def _refused(self, position: int, error: OciLayoutError) -> None:
        where = self._entries[position][0]
        # A layer that is not there was told of already.
        if not any(problem.where.startswith(where) for problem in self._found):
            self._found.append(Problem("manifest-json-invalid", where, str(error)))

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """A layer, not verified, or a document that was made here; raises BlobNotFound."""
        return self._images.open_unchecked(descriptor)

    def problems(self, images: Images | None) -> Iterator[Problem]:
        """What is wrong with the files."""
        yield from self._found
        yield from listing_problems(self._files)
        if _has_errors(self._found):
            # What could not be read may name any file, and have any name.
            return
        entries = [entry for _, entry in self._entries]
        yield from _link_problems(self._files, entries)
        yield from _zstd_problems(self._files, entries)
        yield from _repository_problems(self._files, entries)
        known = {layer for entry in entries for layer in entry.layers}
        known |= {entry.config_path for entry in entries}
        for name, kind in self._files.walk():
            is_known = name in known or name in {MANIFEST, REPOSITORIES} or _LEGACY.fullmatch(name)
            if kind != "directory" and not is_known:
                yield Problem("file-stray", name, f"{MANIFEST} does not name it")

    def stored(self) -> Iterator[Descriptor]:
        """None: files are not named by their digests, but by manifest.json."""
        return iter(())


def hybrid_problems(files: Files, images: Images | None) -> Iterator[Problem]:
    """In what manifest.json and `repositories` differ from the layout that they lie beside."""
    if MANIFEST not in files:
        return
    found: list[Problem] = []
    entries = list(_readable(files, found))
    yield from found
    for where, entry in entries:
        lists = None if images is None else images.get(entry.config_digest)
        if images is not None and lists is None:
            text = f"{INDEX} does not lead to image {entry.config_digest}"
            yield Problem("manifest-json-mismatch", f"{where}.Config", text)
        elif lists is not None and not lists:
            text = f"{entry.config_digest} has layers that are no tars: it is no image to unpack"
            yield Problem("manifest-json-artifact", where, text)
        in_blobs = all(path.startswith("blobs/") for path in entry.layers)
        if lists and in_blobs and list_digest(entry.layers) not in lists:
            text = f"the layers of image {entry.config_digest} are others in {INDEX}"
            text += _judged_by_config(files, entry)
            yield Problem("manifest-json-mismatch", f"{where}.Layers", text)
    if not _has_errors(found):
        plain = [entry for _, entry in entries]
        yield from _link_problems(files, plain)
        yield from _name_problems(files, plain)
        yield from _repository_problems(files, plain)


def _has_errors(found: Iterable[Problem]) -> bool:
    return any(problem.level == "error" for problem in found)


def _judged_by_config(files: Files, entry: Entry) -> str:
    """Whether the layers of an entry are in order, as far as its config and their names tell."""
    try:
        diff_ids = read_config_of(files, entry).diff_ids
    except InvalidDocument:
        return ""
    paths = [diff_id.blob_path for diff_id in diff_ids]
    # Compressed layers are not called by their diff ids.
    if sorted(paths) != sorted(entry.layers):
        return ""
    verb = "are" if paths == list(entry.layers) else "are not"
    return f"; those here {verb} in the order that the config says"


def _readable(files: Files, found: list[Problem]) -> Iterator[tuple[str, Entry]]:
    """The entries that can be read; what is wrong with the others goes to `found`."""
    try:
        items = read_list(files, MANIFEST)
    except (BlobNotFound, InvalidArchive, InvalidDocument) as error:
        found.append(Problem("manifest-json-invalid", MANIFEST, str(error)))
        return
    for position, item in enumerate(items):
        where = f"{MANIFEST}: [{position}]"
        try:
            entry = read_entry(files, item, where)
        except (BlobNotFound, InvalidArchive, InvalidDocument) as error:
            text = str(error).removeprefix(where).lstrip(": ")
            found.append(Problem("manifest-json-invalid", where, text))
            continue
        found.extend(_tag_problems(entry, where))
        mismatch = stated_id_problem(entry)
        if mismatch is not None:
            found.append(Problem("config-name-mismatch", f"{where}.Config", mismatch))
        absent = [layer for layer in entry.layers if layer not in files]
        if absent:
            text = f"the archive has no member {absent[0]!r}"
            found.append(Problem("manifest-json-invalid", f"{where}.Layers", text))
        yield where, entry


def _tag_problems(entry: Entry, where: str) -> Iterator[Problem]:
    at = f"{where}.RepoTags"
    for tag in filterfalse(is_pin, entry.tags):
        try:
            Reference.parse(tag)
        except InvalidDocument as error:
            yield Problem("repo-tag-invalid", at, str(error))
            continue
        if ":" not in tag.rpartition("/")[2]:
            yield Problem("repo-tag-invalid", at, f"{tag!r} has no tag")


def _link_problems(files: Files, entries: Iterable[Entry]) -> Iterator[Problem]:
    """Members that are links where not every engine follows them."""
    layers = {layer for entry in entries for layer in entry.layers}
    for name, kind in files.walk():
        if name == MANIFEST and kind in _LINKS:
            yield Problem("member-linked", name, f"it is a {kind}")
        elif name in layers and kind == "hardlink":
            yield Problem("member-linked", name, "the layer is a hardlink")


def _zstd_problems(files: Files, entries: Iterable[Entry]) -> Iterator[Problem]:
    """Layers compressed with zstd where no manifest says so."""
    for layer in dict.fromkeys(layer for entry in entries for layer in entry.layers):
        try:
            with files.open(layer) as content:
                is_zstd = codec_name(content.read(8)) == "zstd"
        except (BlobNotFound, InvalidArchive):
            continue
        if is_zstd:
            yield Problem("zstd-unlabelled", layer, "it is compressed with zstd")


def _name_problems(files: Files, entries: Iterable[Entry]) -> Iterator[Problem]:
    try:
        index = readable_index(read_small(files, INDEX), INDEX)
    except (BlobNotFound, InvalidArchive, InvalidDocument):
        return
    listed = {name for entry in index.children for name in names_of(entry)}
    saved = {name for entry in entries for name in entry.names}
    if listed and saved - listed:
        text = f"{', '.join(sorted(saved - listed))} is no name in {INDEX}"
        yield Problem("names-mismatch", MANIFEST, text)


def _repository_problems(files: Files, entries: Iterable[Entry]) -> Iterator[Problem]:
    if REPOSITORIES not in files:
        return
    saved = {name for entry in entries for name in entry.names}
    try:
        value = strict_json.parse_object(read_small(files, REPOSITORIES), REPOSITORIES)
        named = {
            str(Reference.parse(f"{repository}:{tag}"))
            for repository, tags in value.items()
            for tag in (tags if isinstance(tags, dict) else {})
        }
    except OciLayoutError as error:
        yield Problem("repositories-mismatch", REPOSITORIES, str(error))
        return
    for more, fewer, text in (
        (saved, named, f"{MANIFEST} has more"),
        (named, saved, f"{MANIFEST} lacks"),
    ):
        if more - fewer:
            yield Problem(
                "repositories-mismatch", REPOSITORIES, f"{text}: {', '.join(sorted(more - fewer))}"
            )
