"""A registry, to which whatever reads the file pushes it."""

from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.rows.codecs import ALL_CODECS, ANY_SYSTEM, OCI_CODECS

_DISTRIBUTION = "distribution-spec:spec.md"

REGISTRY = Engine(
    name="registry",
    family="registry",
    loader="registry",
    command="skopeo copy --all --preserve-digests, crane push, oras cp",
    outer=Fact(ALL_CODECS, "what pushes reads the file; the registry sees blobs"),
    layers=Fact(OCI_CODECS, "image-spec:layer.md has media types for these"),
    systems=Fact(ANY_SYSTEM, _DISTRIBUTION),
    platforms=Fact("all", _DISTRIBUTION),
    sparse=Fact(False, f"{_DISTRIBUTION}: a manifest may be refused whose blobs are unknown"),
    nameless=Fact(False, f"{_DISTRIBUTION}: what is pushed has a repository"),
    tag_alone=Fact("", f"{_DISTRIBUTION}: what is pushed has a repository"),
    referrers=Fact(True, _DISTRIBUTION),
    artifacts=Fact(True, _DISTRIBUTION),
    refusal=Fact("", _DISTRIBUTION),
    forms=("oci-archive", "oci", "docker-archive", "docker"),
)
