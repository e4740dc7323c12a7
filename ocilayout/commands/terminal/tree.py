"""The tree of an image, for people and for programs."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from ocilayout.commands.terminal.printing import human_size
from ocilayout.graph import is_document, platform_of, read_document
from ocilayout.inspection import Node
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.layers import Layer

if TYPE_CHECKING:
    from ocilayout.spec.statements import Statement

_COMMAND_WIDTH = 60
_SUMMARY = {
    "builder": "built by {}",
    "source": "from {}",
    "entry_point": "entry point {}",
    "materials": "{} materials",
    "started": "started {}",
    "format": "{}",
    "name": "{}",
    "version": "version {}",
    "packages": "{} packages",
}
"""What is shown of a statement, and how."""


def tree_lines(node: Node) -> Iterator[str]:
    """The lines of the tree."""
    yield _head(node)
    yield from _below(node, "")


def _below(node: Node, indent: str) -> Iterator[str]:
    lines = _leaves(node)
    nodes = (*node.members, *node.referrers)
    total = len(nodes) + len(lines)
    for position, line in enumerate(lines):
        yield f"{indent}{_branch(position, total)}{line}"
    for position, member in enumerate(nodes, len(lines)):
        yield f"{indent}{_branch(position, total)}{_head(member, node.descriptor.digest)}"
        yield from _below(member, indent + ("   " if position == total - 1 else "│  "))


def _branch(position: int, total: int) -> str:
    return "└─ " if position == total - 1 else "├─ "


def _head(node: Node, above: Digest | None = None) -> str:
    words = [node.kind]
    if node.platform is not None and not node.platform.is_unknown:
        words.append(str(node.platform))
    words.append(str(node.descriptor.digest))
    if node.kind == "artifact" and node.manifest is not None and node.manifest.artifact_type:
        words.append(f"({node.manifest.artifact_type})")
    elif node.kind == "blob":
        words.append(f"({node.descriptor.media_type}, {human_size(node.descriptor.size)})")
    elif node.descriptor.media_type in _DOCKER_TYPES:
        words.append("(Docker media type)")
    if node.refers_to not in {None, above}:
        words.append(f"of {node.refers_to}")
    return " ".join(words)


_DOCKER_TYPES = {media_types.DOCKER_INDEX, media_types.DOCKER_MANIFEST}


def _leaves(node: Node) -> list[str]:
    if node.manifest is None:
        return []
    lines = []
    if node.config is not None and node.manifest.config is not None:
        lines.append(f"config {node.manifest.config.digest}{_config_words(node)}")
    for layer in node.layers:
        statement = node.statements.get(layer.descriptor.digest)
        lines.append(_layer_line(layer) if statement is None else _said(layer, statement))
    lines.extend(f"lacks {digest}, which is not here" for digest in node.lacks)
    return lines


def _config_words(node: Node) -> str:
    assert node.config is not None
    created = node.config.fields.get("created")
    settings = node.config.fields.get("config")
    words = [f"created {created}"] if isinstance(created, str) and created else []
    if isinstance(settings, dict):
        for key in ("Entrypoint", "Cmd"):
            value = settings.get(key)
            if isinstance(value, list) and value:
                words.append(f"{key} {' '.join(map(str, value))}")
    return f" ({'; '.join(words)})" if words else ""


def _layer_line(layer: Layer) -> str:
    made_by = ""
    if layer.history is not None and layer.history.created_by:
        made_by = f"  {shortened(layer.history.created_by)}"
    form = f" ({layer.form})" if layer.form else ""
    return f"layer {layer_words(layer)}{form}{made_by}"


def layer_words(layer: Layer) -> str:
    """A layer's digest, compression and size."""
    codec = "plain" if layer.codec == "none" else layer.codec
    return f"{layer.descriptor.digest} {codec} {human_size(layer.descriptor.size)}"


def shortened(text: str) -> str:
    """One line of a text, and not all of a long one."""
    line = " ".join(text.split())
    return line[:_COMMAND_WIDTH] + ("…" if len(line) > _COMMAND_WIDTH else "")


