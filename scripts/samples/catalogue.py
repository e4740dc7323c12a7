"""The list of samples: what each file is called, what it holds, and what its README line says."""

from collections.abc import Callable
from dataclasses import dataclass

from scripts.samples import buildkit, crane, docker_20_10, docker_25, podman

HUB = "docker.io/library/hello"
OWN = "registry.example/hello"

README_HEAD = """\
# Samples

Images as the tools of the field pack them, small enough for `xxd`. Each has a layer of text
that all of them share, and a layer with `/hello`, a program of a few instructions that prints
`Hello from linux/...` on a real engine (`greeter` has a third). `scripts/make_samples` writes this
folder, byte for byte the same each time; `scripts/make_samples --check` tells whether it is as
written.

| sample | what it is | names | platforms |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Sample:
    """A file or folder of samples/; the content of a file stands under the empty path."""

    path: str
    what: str
    names: tuple[str, ...]
    platforms: tuple[str, ...]
    make: Callable[[], dict[str, bytes]]


def one_file(content: Callable[[], bytes]) -> Callable[[], dict[str, bytes]]:
    """A sample that is a file, not a folder."""
    return lambda: {"": content()}


AMD64, ARM64, ARM_V7 = ("linux/amd64", "linux/arm64", "linux/arm/v7")
HELLO = docker_20_10.Saved(docker_20_10.classic_hello(), (f"{HUB}:amd64",))
HELLO_TWICE = docker_20_10.Saved(HELLO.image, (f"{HUB}:amd64", f"{OWN}:amd64"))
CHILD = docker_20_10.Saved(docker_20_10.classic_child(), ("docker.io/library/greeter:latest",))

SAMPLES = (
    Sample(
        "docker-20.10-amd64.tar",
        "`docker save` of docker 20.10: a folder for each layer",
        ("hello:amd64",),
        (AMD64,),
        one_file(lambda: docker_20_10.save([HELLO])),
    ),
    Sample(
        "docker-20.10-two-images.tar",
        "`docker save` of two images: a shared layer is a symlink; the second image deletes a file "
        "of its base by a whiteout",
        ("hello:amd64", f"{OWN}:amd64", "greeter:latest"),
        (AMD64,),
        one_file(lambda: docker_20_10.save([HELLO_TWICE, CHILD])),
    ),
    Sample(
        "docker-25-riscv64.tar",
        "`docker save` of docker 25 and later: an OCI layout of plain layers and a `manifest.json` "
        "in one, with blobs that nothing refers to",
        (f"{HUB}:riscv64",),
        ("linux/riscv64",),
        one_file(lambda: docker_25.save(f"{HUB}:riscv64", "linux/riscv64")),
    ),
    Sample(
        "buildx-multi-attested.tar",
        "`docker buildx build -o type=oci` for three platforms: a nested index, and a provenance "
        "attestation for each image",
        (f"{OWN}:1",),
        (AMD64, ARM64, ARM_V7),
        one_file(lambda: buildkit.oci_multi(f"{OWN}:1", (AMD64, ARM64, ARM_V7))),
    ),
    Sample(
        "buildx-arm64.tar",
        "`docker buildx build -o type=oci` for one platform: gzip layers, no attestation",
        (f"{HUB}:arm64",),
        (ARM64,),
        one_file(lambda: buildkit.oci_single(f"{HUB}:arm64", ARM64)),
    ),
    Sample(
        "buildx-docker-s390x.tar",
        "`docker buildx build -o type=docker`: Docker's media types and a `manifest.json` in an "
        "OCI layout",
        (f"{HUB}:s390x",),
        ("linux/s390x",),
        one_file(lambda: buildkit.docker_hybrid(f"{HUB}:s390x", "linux/s390x")),
    ),
    Sample(
        "buildx-zstd-ppc64le",
        "`docker buildx build -o type=oci,tar=false,compression=zstd`: a layout folder of zstd "
        "layers",
        (f"{OWN}:ppc64le",),
        ("linux/ppc64le",),
        lambda: buildkit.zstd_folder(f"{OWN}:ppc64le", "linux/ppc64le"),
    ),
    Sample(
        "podman-arm-v7.tar",
        "`podman save`: plain layers under their diff ids",
        ("localhost/hello:arm-v7",),
        (ARM_V7,),
        one_file(lambda: podman.save("localhost/hello:arm-v7", ARM_V7)),
    ),
    Sample(
        "crane-386.tar",
        "`crane pull`: gzip layers, and a config named `sha256:...`",
        (f"{OWN}:386",),
        ("linux/386",),
        one_file(lambda: crane.tarball(f"{OWN}:386", "linux/386")),
    ),
    Sample(
        "rootfs-amd64.tar",
        "`docker export`: a root file system, no image; with a symbolic and a hard link",
        (),
        (AMD64,),
        one_file(docker_20_10.root_file_system),
    ),
)


def sample_files() -> dict[str, bytes]:
    """The content of every file of samples/, by its path there."""
    files = {"README.md": readme()}
    for sample in SAMPLES:
        for path, content in sample.make().items():
            files[f"{sample.path}/{path}".rstrip("/")] = content
    return files


def readme() -> bytes:
    """The file README.md, with one line for each sample."""
    lines = []
    for sample in sorted(SAMPLES, key=lambda sample: sample.path):
        names = ", ".join(f"`{name}`" for name in sample.names) or "none"
        platforms = ", ".join(sample.platforms)
        lines.append(f"| `{sample.path}` | {sample.what} | {names} | {platforms} |\n")
    return (README_HEAD + "".join(lines)).encode()
