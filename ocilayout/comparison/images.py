"""Two images compared by platform.

Images of one digest are identical, and nothing of them is read. Names, what attestations say, and
whether an index stands around a single image make no difference. Bytes do: also where documents
say the same, or a layer is the same content compressed otherwise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from ocilayout.comparison.fields import FieldChange, changed_fields
from ocilayout.comparison.files import FileChange, FileTree, changed_files
from ocilayout.comparison.members import Member, members_of, paired
from ocilayout.comparison.rows import Row, side_by_side
from ocilayout.errors import ImageNotFound
from ocilayout.graph import is_document, read_document
from ocilayout.pick import only_image
from ocilayout.protocols import ImageSource
from ocilayout.rootfs.flatten import flatten
from ocilayout.spec import strict_json
from ocilayout.spec.compatible import absence
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.layers import Layer, layers_of
from ocilayout.spec.platform import Platform
from ocilayout.streams import Progress, ignore
from ocilayout.transforms.missing import settle_missing

Status = Literal["same", "changed", "added", "removed"]
Fields = Mapping[str, object]


@dataclass(frozen=True)
class PlatformDifference:
    """What differs between the images of one platform."""

    before: Member | None
    after: Member | None
    manifest: tuple[FieldChange, ...] = ()
    """Fields of the manifest, and under `entry` of what leads to it in an index."""
    config: tuple[FieldChange, ...] = ()
    history: tuple[Row[Fields], ...] = ()
    """All steps of both; those that differ in their time alone stand in one row (same, or other
    time)."""
    layers: tuple[Row[Layer], ...] = ()
    """All layers of both; those with one diff id, as configs say it, stand in one row (same,
    other bytes, or other descriptor: the manifests say different things of it)."""
    files: tuple[FileChange, ...] | None = None
    """None where files were not asked for, or cannot be read."""
    by_config: bool = False
    """Whether one config makes one image, whatever form its manifest and layers have."""

    @property
    def platform(self) -> Platform | None:
        """As the first of both states it."""
        return next(member.platform for member in (self.before, self.after) if member)

    @property
    def status(self) -> Status:
        """What became of it; same where the manifest is, and attestations are there or not."""
        if self.before is None or self.after is None:
            return "added" if self.before is None else "removed"
        if self.is_same_by_config:
            return "same"
        is_same = self.before.descriptor.digest == self.after.descriptor.digest
        return "same" if is_same and self.is_attested_alike and not self.manifest else "changed"

    @property
    def is_same_by_config(self) -> bool:
        """Whether both are told by their config, have the same, and no file differs."""
        ids = {member.image_id if member else None for member in (self.before, self.after)}
        return self.by_config and len(ids) == 1 and None not in ids and not self.files

    @property
    def is_attested_alike(self) -> bool:
        """Whether attestations and other referrers speak of both, or of none."""
        counts = [member.referrers for member in (self.before, self.after) if member]
        return all(counts) or not any(counts)


@dataclass(frozen=True)
class Comparison:
    """What differs between two images."""

    before: Descriptor
    after: Descriptor
    index: tuple[FieldChange, ...] = ()
    """Fields of the indexes, where both are one and all platforms are compared."""
    platforms: tuple[PlatformDifference, ...] = ()
    """All platforms of both, in their order; none where the images are identical."""
    by_config: bool = False
    """Whether one config makes one image; then fields of indexes are form, and are not compared."""

    @property
    def is_identical(self) -> bool:
        """Whether both are one image, by digest."""
        return self.before.digest == self.after.digest

    @property
    def differs(self) -> bool:
        """Whether anything does that is compared."""
        return bool(self.index) or any(found.status != "same" for found in self.platforms)


def compare(
    before: ImageSource,
    after: ImageSource,
    *,
    platforms: Sequence[Platform] = (),
    files: bool = False,
    by_config: bool = False,
    on_bytes: Progress = ignore,
) -> Comparison:
    """The difference between the one image of each source, of all platforms or some.

    With `files`, layers that differ are read and verified. With `by_config`, images of one config
    are the same, as it lists the diff ids of all layers; else their manifests tell. Raises
    AmbiguousName where a source has several images, ImageNotFound where neither image has such a
    platform, and what reading raises.
    """
    tops = only_image(before), only_image(after)
    if tops[0].digest == tops[1].digest:
        return Comparison(*tops, by_config=by_config)
    sides = settle_missing(before, "keep"), settle_missing(after, "keep")
    members = [members_of(side, top, platforms) for side, top in zip(sides, tops, strict=True)]
    if not any(members):
        raise ImageNotFound(_why_none(sides, tops, platforms))
    indexes = [_index(side, top) for side, top in zip(sides, tops, strict=True)]
    found = [
        replace(_difference(*pair, None not in indexes), by_config=by_config)
        for pair in paired(*members)
    ]
    if files:
        found = [_with_files(difference, sides, on_bytes) for difference in found]
    # Of some platforms alone, what the index says of all is no difference.
    changes = () if platforms or by_config else tuple(_index_changes(*indexes))
    return Comparison(*tops, changes, tuple(found), by_config)


def _why_none(
    sides: Sequence[ImageSource], tops: Sequence[Descriptor], platforms: Sequence[Platform]
) -> str:
    if not platforms:
        return "neither image is for any platform"
    every = [members_of(side, top) for side, top in zip(sides, tops, strict=True)]
    present = (member.platform for members in every for member in members if member.platform)
    return absence(platforms[0], present)


def _index(source: ImageSource, top: Descriptor) -> Index | None:
    if top.digest in source.absent or not is_document(top):
        return None
    document = read_document(source, top)
    return document if isinstance(document, Index) else None


def _index_changes(before: Index | None, after: Index | None) -> Iterator[FieldChange]:
    if before is not None and after is not None:
        yield from changed_fields(_index_fields(before), _index_fields(after))


def _index_fields(index: Index) -> Fields:
    return {**_without(index.fields, "manifests"), "mediaType": index.media_type}


def _difference(
    before: Member | None, after: Member | None, both_indexed: bool
) -> PlatformDifference:
    found = PlatformDifference(before, after)
    if before is None or after is None or before.manifest is None or after.manifest is None:
        return found
    ours, theirs = _manifest_fields(before.manifest), _manifest_fields(after.manifest)
    entries = [{"annotations": dict(each.descriptor.annotations)} for each in (before, after)]
    return replace(
        found,
        manifest=(
            *changed_fields(ours, theirs),
            *(changed_fields(entries[0], entries[1], ("entry",)) if both_indexed else ()),
        ),
        config=tuple(changed_fields(_config_fields(before.config), _config_fields(after.config))),
        history=side_by_side(
            _steps(before.config), _steps(after.config), _without_time, _judged_step
        ),
        layers=side_by_side(
            [*layers_of(before.manifest, before.config)],
            [*layers_of(after.manifest, after.config)],
            _content_of,
            _judged_layer,
        ),
    )


def _manifest_fields(manifest: Manifest) -> Fields:
    config = {} if manifest.config is None else manifest.config.fields
    return {
        **_without(manifest.fields, "config", "layers", "blobs"),
        "mediaType": manifest.media_type,
        "config": _without(config, "digest", "size", "data"),
    }


def _config_fields(config: ImageConfig | None) -> Fields:
    return {} if config is None else _without(config.fields, "rootfs", "history")


def _without(fields: Fields, *keys: str) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key not in keys}


def _steps(config: ImageConfig | None) -> list[Fields]:
    # An array of objects and nulls, since the config was parsed.
    steps = cast("list[Fields | None] | None", config.fields.get("history")) if config else None
    return [step or {} for step in steps or ()]


def _without_time(step: Fields) -> bytes:
    return strict_json.encode(dict(sorted(_without(step, "created").items())))


def _judged_step(before: Fields, after: Fields) -> str:
    return "same" if before == after else "other time"


def _judged_layer(before: Layer, after: Layer) -> str:
    if before.descriptor.digest != after.descriptor.digest:
        return "other bytes"
    return "same" if before.descriptor.fields == after.descriptor.fields else "other descriptor"


def _content_of(layer: Layer) -> Digest:
    return layer.diff_id or layer.descriptor.digest


def _with_files(
    found: PlatformDifference, sides: Sequence[ImageSource], on_bytes: Progress
) -> PlatformDifference:
    if not (found.before and found.before.config and found.after and found.after.config):
        return found
    if all(row.status in {"same", "other descriptor"} for row in found.layers):
        return replace(found, files=())
    before = _file_tree(sides[0], found.before, on_bytes)
    after = _file_tree(sides[1], found.after, on_bytes)
    return replace(found, files=changed_files(before, after, on_bytes))


def _file_tree(source: ImageSource, member: Member, on_bytes: Progress) -> FileTree:
    assert member.manifest is not None
    assert member.config is not None
    # Without diff ids a layer is what its own digest says.
    layers = member.config.diff_ids or [layer.digest for layer in member.manifest.layers]
    return FileTree(flatten(source, member.manifest, on_bytes), layers)
