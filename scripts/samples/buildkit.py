"""What BuildKit writes: OCI tars and folders, and with type=docker a hybrid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scripts.samples.archives import DIRECTORY, Member, gzip, tar, zstd
from scripts.samples.images import (
    CREATED,
    Image,
    Json,
    base_layer,
    compact_json,
    indented_json,
    platform_fields,
    program_layer,
    rootfs,
    sha256,
    short_name,
)

OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
OCI_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Packing:
    """The media types of an image, and how its layers are compressed."""

    manifest: str
    config: str
    layer: str
    compress: Callable[[bytes], bytes]


OCI = Packing(
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    gzip,
)
OCI_ZSTD = Packing(OCI.manifest, OCI.config, "application/vnd.oci.image.layer.v1.tar+zstd", zstd)
DOCKER = Packing(
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    gzip,
)

Blobs = dict[str, bytes]
"""Content by the hex of its digest."""


def hello_image(platform: str) -> Image:
    """An image built by BuildKit, whose history has steps without a layer."""
    layers = (base_layer(), program_layer(platform))
    fields = platform_fields(platform)
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    config: Json = {
        "architecture": fields["architecture"],
        "config": {
            "Env": [path],
            "Cmd": ["/hello"],
            "WorkingDir": "/",
            "Labels": {"org.opencontainers.image.title": "hello"},
        },
        "created": CREATED,
        "history": [
            history_step("ARG TARGETPLATFORM=" + platform, empty=True),
            history_step("COPY etc /etc # buildkit"),
            history_step("COPY hello /hello # buildkit"),
            history_step("LABEL org.opencontainers.image.title=hello", empty=True),
            history_step('CMD ["/hello"]', empty=True),
        ],
        "os": fields["os"],
        "rootfs": rootfs(layers),
    }
    if "variant" in fields:
        config["variant"] = fields["variant"]
    return Image(platform, layers, compact_json(config))


def history_step(command: str, *, empty: bool = False) -> Json:
    """A line of the history; an empty one made no layer."""
    step = {"created": CREATED, "created_by": command, "comment": "buildkit.dockerfile.v0"}
    return {**step, "empty_layer": True} if empty else step


def descriptor(media_type: str, content: bytes, **more: object) -> Json:
    """How a document refers to a blob."""
    digest = f"sha256:{sha256(content)}"
    return {"mediaType": media_type, "digest": digest, "size": len(content), **more}


def add(blobs: Blobs, content: bytes) -> bytes:
    """Keep a blob under its digest."""
    blobs[sha256(content)] = content
    return content


def add_image(blobs: Blobs, image: Image, packing: Packing) -> Json:
    """Keep an image's blobs; the descriptor of its manifest."""
    layers = [add(blobs, packing.compress(layer)) for layer in image.layers]
    manifest = indented_json(
        {
            "schemaVersion": 2,
            "mediaType": packing.manifest,
            "config": descriptor(packing.config, add(blobs, image.config)),
            "layers": [descriptor(packing.layer, layer) for layer in layers],
        }
    )
    platform = platform_fields(image.platform)
    return descriptor(packing.manifest, add(blobs, manifest), platform=platform)


def add_attestation(blobs: Blobs, name: str, platform: str, image: Json) -> Json:
    """Keep a classic attestation of an image: an image manifest whose layer is a statement."""
    statement = add(blobs, compact_json(provenance(name, platform, image["digest"])))
    config = {
        "architecture": "unknown",
        "os": "unknown",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(statement)}"]},
    }
    kind = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    manifest = indented_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI.manifest,
            "config": descriptor(OCI.config, add(blobs, compact_json(config))),
            "layers": [descriptor("application/vnd.in-toto+json", statement, annotations=kind)],
        }
    )
    subject = {
        "vnd.docker.reference.digest": image["digest"],
        "vnd.docker.reference.type": "attestation-manifest",
    }
    nowhere = {"architecture": "unknown", "os": "unknown"}
    content = add(blobs, manifest)
    return descriptor(OCI.manifest, content, annotations=subject, platform=nowhere)


