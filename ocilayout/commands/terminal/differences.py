"""What differs between two images, for people."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from ocilayout.commands.terminal.file_listing import (
    mode_words,
    path_text,
    time_words,
)
from ocilayout.commands.terminal.printing import human_size
from ocilayout.commands.terminal.tree import layer_words, shortened
from ocilayout.comparison.fields import FieldChange
from ocilayout.comparison.files import FileChange
from ocilayout.comparison.images import Comparison, Fields, PlatformDifference
from ocilayout.comparison.rows import Row
from ocilayout.rootfs.tree import Node
from ocilayout.spec.layers import Layer

_SIGNS = {"added": "+", "removed": "-"}


def comparison_lines(found: Comparison, before: str, after: str) -> Iterator[str]:
    """The lines that a person reads: one a platform, and below it one for each difference."""
    if found.is_identical:
        yield f"identical: {found.before.digest}"
        return
    for change in found.index:
        yield f"index: {_change_words(change)}"
    for platform in found.platforms:
        yield f"{_title(platform)}: {_verdict(platform, before, after)}"
        yield from (f"  {line}" for line in _details(platform))


def _title(found: PlatformDifference) -> str:
    if found.platform is not None:
        return str(found.platform)
    member = found.before or found.after
    manifest = member.manifest if member else None
    return (manifest.artifact_type if manifest else None) or "no platform"


def _verdict(found: PlatformDifference, before: str, after: str) -> str:
    if found.status in _SIGNS:
        return f"only in {after if found.status == 'added' else before}"
    if found.is_same_by_config and found.before is not None:
        read = "layers were not read" if found.files is None else "its files are the same"
        return f"the same image, by its config {found.before.image_id} ({read})"
    if found.status == "same":
        return "the same"
    statuses = {
        "field of the manifest": ["changed"] * len(found.manifest),
        "field of the config": ["changed"] * len(found.config),
        "step": [row.status for row in found.history],
        "layer": [row.status for row in found.layers],
        "file": [change.status for change in found.files or ()],
    }
    said = [words for called, each in statuses.items() for words in _tally(called, each)]
    return f"different: {', '.join(said) or _reason(found)}"


def _tally(called: str, statuses: Sequence[str]) -> Iterator[str]:
    """How many were added, removed and changed: `2 layers added`."""
    counts = Counter(_TALLIED.get(status, "changed") for status in statuses)
    head, _, tail = called.partition(" ")
    for status in ("added", "removed", "changed"):
        count = counts[status]
        if count:
            yield " ".join(filter(None, [str(count), head + "s" * (count > 1), tail, status]))


_TALLIED = {"added": "added", "removed": "removed", "same": "same", "other time": "same"}


def _reason(found: PlatformDifference) -> str:
    if not found.is_attested_alike:
        return "attestations"
    if any(member is None or member.manifest is None for member in (found.before, found.after)):
        return "one of them is not here"
    return "the documents say the same in other bytes"


def _details(found: PlatformDifference) -> Iterator[str]:
    if found.status == "same":
        return
    if found.before and found.after and not found.is_attested_alike:
        counts = (found.before.referrers, found.after.referrers)
        yield "attestations: {} -> {}".format(*counts)
    yield from (f"manifest {_change_words(change)}" for change in found.manifest)
    yield from (_change_words(change) for change in found.config)
    yield from _history_lines(found.history)
    for row in found.layers:
        yield from _layer_lines(row)
    if found.files is not None and not found.files:
        yield "files: the same"
    for change in found.files or ():
        yield _file_line(change)


def _change_words(change: FieldChange) -> str:
    name = ".".join(change.path)
    if change.before is None:
        return f"{name}: + {_value(change.after)}"
    if change.after is None:
        return f"{name}: - {_value(change.before)}"
    return f"{name}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: object) -> str:
    is_text = isinstance(value, str) and value
    return shortened(str(value) if is_text else json.dumps(value, ensure_ascii=False))


def _history_lines(rows: Sequence[Row[Fields]]) -> Iterator[str]:
    retimed = 0
    for row in rows:
        retimed += row.status == "other time"
        step = row.before if row.after is None else row.after
        if row.status in _SIGNS and step is not None:
            words = step.get("created_by") or step.get("comment") or "a step that says nothing"
            yield f"step {_SIGNS[row.status]} {shortened(str(words))}"
    if retimed:
        yield f"steps: {retimed} with another time"


def _layer_lines(row: Row[Layer]) -> Iterator[str]:
    if row.before is None or row.after is None:
        layer = row.before or row.after
        assert layer is not None
        step = layer.history.created_by if layer.history else None
        yield f"layer {_SIGNS[row.status]} {layer_words(layer)}" + (
            f"  {shortened(step)}" if step else ""
        )
    elif row.status == "other bytes":
        yield (
            f"layer {layer_words(row.before)} -> {layer_words(row.after)}: "
            "the same content in other bytes"
        )
    elif row.status == "other descriptor":
        yield f"layer {layer_words(row.after)}: the manifest says something else of it"


def _file_line(change: FileChange) -> str:
    path = path_text(change.path) or "/"
    if change.before is None or change.after is None:
        node = change.before or change.after
        assert node is not None
        leads = f" -> {path_text(node.target)}" if node.kind == "symlink" else ""
        size = f"  {human_size(node.size)}" if node.kind == "file" else ""
        slash = "/" if node.kind == "directory" else ""
        return f"file {_SIGNS[change.status]} {path}{slash}{leads}{size}"
    what = ", ".join(_aspect(word, change) for word in change.what)
    return f"file {path}: {what}"


def _aspect(word: str, change: FileChange) -> str:
    before, after = change.before, change.after
    assert before is not None
    assert after is not None
    values = {
        "type": (before.kind, after.kind),
        "mode": (mode_words(before), mode_words(after)),
        "owner": (_owner(before), _owner(after)),
        "size": (human_size(before.size), human_size(after.size)),
        "target": (path_text(before.target), path_text(after.target)),
        "device": (_device(before), _device(after)),
        "links": tuple(path_text(first) or "none" for first in change.links),
        "time": (time_words(before), time_words(after)),
    }
    ours, theirs = values.get(word, ("", ""))
    # Sizes and times are rounded: they may look the same.
    return word if ours == theirs else f"{word} {ours} -> {theirs}"


def _owner(node: Node) -> str:
    return f"{node.attributes.uid}:{node.attributes.gid}"


def _device(node: Node) -> str:
    return "{},{}".format(*node.attributes.device)
