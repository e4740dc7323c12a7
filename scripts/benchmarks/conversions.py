"""Jobs of convert: one image, from format to format."""

from pathlib import Path

from scripts.benchmarks import images
from scripts.benchmarks.jobs import Job, Plan, ours, peers, skopeo
from scripts.benchmarks.running import Contender
from scripts.benchmarks.workspace import NAME, Workspace, is_installed, texts


def _plain_to_oci(work: Workspace, codec: str) -> Plan:
    source = images.docker_plain(work, work.size)
    layers = images.plain_layers(work, work.size)
    arguments = ("convert", source, f"oci:{work.output('ours')}", "--compression", codec)
    pigz = ("sh", "-c", f"cat {' '.join(map(str, layers))} | pigz -1 >{work.output('pigz')}")
    zstd = ("zstd", "-q", "-3", "-T0", "--no-progress", source, "-o", work.output("zstd"))
    limits = {
        "gzip": [Contender("pigz", pigz, [work.output("pigz")])] if is_installed("pigz") else [],
        "zstd": peers(Contender("zstd", texts(*zstd), [work.output("zstd")])),
    }
    by_skopeo = skopeo(
        *(work, f"docker-archive:{source}", "oci", "skopeo", "--dest-compress-format", codec)
    )
    contenders = [
        ours(work, "ours", *arguments),
        *peers(by_skopeo, *_regctl(work, codec), *_podman(work, source, codec)),
        *limits[codec],
    ]
    return Plan(contenders, [source, *layers])


def _regctl(work: Workspace, codec: str) -> list[Contender]:
    """regctl compresses what is in a layout already."""
    source, target = images.layout(work, work.size, "none"), work.output("regctl")
    mod = texts(
        *("regctl", "image", "mod", f"ocidir://{source}", "--layer-compress", codec),
        *("--create", f"ocidir://{target}:v1"),
    )
    return [Contender("regctl", mod, [target])]


def _podman(work: Workspace, source: Path, codec: str) -> list[Contender]:
    """podman goes through its store, in a folder of its own here."""
    if codec != "gzip" or not is_installed("podman"):
        return []
    store, target = work.output("podman-store"), work.output("podman")
    podman = f"podman --root {store} --runroot {store}/run --storage-driver vfs"
    script = f"{podman} load -q -i {source} && {podman} save -q --format oci-dir -o {target} {NAME}"
    return [Contender("podman", ("sh", "-c", script), [store, target])]


def _archive_to_oci(work: Workspace, source: Path) -> Plan:
    contenders = [
        ours(work, "ours", "convert", source, f"oci:{work.output('ours')}"),
        *peers(skopeo(work, f"docker-archive:{source}", "oci", "skopeo")),
    ]
    return Plan(contenders, [source])


def _hybrid_to_oci(work: Workspace) -> Plan:
    return _archive_to_oci(work, images.hybrid(work, work.size))


def _docker_gzip_to_oci(work: Workspace) -> Plan:
    return _archive_to_oci(work, images.docker_gzip(work, work.size))


def _folder_to_tar(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    limit = work.output("cp")
    copied = f"cp -r {source} {limit} && sync && cat {source}/blobs/sha256/* | openssl dgst -sha256"
    contenders = [
        ours(work, "ours.tar", "convert", source, f"oci-archive:{work.output('ours.tar')}"),
        *peers(
            skopeo(work, f"oci:{source}", "oci-archive", "skopeo.tar"),
            Contender(
                "regctl",
                texts("regctl", "image", "export", f"ocidir://{source}", work.output("regctl.tar")),
                [work.output("regctl.tar")],
            ),
        ),
    ]
    if is_installed("openssl"):
        contenders.append(Contender("cp + sync + sha256", ("sh", "-c", copied), [limit]))
    return Plan(contenders, [source])


def _tar_to_folder(work: Workspace) -> Plan:
    source = images.oci_archive(work, work.size)
    regctl = texts("regctl", "image", "import", f"ocidir://{work.output('regctl')}:v1", source)
    contenders = [
        ours(work, "ours", "convert", source, f"oci:{work.output('ours')}"),
        *peers(
            skopeo(work, f"oci-archive:{source}", "oci", "skopeo"),
            Contender("regctl", regctl, [work.output("regctl")]),
        ),
    ]
    return Plan(contenders, [source])


def _gzip_to_zstd(work: Workspace) -> Plan:
    source = images.layout(work, work.size)
    arguments = ("convert", source, f"oci:{work.output('ours')}", "--compression", "zstd")
    options = ("--dest-compress-format", "zstd", "--dest-compress-level", "3")
    script = "; ".join(
        f"gzip -dc {layer} | zstd -q -3 -T0 >{work.output('zstd')}"
        for layer in images.layer_blobs(source)
    )
    contenders = [
        ours(work, "ours", *arguments, "--level", "3"),
        *peers(skopeo(work, f"oci:{source}", "oci", "skopeo", *options)),
    ]
    if is_installed("zstd"):
        contenders.append(Contender("gzip -d, zstd", ("sh", "-c", script), [work.output("zstd")]))
    return Plan(contenders, [source])


JOBS = (
    Job(
        "docker-to-oci-gzip",
        "Docker archive with plain layers → OCI folder, gzip",
        lambda work: _plain_to_oci(work, "gzip"),
        {"skopeo": 0.35},
    ),
    Job(
        "docker-to-oci-zstd",
        "Docker archive with plain layers → OCI folder, zstd",
        lambda work: _plain_to_oci(work, "zstd"),
    ),
    Job(
        "hybrid-to-oci",
        "Docker archive with gzip layers and an OCI half → OCI folder",
        _hybrid_to_oci,
        {"skopeo": 0.06},
    ),
    Job(
        "docker-gzip-to-oci",
        "Docker archive with gzip layers alone → OCI folder, diff ids verified",
        _docker_gzip_to_oci,
        {"skopeo": 0.2},
    ),
    Job(
        "oci-to-tar",
        "OCI folder → OCI tar",
        _folder_to_tar,
        {"skopeo": 0.5, "cp + sync + sha256": 2.0},
    ),
    Job("tar-to-oci", "OCI tar → OCI folder", _tar_to_folder),
    Job("gzip-to-zstd", "OCI gzip → OCI zstd, level 3", _gzip_to_zstd, {"skopeo": 0.8}),
)