def provenance(name: str, platform: str, digest: str) -> Json:
    """The in-toto statement of how an image was built, as mode=min tells it."""
    repository, _, tag = short_name(name).rpartition(":")
    algorithm, _, hexed = digest.partition(":")
    package = f"pkg:docker/{repository}@{tag}?platform={platform.replace('/', '%2F')}"
    return {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": package, "digest": {algorithm: hexed}}],
        "predicate": {
            "builder": {"id": ""},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "invocation": {
                "configSource": {"entryPoint": "Dockerfile"},
                "parameters": {
                    "frontend": "dockerfile.v0",
                    "locals": [{"name": "context"}, {"name": "dockerfile"}],
                },
                "environment": {"platform": "linux/amd64"},
            },
            "metadata": {
                "buildInvocationID": "hello0sample0image0build0",
                "buildStartedOn": CREATED,
                "buildFinishedOn": CREATED,
                "completeness": {"parameters": True, "environment": True, "materials": False},
                "reproducible": False,
                "https://mobyproject.org/buildkit@v1#metadata": {},
            },
        },
    }


def index_json(entry: Json, name: str) -> bytes:
    """The file index.json: one descriptor, which carries the name."""
    annotations = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.created": CREATED,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    # The platform comes last, as BuildKit orders a descriptor's fields.
    named = {key: entry[key] for key in ("mediaType", "digest", "size")}
    named["annotations"] = annotations
    if "platform" in entry:
        named["platform"] = entry["platform"]
    return compact_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [named]})


def oci_tar(blobs: Blobs, index: bytes, *after_index: Member) -> bytes:
    """A layout in a tar: blobs in the order of their names, then what leads to them."""
    members = [
        Member("blobs/", kind=DIRECTORY, mode=0o755),
        Member("blobs/sha256/", kind=DIRECTORY, mode=0o755),
    ]
    members += [
        Member(f"blobs/sha256/{hexed}", blobs[hexed], mode=0o444) for hexed in sorted(blobs)
    ]
    members += [Member("index.json", index), *after_index]
    return tar([*members, Member("oci-layout", OCI_LAYOUT, mode=0o444)])


def oci_single(name: str, platform: str) -> bytes:
    """`type=oci` for one platform: no attestation, no nested index."""
    blobs: Blobs = {}
    entry = add_image(blobs, hello_image(platform), OCI)
    return oci_tar(blobs, index_json(entry, name))


def oci_multi(name: str, platforms: Sequence[str]) -> bytes:
    """`type=oci` for several platforms: a nested index, and an attestation for each image."""
    blobs: Blobs = {}
    images = [add_image(blobs, hello_image(platform), OCI) for platform in platforms]
    attestations = [
        add_attestation(blobs, name, platform, image)
        for platform, image in zip(platforms, images, strict=True)
    ]
    members = [*images, *attestations]
    nested = indented_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": members})
    entry = descriptor(OCI_INDEX, add(blobs, nested))
    return oci_tar(blobs, index_json(entry, name))


def docker_hybrid(name: str, platform: str) -> bytes:
    """`type=docker`: an OCI tar of Docker media types that has a manifest.json too."""
    blobs: Blobs = {}
    image = hello_image(platform)
    entry = add_image(blobs, image, DOCKER)
    layers = [f"blobs/sha256/{sha256(DOCKER.compress(layer))}" for layer in image.layers]
    config = f"blobs/sha256/{sha256(image.config)}"
    listing = [{"Config": config, "RepoTags": [short_name(name)], "Layers": layers}]
    manifest = Member("manifest.json", compact_json(listing))
    return oci_tar(blobs, index_json(entry, name), manifest)


def zstd_folder(name: str, platform: str) -> dict[str, bytes]:
    """`type=oci,tar=false,compression=zstd`: the files of a layout folder."""
    blobs: Blobs = {}
    entry = add_image(blobs, hello_image(platform), OCI_ZSTD)
    files = {f"blobs/sha256/{hexed}": content for hexed, content in blobs.items()}
    return {**files, "index.json": index_json(entry, name), "oci-layout": OCI_LAYOUT}
