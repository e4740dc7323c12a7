"""docker: dockerd with its own store, and with containerd's."""

from ocilayout.engines.facts import Engine, Fact, Words
from ocilayout.engines.rows.codecs import ALL_BUT_ZSTD, ALL_CODECS, ANY_SYSTEM, LINUX, OCI_CODECS

_LOAD = "docker load -i FILE"
_IMPORTER = "containerd:core/images/archive/importer.go"
_TARBALL_20 = "moby v20.10.24:image/tarexport/load.go; seen with dockerd 20.10.24"

_ARCHIVE_GO = "moby v20.10.27:pkg/archive/archive.go has no zstd magic"
_ARCHIVE_23 = "moby v23.0.0:pkg/archive/archive.go"

# containerd has no limit of its own: the kernel's, 500 of overlay, matters when a container starts.
_DEPTH = Fact(125, "moby:layer/layer_store.go: maxLayerDepth; dockerd 20.10.24 loads 125, not 126")
_CANONICAL = Fact(
    frozenset({"sha256"}),
    "moby:layer/layer_store.go: digest.Canonical; seen with dockerd 20.10.24: invalid diffID",
)


_IPV6 = Fact(True, "moby v25.0.0:vendor.mod has distribution/reference; seen with docker 29")
_NO_IPV6 = Fact(
    False,
    "docker/distribution v2.8:reference/regexp.go; seen with dockerd 20.10.24: invalid format",
)


def _graphdriver(first: tuple[int, ...], codecs: Fact[Words], refusal: Fact[str]) -> Engine:
    """dockerd with its own store, which knows manifest.json alone."""
    loader = refusal.source.partition(";")[0]
    return Engine(
        name=f"docker-{'.'.join(map(str, first))}",
        family="docker",
        first=first,
        loader="docker",
        command=_LOAD,
        outer=codecs,
        layers=codecs,
        systems=Fact(LINUX, f"{loader}: cannot load windows image on linux"),
        platforms=Fact("one", f"{loader}: reads manifest.json, which has room for one"),
        sparse=Fact(True, f"{loader}: index.json is not read"),
        nameless=Fact(True, f"{loader}: RepoTags may be empty"),
        tag_alone=Fact("", f"{loader}: a RepoTag has a repository"),
        referrers=Fact(False, f"{loader}: index.json is not read"),
        artifacts=Fact(False, f"{loader}: index.json is not read"),
        refusal=refusal,
        most_layers=_DEPTH,
        diff_ids=_CANONICAL,
        ipv6_names=_IPV6 if first >= (25,) else _NO_IPV6,
        importer="graphdriver",
        empty=Fact("nothing kept", f"{loader}: no entry, no error; seen with docker 29"),
    )


_WITHOUT_ZSTD = Fact(ALL_BUT_ZSTD, f"{_ARCHIVE_GO}; seen with dockerd 20.10.24")
_WITH_ZSTD = Fact(ALL_CODECS, _ARCHIVE_23)
_LEGACY = "blobs/json: no such file or directory"

_DOCKER_20_10 = _graphdriver((20, 10), _WITHOUT_ZSTD, Fact(_LEGACY, _TARBALL_20))
_DOCKER_23 = _graphdriver((23,), _WITH_ZSTD, Fact(_LEGACY, "moby v24.0.0:image/tarexport/load.go"))
_DOCKER_25 = _graphdriver((25,), _WITH_ZSTD, Fact(_LEGACY, "moby v28.5.0:image/tarexport/load.go"))
_DOCKER_29 = _graphdriver(
    (29,),
    _WITH_ZSTD,
    Fact(
        "invalid archive: does not contain a manifest.json",
        "moby docker-v29.7.2:daemon/internal/image/tarexport/load.go",
    ),
)

_UNRECOGNIZED = Fact("unrecognized image format", f"{_IMPORTER}; seen with ctr 1.6.20")
_C8D = "moby:daemon/containerd/image_exporter.go"

_DOCKER_29_CONTAINERD = Engine(
    name="docker-29-containerd",
    family="docker",
    first=(25,),
    store="containerd",
    loader="containerd",
    command=_LOAD,
    outer=Fact(ALL_CODECS, "moby#46600, commit fcabc48ee4, from v25"),
    layers=Fact(OCI_CODECS, "containerd:pkg/archive/compression/compression.go"),
    systems=Fact(ANY_SYSTEM, f"{_C8D}: content of any platform is stored"),
    platforms=Fact("all", f"{_C8D}: all are stored, the machine's own is unpacked"),
    sparse=Fact(True, f"{_C8D}: WithSkipMissing, from v25"),
    nameless=Fact(True, f"{_C8D}: WithDigestRef keeps it as a dangling image"),
    tag_alone=Fact("docker.io/library/{tag}:latest", f"{_C8D}: no translator of names; moby#49386"),
    referrers=Fact(True, f"{_C8D}: they are content like any other"),
    artifacts=Fact(False, "moby#45600: what is no image is not listed as one"),
    full_names=Fact(True, "moby:daemon/containerd: what is asked for is filled in first"),
    importer="image store",
    empty=Fact("refused", "seen with docker 29 of August 2026: image might be filtered out"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

DOCKER = (_DOCKER_20_10, _DOCKER_23, _DOCKER_25, _DOCKER_29, _DOCKER_29_CONTAINERD)
