"""The tree of an image, for people and for programs."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import cast

from ocilayout.commands.terminal.printing import human_size
from ocilayout.inspection import Layer, Node
from ocilayout.spec import media_types

_COMMAND_WIDTH = 60


def tree_lines(node: Node) -> Iterator[str]:
    """The lines of the tree."""
    yield _head(node)
    yield from _below(node, "")


def _below(node: Node, indent: str) -> Iterator[str]:
    lines = _leaves(node)
    total = len(node.members) + len(lines)
    for position, line in enumerate(lines):
        yield f"{indent}{_branch(position, total)}{line}"
    for position, member in enumerate(node.members, len(lines)):
        yield f"{indent}{_branch(position, total)}{_head(member)}"
        yield from _below(member, indent + ("   " if position == total - 1 else "│  "))


def _branch(position: int, total: int) -> str:
    return "└─ " if position == total - 1 else "├─ "


def _head(node: Node) -> str:
    words = [node.kind]
    if node.platform is not None and not node.platform.is_unknown:
        words.append(str(node.platform))
    words.append(str(node.descriptor.digest))
    if node.kind == "artifact" and node.manifest is not None:
        words.append(f"({node.manifest.artifact_type})")
    elif node.kind == "blob":
        words.append(f"({node.descriptor.media_type}, {human_size(node.descriptor.size)})")
    elif node.descriptor.media_type in _DOCKER_TYPES:
        words.append("(Docker media type)")
    if node.refers_to is not None:
        words.append(f"of {node.refers_to}")
    return " ".join(words)


_DOCKER_TYPES = {media_types.DOCKER_INDEX, media_types.DOCKER_MANIFEST}


def _leaves(node: Node) -> list[str]:
    if node.manifest is None:
        return []
    lines = []
    if node.config is not None and node.manifest.config is not None:
        lines.append(f"config {node.manifest.config.digest}{_config_words(node)}")
    lines.extend(_layer_line(layer) for layer in node.layers)
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
        command = " ".join(layer.history.created_by.split())
        shortened = command[:_COMMAND_WIDTH] + ("…" if len(command) > _COMMAND_WIDTH else "")
        made_by = f"  {shortened}"
    size = human_size(layer.descriptor.size)
    codec = "plain" if layer.codec == "none" else layer.codec
    return f"layer {layer.descriptor.digest} {codec} {size}{made_by}"


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
    if node.members:
        found["members"] = [node_fields(member) for member in node.members]
    if node.manifest is not None:
        found["artifact_type"] = node.manifest.artifact_type
        found["manifest_annotations"] = node.manifest.fields.get("annotations") or {}
        found["layers"] = [_layer_fields(layer) for layer in node.layers]
        found["lacks"] = [str(digest) for digest in node.lacks]
        if node.manifest.config is not None:
            found["image_id" if node.config else "config_digest"] = str(node.manifest.config.digest)
    if node.config is not None:
        found["config"] = node.config.fields
    return found


def _layer_fields(layer: Layer) -> dict[str, object]:
    return {
        "digest": str(layer.descriptor.digest),
        "media_type": layer.descriptor.media_type,
        "compression": layer.codec,
        "size": layer.descriptor.size,
        "annotations": dict(layer.descriptor.annotations),
        "diff_id": None if layer.diff_id is None else str(layer.diff_id),
        "created_by": None if layer.history is None else layer.history.created_by,
    }


def docker_fields(name: str, node: Node) -> object:
    """What `docker manifest inspect --verbose` prints (docker/cli, cli/command/manifest)."""
    if node.kind == "index":
        return [_docker_member(name, member) for member in node.members if member.manifest]
    return _docker_member(name, node)


def _docker_member(name: str, node: Node) -> Mapping[str, object]:
    assert node.manifest is not None
    descriptor: dict[str, object] = {
        "mediaType": node.descriptor.media_type,
        "digest": str(node.descriptor.digest),
        "size": node.descriptor.size,
    }
    if node.platform is not None:
        descriptor["platform"] = node.platform.to_fields()
    is_docker = node.descriptor.media_type == media_types.DOCKER_MANIFEST
    return {
        "Ref": f"{name}@{node.descriptor.digest}",
        "Descriptor": descriptor,
        "Raw": b64encode(node.manifest.raw).decode(),
        "SchemaV2Manifest" if is_docker else "OCIManifest": cast(object, node.manifest.fields),
    }
