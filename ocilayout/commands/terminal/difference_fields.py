"""What differs between two images, for programs."""

from collections.abc import Sequence

from ocilayout.commands.terminal.file_listing import node_fields, path_text
from ocilayout.commands.terminal.tree import layer_fields
from ocilayout.comparison.fields import FieldChange
from ocilayout.comparison.files import FileChange
from ocilayout.comparison.forms import form_words
from ocilayout.comparison.images import Comparison, PlatformDifference
from ocilayout.comparison.members import Member
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.names import names_of


def comparison_fields(found: Comparison, places: Sequence[tuple[str, str]]) -> dict[str, object]:
    """The difference as JSON; `places` are the two as they were written, with their dialects."""
    result = "identical" if found.is_identical else "different" if found.differs else "same"
    return {
        "before": _top_fields(found.before, *places[0]),
        "after": _top_fields(found.after, *places[1]),
        "result": result,
        "compared_by": "config" if found.by_config else "manifest",
        "form": list(form_words(found.platforms)),
        "index": [_field_change(change) for change in found.index],
        "platforms": [_platform_fields(platform) for platform in found.platforms],
    }


def _top_fields(top: Descriptor, place: str, dialect: str) -> dict[str, object]:
    return {
        "place": place,
        "dialect": dialect,
        "names": list(names_of(top)),
        "digest": str(top.digest),
        "media_type": top.media_type,
    }


def _platform_fields(found: PlatformDifference) -> dict[str, object]:
    return {
        "platform": None if found.platform is None else str(found.platform),
        "status": found.status,
        "before": _member_fields(found.before),
        "after": _member_fields(found.after),
        "manifest": [_field_change(change) for change in found.manifest],
        "config": [_field_change(change) for change in found.config],
        "history": [
            {"status": row.status, "before": row.before, "after": row.after}
            for row in found.history
        ],
        "layers": [
            {
                "status": row.status,
                "before": None if row.before is None else layer_fields(row.before),
                "after": None if row.after is None else layer_fields(row.after),
            }
            for row in found.layers
        ],
        "files": None if found.files is None else [_file_change(item) for item in found.files],
    }


def _member_fields(member: Member | None) -> dict[str, object] | None:
    if member is None:
        return None
    manifest = member.manifest
    return {
        "digest": str(member.descriptor.digest),
        "media_type": member.descriptor.media_type,
        "platform": None if member.platform is None else str(member.platform),
        "image_id": str(manifest.config.digest) if manifest and manifest.config else None,
        "here": manifest is not None,
        "referrers": member.referrers,
    }


def _field_change(change: FieldChange) -> dict[str, object]:
    return {"path": list(change.path), "before": change.before, "after": change.after}


def _file_change(change: FileChange) -> dict[str, object]:
    sides = [
        None if node is None else node_fields(node, first)
        for node, first in zip((change.before, change.after), change.links, strict=True)
    ]
    path = path_text(change.path) or "/"
    what = list(change.what)
    return {
        "path": path,
        "status": change.status,
        "what": what,
        "before": sides[0],
        "after": sides[1],
    }
