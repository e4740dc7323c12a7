"""What `podman save` writes: plain layers by diff id, and links to them for old readers."""

from scripts.samples.archives import SYMLINK, Member, tar
from scripts.samples.images import (
    CREATED,
    Image,
    Json,
    base_layer,
    compact_json,
    platform_fields,
    program_layer,
    repositories,
    rootfs,
    sha256,
)


def buildah_image(platform: str) -> Image:
    """An image as buildah describes it."""
    layers = (base_layer(), program_layer(platform))
    nop = "/bin/sh -c #(nop) "
    history: list[Json] = [
        {"created": CREATED, "created_by": f"{nop}COPY dir:{sha256(layers[0])} in / "},
        {"created": CREATED, "created_by": f"{nop}COPY file:{sha256(layers[1])} in /hello "},
        {"created": CREATED, "created_by": f'{nop}CMD ["/hello"]', "empty_layer": True},
    ]
    config = {
        "created": CREATED,
        **platform_fields(platform),
        "config": {"Cmd": ["/hello"], "Labels": {"io.buildah.version": "1.28.2"}},
        "rootfs": rootfs(layers),
        "history": history,
    }
    return Image(platform, layers, compact_json(config))


def save(name: str, platform: str) -> bytes:
    """`podman save`, as containers/image writes Docker archives."""
    image = buildah_image(platform)
    layers = [f"{layer_hex}.tar" for layer_hex in image.layer_hexes]
    config = f"{sha256(image.config)}.json"
    members = [read_only(*pair) for pair in zip(layers, image.layers, strict=True)]
    members.append(read_only(config, image.config))
    layer_id = ""
    for position, layer in enumerate(layers):
        parent, layer_id = layer_id, sha256(f"{layer_id} {layer}".encode())
        ids = {"id": layer_id, "parent": parent} if parent else {"id": layer_id}
        is_top = position == len(layers) - 1
        document = top_document(image, ids) if is_top else ids
        members += old_folder(layer_id, document, layer)
    listing = [{"Config": config, "RepoTags": [name], "Layers": layers}]
    members.append(read_only("manifest.json", compact_json(listing)))
    tops = repositories({name: layer_id})
    return tar([*members, read_only("repositories", compact_json(tops))])


def read_only(name: str, content: bytes) -> Member:
    """A file without a time."""
    return Member(name, content, mode=0o444)


def old_folder(layer_id: str, document: Json, layer: str) -> list[Member]:
    """What readers from before manifest.json look for."""
    return [
        Member(f"{layer_id}/layer.tar", kind=SYMLINK, mode=0, link=f"../{layer}"),
        read_only(f"{layer_id}/VERSION", b"1.0"),
        read_only(f"{layer_id}/json", compact_json(document)),
    ]


def top_document(image: Image, ids: dict[str, str]) -> Json:
    """The document of the top layer: what old readers know of a config."""
    fields = platform_fields(image.platform)
    known: Json = {
        "architecture": fields["architecture"],
        "config": {"Cmd": ["/hello"], "Labels": {"io.buildah.version": "1.28.2"}},
        "container": None,
        "container_config": None,
        "created": CREATED,
        "docker_version": None,
        "os": fields["os"],
        **ids,
    }
    return {key: known[key] for key in sorted(known)}
