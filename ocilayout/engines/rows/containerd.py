"""containerd: `ctr images import`, and what is built on the same importer."""

from dataclasses import replace

from ocilayout.engines.facts import Engine, Fact
from ocilayout.engines.rows.codecs import ANY_SYSTEM, LINUX, OCI_CODECS

_IMPORTER = "containerd:core/images/archive/importer.go"
_UNRECOGNIZED = Fact("unrecognized image format", f"{_IMPORTER}; seen with ctr 1.6.20")
_STOPS = frozenset({"gap", "artifact"})
_CTR = "containerd:cmd/ctr/commands/images/import.go"

_CONTAINERD_1_6 = Engine(
    name="containerd-1.6",
    family="containerd",
    first=(1, 6),
    loader="containerd",
    command="ctr images import --all-platforms FILE",
    outer=Fact(frozenset({"none"}), "containerd#9981; seen with ctr 1.6.20"),
    layers=Fact(
        OCI_CODECS,
        "containerd:archive/compression/compression.go; seen with ctr 1.6.20, which fails on "
        "bzip2 and xz when it unpacks",
    ),
    systems=Fact(ANY_SYSTEM, "seen with ctr 1.6.20: --all-platforms stores any"),
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
    importer="client",
    empty=Fact("refused", "seen with ctr 1.6.20: image might be filtered out"),
    ipv6_names=Fact(False, "containerd v1.6:reference/docker; seen with ctr 1.6.20"),
    ends_at=Fact(_STOPS, "seen with ctr 1.6.20, which unpacks one after the other"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

_TRANSFER = "containerd:core/transfer/local/import.go"

_CONTAINERD_2 = replace(
    _CONTAINERD_1_6,
    name="containerd-2",
    first=(2,),
    importer="transfer",
    empty=Fact("refused", "seen with containerd 2 of August 2026: image might be filtered out"),
    ipv6_names=Fact(True, "distribution/reference; seen with containerd 2 of August 2026"),
    outer=Fact(OCI_CODECS, f"{_TRANSFER}; seen with containerd 2 of August 2026"),
    artifacts=Fact(False, "seen with containerd 2 of August 2026: stored, not unpacked"),
    ends_at=Fact(
        frozenset({"gap"}), "seen with containerd 2 of August 2026: content digest not found"
    ),
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
        family=name,
        loader="containerd",
        command=command,
        outer=Fact(frozenset({"none", "gzip", "bzip2", "zstd"}), source),
        layers=Fact(OCI_CODECS, "containerd:pkg/archive/compression/compression.go"),
        systems=Fact(LINUX, source),
        platforms=Fact("all", f"{_K3S_GO}: Import(WithAllPlatforms(true))"),
        sparse=Fact(False, "k3s#10132: WithSkipMissing came late, older ones stop"),
        nameless=Fact(False, f"{_IMPORTER}: what has no name makes no image"),
        tag_alone=Fact("{tag}", f"{_IMPORTER}: no translator of names: kubelet never asks for it"),
        referrers=Fact(True, f"{_K3S_GO}: content of all platforms is stored"),
        artifacts=Fact(False, "hauler#492: what is no image stops the import"),
        full_names=_KUBELET,
        ends_at=Fact(_STOPS, "hauler#492; k3s#10132"),
        importer="client",
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
    family="kind",
    loader="containerd",
    command="kind load image-archive FILE",
    outer=Fact(OCI_CODECS, f"{_TRANSFER}; kind's command seen with containerd 2 of August 2026"),
    layers=Fact(OCI_CODECS, "containerd:pkg/archive/compression/compression.go"),
    systems=Fact(LINUX, f"{_KIND_GO}: its nodes are Linux"),
    platforms=Fact("all", f"{_KIND_GO}: --all-platforms"),
    sparse=Fact(False, "containerd#11344: content digest not found"),
    nameless=Fact(False, f"{_KIND_GO}: --digests names it import-DATE@DIGEST, which no pod has"),
    by_digest=Fact(True, f"{_KIND_GO}: --digests"),
    importer="transfer",
    tag_alone=Fact("import-YYYY-MM-DD:{tag}", "containerd:core/images/archive/reference.go"),
    referrers=Fact(True, f"{_KIND_GO}: --all-platforms"),
    artifacts=Fact(False, "ctr: mismatched image rootfs and manifest layers, at unpacking"),
    full_names=_KUBELET,
    ends_at=Fact(frozenset({"gap"}), f"{_KIND_GO}: --all-platforms"),
    refusal=_UNRECOGNIZED,
    forms=("docker-archive", "oci-archive"),
)

_NERDCTL_GO = "nerdctl:pkg/imgutil/load/load.go"

_NERDCTL = replace(
    _CONTAINERD_1_6,
    name="nerdctl",
    family="nerdctl",
    first=(),
    command="nerdctl load --all-platforms -i FILE",
    nameless=Fact(False, f"{_NERDCTL_GO}: WithDigestRef names it import@DIGEST"),
    by_digest=Fact(True, f"{_NERDCTL_GO}: WithDigestRef"),
    ipv6_names=Fact(True, "nerdctl:go.mod has distribution/reference"),
    full_names=Fact(True, "nerdctl:pkg/referenceutil: names are filled in before asking"),
)

CONTAINERD = (_CONTAINERD_1_6, _CONTAINERD_2)
IMPORTERS = (_K3S, _RKE2, _KIND, _NERDCTL)
"""What imports with containerd's code, in its own way."""
