"""The one table of what engines take, each fact with its source.

A source is a file of a public repository, a thread, or `seen with` the version that was run.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from ocilayout.errors import UsageError

Value = TypeVar("Value", covariant=True)
Words = frozenset[str]
Loader = Literal["docker", "containerd", "podman", "registry"]


@dataclass(frozen=True)
class Fact(Generic[Value]):
    """Something that is so, and how we know."""

    value: Value
    source: str


@dataclass(frozen=True)
class Engine:
    """One row of the table."""

    name: str
    """As `--for` has it."""
    loader: Loader
    """Whose code reads the file: it decides what is looked at, the facts decide the rest."""
    command: str
    """How the file is handed to it."""
    outer: Fact[Words]
    """Codecs that the whole tar may be compressed with."""
    layers: Fact[Words]
    """Codecs that a layer may be compressed with."""
    systems: Fact[Words]
    """Operating systems whose images it takes; all where there are none."""
    platforms: Fact[Literal["one", "own", "all"]]
    """Of an image of several: the one in manifest.json, its machine's own, or all."""
    sparse: Fact[bool]
    """Whether an index may name what is not there."""
    nameless: Fact[bool]
    """Whether it keeps an image that has no name."""
    tag_alone: Fact[str]
    """What an image that has a tag and no repository is called."""
    referrers: Fact[bool]
    """Whether it keeps attestations, and other referrers."""
    artifacts: Fact[bool]
    """Whether it keeps what is no image."""
    refusal: Fact[str]
    """What it says of a tar that it does not recognize."""
    full_names: Fact[bool] = Fact(False, "a tag alone is filled in, or can be asked for")
    """Whether nothing ever asks for an image by less than its full name."""
    suffixes: Fact[dict[str, str]] | None = None
    """Where the name of a file decides how it is read: the codec for each suffix."""
    window: Fact[int] | None = None
    """Bytes that a zstd window may have outside."""
    most_layers: Fact[int] | None = None
    """How many layers an image may have, where that has a limit."""
    diff_ids: Fact[Words] | None = None
    """Algorithms that the diff ids of an image may have, where not all are taken."""
    ends_at: Fact[Words] = Fact(frozenset(), "each image is taken for itself")
    """What ends the load of all that is in a file: a `gap`, or an `artifact`."""
    forms: tuple[str, ...] = ("docker-archive",)
    """The transports that it takes, the best first."""


_LOAD = "docker load -i FILE"
_ZSTD_FREE = frozenset({"none", "gzip", "bzip2", "xz"})
_ALL = _ZSTD_FREE | {"zstd"}
_CONTAINERD_LAYERS = frozenset({"none", "gzip", "zstd"})
_LINUX = frozenset({"linux"})
_ANY: Words = frozenset()

_IMPORTER = "containerd:core/images/archive/importer.go"
_TARBALL_20 = "moby v20.10.24:image/tarexport/load.go; seen with dockerd 20.10.24"

_ARCHIVE_GO = "moby v20.10.27:pkg/archive/archive.go has no zstd magic"
_ARCHIVE_23 = "moby v23.0.0:pkg/archive/archive.go"

# containerd has no limit of its own: the kernel's, 500 of overlay, matters when a container starts.
_DEPTH = Fact(
    125, "moby:layer/layer_store.go: maxLayerDepth; seen with dockerd 20.10.24: max depth exceeded"
)
_CANONICAL = Fact(
    frozenset({"sha256"}),
    "moby:layer/layer_store.go: digest.Canonical; seen with dockerd 20.10.24: invalid diffID",
)


def _graphdriver(name: str, codecs: Fact[Words], refusal: Fact[str]) -> Engine:
    """dockerd with its own store, which knows manifest.json alone."""
    loader = refusal.source.partition(";")[0]
    return Engine(
        name=name,
        loader="docker",
        command=_LOAD,
        outer=codecs,
        layers=codecs,
        systems=Fact(_LINUX, f"{loader}: cannot load windows image on linux"),
        platforms=Fact("one", f"{loader}: reads manifest.json, which has room for one"),
        sparse=Fact(True, f"{loader}: index.json is not read"),
        nameless=Fact(True, f"{loader}: RepoTags may be empty"),
        tag_alone=Fact("", f"{loader}: a RepoTag has a repository"),
        referrers=Fact(False, f"{loader}: index.json is not read"),
        artifacts=Fact(False, f"{loader}: index.json is not read"),
        refusal=refusal,
        most_layers=_DEPTH,
        diff_ids=_CANONICAL,
    )


_WITHOUT_ZSTD = Fact(_ZSTD_FREE, f"{_ARCHIVE_GO}; seen with dockerd 20.10.24")
_WITH_ZSTD = Fact(_ALL, _ARCHIVE_23)
_LEGACY = "blobs/json: no such file or directory"

