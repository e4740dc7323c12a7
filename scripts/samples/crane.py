"""What `crane pull` writes: compressed layers, and a config whose name holds a colon."""

from scripts.samples.archives import Member, gzip, tar
from scripts.samples.buildkit import hello_image
from scripts.samples.images import compact_json, sha256


def tarball(name: str, platform: str) -> bytes:
    """A Docker archive of an image as it was in a registry."""
    image = hello_image(platform)
    compressed = [gzip(layer) for layer in image.layers]
    layers = [f"{sha256(layer)}.tar.gz" for layer in compressed]
    config = f"sha256:{sha256(image.config)}"
    listing = [{"Config": config, "RepoTags": [name], "Layers": layers}]
    members = [Member(config, image.config)]
    members += [Member(*pair) for pair in zip(layers, compressed, strict=True)]
    return tar([*members, Member("manifest.json", compact_json(listing))])