def _said(layer: Layer, statement: "Statement") -> str:
    """A statement in a line: its type, and what it sums up to."""
    words = [
        words.format(shortened(str(value))).removesuffix("s" if value == 1 else "")
        for key, words in _SUMMARY.items()
        for value in [statement.summary.get(key)]
        if value is not None
    ]
    signed = " in a signed envelope" if statement.signed else ""
    summary = f": {', '.join(words)}" if words else ""
    called = shortened(statement.predicate_type or layer.descriptor.media_type)
    size = human_size(layer.descriptor.size)
    return f"layer {layer.descriptor.digest} {size}  {called}{signed}{summary}"


def node_fields(node: Node) -> dict[str, object]:
    """The tree as JSON."""
    found: dict[str, object] = {
        "kind": node.kind,
        "digest": str(node.descriptor.digest),
        "media_type": node.descriptor.media_type,
        "size": node.descriptor.size,
        "platform": None if node.platform is None else str(node.platform),
        "annotations": dict(node.descriptor.annotations),
    }
    if node.refers_to is not None:
        found["refers_to"] = str(node.refers_to)
    if node.members or node.kind == "index":
        found["members"] = [node_fields(member) for member in node.members]
    found["referrers"] = [node_fields(referrer) for referrer in node.referrers]
    if node.manifest is not None:
        found["artifact_type"] = node.manifest.artifact_type
        found["manifest_annotations"] = node.manifest.fields.get("annotations") or {}
        found["layers"] = [
            {**layer_fields(layer), **_statement_fields(node, layer)} for layer in node.layers
        ]
        found["lacks"] = [str(digest) for digest in node.lacks]
        if node.manifest.config is not None:
            found["image_id" if node.config else "config_digest"] = str(node.manifest.config.digest)
    if node.config is not None:
        found["config"] = node.config.fields
    return found


def _statement_fields(node: Node, layer: Layer) -> dict[str, object]:
    statement = node.statements.get(layer.descriptor.digest)
    if statement is None:
        return {}
    summary = {"predicate_type": statement.predicate_type, "signed": statement.signed}
    return {"statement": {**summary, **statement.summary}}


def layer_fields(layer: Layer) -> dict[str, object]:
    """A layer as JSON."""
    return {
        "digest": str(layer.descriptor.digest),
        "media_type": layer.descriptor.media_type,
        "compression": layer.codec,
        "form": layer.form,
        "size": layer.descriptor.size,
        "annotations": dict(layer.descriptor.annotations),
        "diff_id": None if layer.diff_id is None else str(layer.diff_id),
        "created_by": None if layer.history is None else layer.history.created_by,
    }


def docker_fields(name: str, source: ImageSource, entry: Descriptor) -> object:
    """What `docker manifest inspect --verbose` prints (docker/cli, cli/command/manifest)."""
    document = read_document(source, entry)
    if isinstance(document, Manifest):
        return _docker_member(name, source, entry, document)
    return [
        _docker_member(name, source, child, found)
        for child in document.children
        if is_document(child) and child.digest not in source.absent
        for found in [read_document(source, child)]
        if isinstance(found, Manifest)
    ]


def _docker_member(
    name: str, source: ImageSource, entry: Descriptor, manifest: Manifest
) -> Mapping[str, object]:
    # Few runs want it so, and start-up counts.
    from base64 import b64encode

    descriptor: dict[str, object] = {
        "mediaType": entry.media_type,
        "digest": str(entry.digest),
        "size": entry.size,
    }
    platform = platform_of(source, entry)
    if platform is not None:
        descriptor["platform"] = platform.to_fields()
    is_docker = entry.media_type == media_types.DOCKER_MANIFEST
    return {
        "Ref": f"{name}@{entry.digest}",
        "Descriptor": descriptor,
        "Raw": b64encode(manifest.raw).decode(),
        "SchemaV2Manifest" if is_docker else "OCIManifest": cast(object, manifest.fields),
    }
