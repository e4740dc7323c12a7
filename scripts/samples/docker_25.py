"""What `docker save` writes from version 25 on, with layers from its graph drivers."""

from collections.abc import Sequence

from scripts.samples.archives import DIRECTORY, Member, tar
from scripts.samples.buildkit import OCI, OCI_INDEX, descriptor, hello_image
from scripts.samples.docker_20_10 import v1_documents
from scripts.samples.images import (
    CREATED_UNIX,
    Image,
    Json,
    compact_json,
    repositories,
    sha256,
    short_name,
)


def save(name: str, platform: str) -> bytes:
    """An OCI layout of plain layers, which has a manifest.json and a `repositories` too.

    The documents of single layers are among the blobs, and nothing refers to them.
    """
    image = hello_image(platform)
    layer_type = "application/vnd.oci.image.layer.v1.tar"
    layers = [descriptor(layer_type, layer) for layer in image.layers]
    manifest = compact_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI.manifest,
            "config": descriptor(OCI.config, image.config),
            "layers": layers,
        }
    )
    members = [dated_blob(content, 0o644) for content in (image.config, *v1_bodies(image))]
    members += [dated_blob(layer, 0o666) for layer in image.layers]
    members += [Member(f"blobs/sha256/{sha256(manifest)}", manifest)]
    folders = [
        Member("blobs/", kind=DIRECTORY, mode=0o755, mtime=CREATED_UNIX),
        Member("blobs/sha256/", kind=DIRECTORY, mode=0o755),
    ]
    short = short_name(name)
    tops = {short: image.layer_hexes[-1]}
    documents = [
        Member("index.json", index_json(manifest, name)),
        Member("manifest.json", manifest_json(image, layers, short) + b"\n"),
        Member("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
        Member("repositories", compact_json(repositories(tops)) + b"\n"),
    ]
    return tar([*folders, *sorted(members, key=lambda member: member.name), *documents])


def v1_bodies(image: Image) -> list[bytes]:
    """The documents of an image's layers."""
    return [document for _, document in v1_documents(image)]


def dated_blob(content: bytes, mode: int) -> Member:
    """A blob with the time of the image."""
    return Member(f"blobs/sha256/{sha256(content)}", content, mode=mode, mtime=CREATED_UNIX)


def index_json(manifest: bytes, name: str) -> bytes:
    """The file index.json of docker 25, which states no platform."""
    annotations = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    entry = descriptor(OCI.manifest, manifest, annotations=annotations)
    return compact_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]})


def manifest_json(image: Image, layers: Sequence[Json], short: str) -> bytes:
    """The file manifest.json of docker 25: paths of blobs, and a descriptor for each layer."""
    blob = "blobs/sha256/"
    listing = {
        "Config": blob + sha256(image.config),
        "RepoTags": [short],
        "Layers": [blob + layer_hex for layer_hex in image.layer_hexes],
        "LayerSources": {
            layer["digest"]: layer for layer in sorted(layers, key=lambda layer: layer["digest"])
        },
    }
    return compact_json([listing])
