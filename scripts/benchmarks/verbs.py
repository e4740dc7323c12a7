"""Jobs of the other verbs."""

from collections.abc import Sequence
from pathlib import Path

from scripts.benchmarks import images, registry
from scripts.benchmarks.jobs import SKOPEO, US, Job, Plan, ours, peers, skopeo
from scripts.benchmarks.running import Contender
from scripts.benchmarks.workspace import (
    NAME,
    OURS,
    Workspace,
    is_installed,
    processors,
    run_ours,
    texts,
)

_BARE = Path(__file__).with_name("bare_validation.py")
_TAG = NAME.rpartition(":")[2]


def _merge(work: Workspace, *options: str) -> Plan:
    sources = images.seven(work, work.size)
    target = ("-o", f"oci:{work.output('ours')}", "-t", NAME)
    contenders = [ours(work, "ours", "merge", *sources, *target, *options)]
    if not options and is_installed("buildah"):
        contenders.append(_buildah_merge(work, sources))
    return Plan(contenders, sources)


def _buildah_merge(work: Workspace, sources: Sequence[Path]) -> Contender:
    store, target = work.output("buildah-store"), work.output("buildah")
    buildah = f"buildah --root {store} --runroot {store}/run --storage-driver vfs"
    added = " && ".join(f"{buildah} manifest add bench oci:{source}" for source in sources)
    script = f"{buildah} manifest create bench && {added} && "
    script += f"{buildah} manifest push --all bench oci:{target}:v1"
    return Contender("buildah", ("sh", "-c", script), [store, target])


def _linked_merge(work: Workspace) -> Plan:
    return _merge(work, "--link")


def _inspect(work: Workspace) -> Plan:
    source = images.hybrid(work, work.large, "none")
    version = Contender("--version", texts(*OURS, "--version"))
    by_skopeo = Contender(
        "skopeo", texts("skopeo", "--insecure-policy", "inspect", f"docker-archive:{source}")
    )
    return Plan([ours(work, None, "inspect", source), version, *peers(by_skopeo)], [])


def _validate(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    layers = images.layer_blobs(source)
    bare = texts(OURS[0], _BARE, str(processors()), *layers)
    crane = texts("crane", "validate", "--tarball", images.docker_gzip(work, work.size))
    contenders = [
        ours(work, None, "validate", source),
        Contender("isal + openssl, bare", bare),
        *peers(Contender("crane", crane)),
    ]
    return Plan(contenders, [source])


def _export(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    target = work.output("umoci")
    umoci = texts("umoci", "raw", "unpack", "--image", f"{source}:{_TAG}", target)
    contenders = [
        ours(work, "ours", "export", source, work.output("ours")),
        *peers(Contender("umoci", umoci, [target])),
    ]
    return Plan(contenders, [source])


def _push(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    served = work.stack.enter_context(registry.served(work.output("registry")))
    target = f"{served.address}/bench:1"
    by_skopeo = texts(
        *SKOPEO, "--dest-tls-verify=false", f"oci:{source}:{_TAG}", f"docker://{target}"
    )
    found = [
        ours(work, None, "push", source, target),
        *peers(
            Contender("skopeo", by_skopeo),
            Contender("crane", texts("crane", "push", "--insecure", source, target)),
            Contender("regctl", texts("regctl", "image", "copy", f"ocidir://{source}", target)),
        ),
    ]
    contenders = [Contender(one.name, one.command, before=served.empty) for one in found]
    return Plan(contenders, [source])


def _pull(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    served = work.stack.enter_context(registry.served(work.output("registry-to-pull")))
    target = f"{served.address}/bench:1"
    run_ours("push", source, target)
    crane, regctl = work.output("crane"), work.output("regctl")
    contenders = [
        ours(work, "ours", "pull", target, f"oci:{work.output('ours')}"),
        *peers(
            skopeo(work, f"docker://{target}", "oci", "skopeo", "--src-tls-verify=false"),
            Contender(
                *("crane", texts("crane", "pull", "--insecure", "--format=oci", target, crane)),
                [crane],
            ),
            Contender(
                *("regctl", texts("regctl", "image", "copy", target, f"ocidir://{regctl}:v1")),
                [regctl],
            ),
        ),
    ]
    return Plan(contenders, [served.content])


def _start(work: Workspace) -> Plan:
    others = (Contender(name, (name, "--version")) for name in ("skopeo", "umoci", "podman"))
    python = Contender("python", (OURS[0], "-c", "pass"))
    return Plan([Contender(US, texts(*OURS, "--version")), *peers(*others), python], [])


JOBS = (
    Job("merge", "Seven OCI folders → one", _merge),
    Job("merge-link", "Seven OCI folders → one, by links", _linked_merge),
    Job("inspect", "inspect of the large tar", _inspect, {"--version": 1.5}),
    Job(
        "validate",
        "validate of an OCI folder",
        _validate,
        {"isal + openssl, bare": 1.3},
        needs=("validate",),
    ),
    Job("export", "export of an OCI folder's files", _export),
    Job("push", "push to a registry on loopback", _push, needs=(registry.PROGRAM,)),
    Job("pull", "pull from a registry on loopback", _pull, needs=(registry.PROGRAM,)),
    Job("start", "--version", _start),
)
