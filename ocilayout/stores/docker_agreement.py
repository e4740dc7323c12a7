"""The Docker half of an archive after an edit: `manifest.json` and `repositories` follow.

Only what changed is touched; fields that are not known here stay.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ocilayout import notices
from ocilayout.damage import DAMAGE
from ocilayout.errors import CannotHold, InvalidDocument
from ocilayout.graph import is_document, manifest_if_here, manifests_below
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec import strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import names_of, reference_of
from ocilayout.spec.reference import Reference, is_tag
from ocilayout.stores.docker_entries import Entry, read_list
from ocilayout.stores.file_names import INDEX, MANIFEST, REPOSITORIES
from ocilayout.stores.layout_source import read_small
from ocilayout.tar_file import TarFile

_ID = re.compile(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:/layer\.tar)?", re.ASCII)


@dataclass
class _Changes:
    """What an edit did to the images of an archive, told by their configs."""

    names: dict[str, Collection[Digest]] = field(default_factory=dict)
    """Each name that leads elsewhere now, and the configs of the image there; none: it is gone."""
    kept: Collection[Digest] = frozenset()
    """The configs of all images that are still listed."""
    gone: Collection[Digest] = frozenset()
    """The configs of images that are listed no more."""


def agreeing(
    files: TarFile,
    entries: list[Entry],
    before: ImageSource,
    after: ImageSource,
    moved: Mapping[Digest, Descriptor],
) -> dict[str, bytes]:
    """The documents of the Docker half that must change for `after`, with their new content.

    `moved` says what each changed blob became. Raises CannotHold for a bare tag where there is no
    OCI half that could hold it.
    """
    changes = _changes(before, after, moved)
    listed = read_list(files, f"{files.label}: {MANIFEST}")
    ids: dict[str, str] = {}
    edited: list[object] = []
    for item, entry in zip(listed, entries, strict=True):
        if entry.config_digest in changes.gone:
            continue
        taken = [
            name
            for name, configs in changes.names.items()
            if entry.config_digest in configs and name not in ids
        ]
        ids |= dict.fromkeys(taken, _version_1_id(files, entry))
        edited.append(_edited(item, entry, changes, taken, moved))
    _warn_of_unlisted(changes, ids, has_oci_half=INDEX in files)
    found = {} if edited == listed else {MANIFEST: strict_json.encode(edited)}
    return found | _repositories(files, changes, ids)


def _changes(
    before: ImageSource, after: ImageSource, moved: Mapping[Digest, Descriptor]
) -> _Changes:
    def now(digest: Digest) -> Digest:
        return moved[digest].digest if digest in moved else digest

    was = {name: now(entry.digest) for entry in before.index.children for name in names_of(entry)}
    owners = {name: entry for entry in after.index.children for name in names_of(entry)}
    changes = _Changes()
    back = {new.digest: old for old, new in moved.items()}
    for name in {**was, **owners}:
        owner = owners.get(name)
        if owner is None:
            changes.names[name] = ()
        elif was.get(name) != owner.digest:
            changes.names[name] = {back.get(d, d) for d in _configs(after, [owner])}
    if {now(e.digest) for e in before.index.children} != {e.digest for e in after.index.children}:
        kept = {back.get(d, d) for d in _configs(after, after.index.children)}
        changes.gone = _configs(before, before.index.children) - kept
    return changes


def _configs(source: ImageSource, tops: Collection[Descriptor]) -> set[Digest]:
    """The configs of the images below `tops`; what is no document stands for itself."""
    found = set()
    for descriptor in manifests_below(source, tops):
        if is_listed_referrer(descriptor) or descriptor.digest in source.absent:
            continue
        if not is_document(descriptor):
            found.add(descriptor.digest)
            continue
        try:
            manifest = manifest_if_here(source, descriptor)
        except DAMAGE:
            # What cannot be read is not known to be gone.
            continue
        if manifest is not None and manifest.config is not None:
            found.add(manifest.config.digest)
    return found


def _edited(
    item: Any,
    entry: Entry,
    changes: _Changes,
    taken: Collection[str],
    moved: Mapping[Digest, Descriptor],
) -> dict[str, object]:
    """An entry of manifest.json with its names, and its config, as they are now."""
    edited = dict(item)
    tags = [tag for tag in entry.tags if _full(tag) not in changes.names or _full(tag) in taken]
    known = set(map(_full, tags))
    for name in taken:
        if name not in known and reference_of(name) is not None:
            tags.append(name)
    if tags != list(entry.tags):
        edited[_key(item, "RepoTags")] = tags
    config = moved.get(entry.config_digest)
    if config is not None:
        edited[_key(item, "Config")] = config.digest.blob_path
    return edited


def _key(item: Mapping[str, object], name: str) -> str:
    """`name` in the case in which the entry has it: Jib wrote these keys otherwise than docker."""
    return next((key for key in item if key.casefold() == name.casefold()), name)


def _warn_of_unlisted(changes: _Changes, ids: Mapping[str, str], *, has_oci_half: bool) -> None:
    for name, configs in changes.names.items():
        if configs and reference_of(name) is None:
            kind = "a tag without a repository" if is_tag(name) else "no name that docker takes"
            fact = f"{name!r} is {kind}, which {MANIFEST} cannot hold"
            if not has_oci_half:
                raise CannotHold(f"{fact}: write REPOSITORY:TAG")
            notices.warn(
                f"{fact}: docker before 29 will not see it; REPOSITORY:TAG is what it takes"
            )
        elif configs and name not in ids:
            notices.warn(f"{name} is no image of {MANIFEST}: only tools that read OCI will see it")


def _repositories(files: TarFile, changes: _Changes, ids: Mapping[str, str]) -> dict[str, bytes]:
    if REPOSITORIES not in files or not changes.names:
        return {}
    label = f"{files.label}: {REPOSITORIES}"
    listed = strict_json.parse_object(read_small(files, REPOSITORIES), label)
    edited: dict[str, object] = {}
    for repository, tags in listed.items():
        if not isinstance(tags, dict):
            raise InvalidDocument(f"{label}: {repository} holds no tags")
        left = {
            tag: version_1_id
            for tag, version_1_id in tags.items()
            if _full(f"{repository}:{tag}") not in changes.names
        }
        if left or not tags:
            edited[repository] = left
    for name, version_1_id in ids.items():
        reference = reference_of(name)
        if version_1_id and reference is not None:
            repository = f"{reference.domain}/{reference.path}"
            tags = edited.setdefault(repository, {})
            assert isinstance(tags, dict)
            tags[reference.tag] = version_1_id
    return {} if edited == listed else {REPOSITORIES: strict_json.encode(edited)}


def _version_1_id(files: TarFile, entry: Entry) -> str:
    """What `repositories` calls an image: the folder of its top layer; empty where there is none.

    docker 25 and later put the layer's digest there (moby:image/tarexport/save.go).
    """
    if not entry.layers:
        return ""
    top = entry.layers[-1]
    match = _ID.fullmatch(top)
    if match is not None:
        return match[1]
    # skopeo and podman: a link in that folder leads to the layer.
    for name in files.links():
        match = _ID.fullmatch(name)
        if match is not None and files.resolved(name) == files.resolved(top):
            return match[1]
    return ""


def _full(tag: str) -> str:
    try:
        return str(Reference.parse(tag))
    except InvalidDocument:
        return tag