_DOCKER_20_10 = _graphdriver("docker-20.10", _WITHOUT_ZSTD, Fact(_LEGACY, _TARBALL_20))
_DOCKER_23 = _graphdriver(
    "docker-23", _WITH_ZSTD, Fact(_LEGACY, "moby v24.0.0:image/tarexport/load.go")
)
_DOCKER_25 = _graphdriver(
    "docker-25", _WITH_ZSTD, Fact(_LEGACY, "moby v28.5.0:image/tarexport/load.go")
)
_DOCKER_29 = _graphdriver(
    "docker-29",
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
    loader="containerd",
    command=_LOAD,
    outer=Fact(_ALL, "moby#46600, commit fcabc48ee4, from v25"),
    layers=Fact(_CONTAINERD_LAYERS, "containerd:pkg/archive/compression/compression.go"),
    systems=Fact(_ANY, f"{_C8D}: content of any platform is stored"),
    platforms=Fact("all", f"{_C8D}: all are stored, the machine's own is unpacked"),
    sparse=Fact(True, f"{_C8D}: WithSkipMissing, from v25"),
    nameless=Fact(True, f"{_C8D}: WithDigestRef keeps it as a dangling image"),
    tag_alone=Fact("docker.io/library/{tag}:latest", f"{_C8D}: no translator of names; moby#49386"),
    referrers=Fact(True, f"{_C8D}: they are content like any other"),
    artifacts=Fact(False, "moby#45600: what is no image is not listed as one"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

_STOPS = frozenset({"gap", "artifact"})
_CTR = "containerd:cmd/ctr/commands/images/import.go"

_CONTAINERD = Engine(
    name="containerd",
    loader="containerd",
    command="ctr images import --all-platforms FILE",
    outer=Fact(frozenset({"none"}), "containerd#9981; seen with ctr 1.6.20"),
    layers=Fact(
        _CONTAINERD_LAYERS,
        "containerd:archive/compression/compression.go; seen with ctr 1.6.20, which fails on "
        "bzip2 and xz when it unpacks",
    ),
    systems=Fact(_ANY, "seen with ctr 1.6.20: --all-platforms stores any"),
    platforms=Fact("all", f"{_CTR}: --all-platforms"),
    sparse=Fact(False, "containerd#11344: content digest not found; seen with ctr 1.6.20"),
    nameless=Fact(False, f"{_IMPORTER}; seen with ctr 1.6.20, which ends well and keeps nothing"),
    tag_alone=Fact(
        "import-YYYY-MM-DD:{tag}",
        "containerd:core/images/archive/reference.go; seen with ctr 1.6.20",
    ),
    referrers=Fact(True, "seen with ctr 1.6.20: unknown/unknown is listed among the platforms"),
    artifacts=Fact(
        False, "seen with ctr 1.6.20: mismatched image rootfs and manifest layers, at unpacking"
    ),
    ends_at=Fact(_STOPS, "seen with ctr 1.6.20, which unpacks one after the other"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

_KUBELET = Fact(True, "kubernetes:pkg/util/parsers/parsers.go: names are filled in before asking")

_K3S_GO = "k3s:pkg/agent/containerd/containerd.go"
_K3S_SUFFIXES = Fact(
    {
        ".tar": "none",
        ".tar.bz2": "bzip2",
        ".tbz": "bzip2",
        ".tar.gz": "gzip",
        ".tgz": "gzip",
        ".tar.zst": "zstd",
        ".tzst": "zstd",
    },
    f"{_K3S_GO}: the suffix picks the decompressor (.tar.lz4 too, which is not known here)",
)


def _k3s(name: str, command: str, source: str) -> Engine:
    return Engine(
        name=name,
        loader="containerd",
        command=command,
        outer=Fact(frozenset({"none", "gzip", "bzip2", "zstd"}), source),
        layers=Fact(_CONTAINERD_LAYERS, "containerd:pkg/archive/compression/compression.go"),
        systems=Fact(_LINUX, source),
        platforms=Fact("all", f"{_K3S_GO}: Import(WithAllPlatforms(true))"),
        sparse=Fact(False, "k3s#10132: WithSkipMissing came late, older ones stop"),
        nameless=Fact(False, f"{_IMPORTER}: what has no name makes no image"),
        tag_alone=Fact("{tag}", f"{_IMPORTER}: no translator of names: kubelet never asks for it"),
        referrers=Fact(True, f"{_K3S_GO}: content of all platforms is stored"),
        artifacts=Fact(False, "hauler#492: what is no image stops the import"),
        full_names=_KUBELET,
        ends_at=Fact(_STOPS, "hauler#492; k3s#10132"),
        refusal=_UNRECOGNIZED,
        suffixes=_K3S_SUFFIXES,
        window=Fact(1 << 25, "k3s:pkg/untar/untar.go: MaxDecoderMemory"),
        forms=("docker-archive", "oci-archive"),
    )


_K3S = _k3s("k3s", "cp FILE /var/lib/rancher/k3s/agent/images/", "docs.k3s.io/installation/airgap")
_RKE2 = _k3s(
    "rke2",
    "cp FILE /var/lib/rancher/rke2/agent/images/",
    "rke2:scripts/package-images; rke2#5944: the runtime image needs manifest.json",
)

_KIND_GO = "kind:pkg/cluster/nodeutils/util.go"

_KIND = Engine(
    name="kind",
    loader="containerd",
    command="kind load image-archive FILE",
    outer=Fact(frozenset({"none"}), f"{_KIND_GO}: ctr images import, which wants a plain tar"),
    layers=Fact(_CONTAINERD_LAYERS, "containerd:pkg/archive/compression/compression.go"),
    systems=Fact(_LINUX, f"{_KIND_GO}: its nodes are Linux"),
    platforms=Fact("all", f"{_KIND_GO}: --all-platforms"),
    sparse=Fact(False, "containerd#11344: content digest not found"),
    nameless=Fact(False, f"{_KIND_GO}: --digests names it import-DATE@DIGEST, which no pod has"),
    tag_alone=Fact("import-YYYY-MM-DD:{tag}", "containerd:core/images/archive/reference.go"),
    referrers=Fact(True, f"{_KIND_GO}: --all-platforms"),
    artifacts=Fact(False, "ctr: mismatched image rootfs and manifest layers, at unpacking"),
    full_names=_KUBELET,
    ends_at=Fact(_STOPS, f"{_KIND_GO}: ctr images import, which unpacks one after the other"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

_LIBIMAGE = "container-libs:common/libimage/load.go"

_PODMAN = Engine(
    name="podman",
    loader="podman",
    command="podman load -i FILE",
    outer=Fact(_ALL, "seen with podman 4.3.1; not gzip where manifest.json is read"),
    layers=Fact(_ALL, "seen with podman 4.3.1"),
    systems=Fact(_ANY, "seen with podman 4.3.1: a single image of any system is stored"),
    platforms=Fact("own", f"{_LIBIMAGE}; podman#22882"),
    sparse=Fact(True, "seen with podman 4.3.1: the machine's own platform is enough"),
    nameless=Fact(True, "seen with podman 4.3.1"),
    tag_alone=Fact("localhost/{tag}:latest", "container-libs:common/libimage/pull.go"),
    referrers=Fact(False, f"{_LIBIMAGE}: one image is copied"),
    artifacts=Fact(False, f"{_LIBIMAGE}"),
    refusal=Fact(
        "payload does not match any of the supported image formats",
        f"{_LIBIMAGE}; seen with podman 4.3.1",
    ),
)

_DISTRIBUTION = "distribution-spec:spec.md"

_REGISTRY = Engine(
    name="registry",
    loader="registry",
    command="skopeo copy --all --preserve-digests, crane push, oras cp",
    outer=Fact(_ALL, "what pushes reads the file; the registry sees blobs"),
    layers=Fact(_CONTAINERD_LAYERS, "image-spec:layer.md has media types for these"),
    systems=Fact(_ANY, _DISTRIBUTION),
    platforms=Fact("all", _DISTRIBUTION),
    sparse=Fact(False, f"{_DISTRIBUTION}: a manifest may be refused whose blobs are unknown"),
    nameless=Fact(False, f"{_DISTRIBUTION}: what is pushed has a repository"),
    tag_alone=Fact("", f"{_DISTRIBUTION}: what is pushed has a repository"),
    referrers=Fact(True, _DISTRIBUTION),
    artifacts=Fact(True, _DISTRIBUTION),
    refusal=Fact("", _DISTRIBUTION),
    forms=("oci-archive", "oci", "docker-archive", "docker"),
)

ENGINES = {
    engine.name: engine
    for engine in (
        _DOCKER_20_10,
        _DOCKER_23,
        _DOCKER_25,
        _DOCKER_29,
        _DOCKER_29_CONTAINERD,
        _CONTAINERD,
        _PODMAN,
        _K3S,
        _RKE2,
        _KIND,
        _REGISTRY,
    )
}

ALL = "all"


def engines_named(names: tuple[str, ...]) -> list[Engine]:
    """The rows of these names, `all` for each; raises UsageError."""
    wanted: dict[str, None] = {}
    for name in names:
        if name != ALL and name not in ENGINES:
            raise UsageError(f"{name!r} is no engine that is known: {', '.join(ENGINES)}, {ALL}")
        wanted.update(dict.fromkeys(ENGINES if name == ALL else (name,)))
    return [ENGINES[name] for name in wanted]
