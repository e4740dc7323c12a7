"""What a tar or a directory is that holds no image at its top: by the names in it."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

MAX_NAMES = 20_000
"""Names that are looked at."""
_ROOTFS = {"bin", "boot", "dev", "etc", "lib", "opt", "proc", "root", "sbin", "sys", "usr", "var"}
_IMPORT = "ocilayout import {file} imported.tar -t NAME:TAG"


class TreeNames(NamedTuple):
    """The names in a tar or a directory."""

    top: frozenset[str]
    below: frozenset[str]
    """The names one level deeper, without the directory that they stand in."""
    deep: frozenset[str]
    """All names that are known, whole."""

    @classmethod
    def of(cls, names: Iterable[str]) -> "TreeNames":
        """Sort names out, of which the first MAX_NAMES count."""
        known = [name for name, _ in zip(names, range(MAX_NAMES), strict=False)]
        parts = [name.split("/") for name in known]
        return cls(
            frozenset(part[0] for part in parts),
            frozenset(part[1] for part in parts if len(part) == 2),
            frozenset(known),
        )

    def has(self, *names: str) -> bool:
        """Whether all stand at the top."""
        return self.top.issuperset(names)


class TreeKind(NamedTuple):
    """One kind of tree; `{file}` in advice is its path."""

    fits: Callable[[TreeNames], bool]
    name: str
    tar_advice: str
    directory_advice: str


def _is_rootfs(names: TreeNames) -> bool:
    return len(names.top & _ROOTFS) > 1 or names.has("Files", "Hives")


def _is_layer(names: TreeNames) -> bool:
    return any(re.search(r"(?:^|/)\.wh\.", name) for name in names.deep)


def _is_before_docker_1_10(names: TreeNames) -> bool:
    return names.has("repositories") or {"VERSION", "json", "layer.tar"} <= names.below


def _at_top(*names: str) -> Callable[[TreeNames], bool]:
    return lambda tree: tree.has(*names)


def _once(name: str) -> Callable[[TreeNames], bool]:
    """At the top, or in a directory there."""
    return lambda tree: name in tree.top or name in tree.below


def _ends_in(suffix: str) -> Callable[[TreeNames], bool]:
    return lambda tree: any(name.endswith(suffix) for name in tree.top)


# First match wins: a root file system may hold any of the others, but not at its top.
KINDS = (
    TreeKind(
        _is_before_docker_1_10,
        "was saved by docker before 1.10, without a manifest.json",
        "docker 1.10 to 28 load it, and save it with one",
        "docker 1.10 to 28 load a tar of it, and save it with a manifest.json",
    ),
    TreeKind(_is_layer, "is a layer of an image, not the image", _IMPORT, _IMPORT),
    TreeKind(
        _is_rootfs,
        "is a root file system, as docker export writes it, not an image",
        _IMPORT,
        _IMPORT,
    ),
    TreeKind(
        _once("Chart.yaml"),
        "is a Helm chart, not an image",
        "helm push {file} oci://HOST/REPOSITORY",
        "helm package {file}, and helm push that",
    ),
    TreeKind(
        _at_top("zarf.yaml"),
        "is a Zarf package, not an image",
        "tar xf {file} images, and name that",
        "name {file}/images",
    ),
    TreeKind(
        _at_top("config.json", "rootfs"),
        "is a runtime bundle, not an image",
        "tar xf {file} rootfs, then ocilayout import rootfs imported.tar -t NAME:TAG",
        "ocilayout import {file}/rootfs imported.tar -t NAME:TAG",
    ),
    TreeKind(
        _at_top("metadata.yaml", "rootfs"),
        "is an image of LXD or Incus",
        "tar xf {file} rootfs, then ocilayout import rootfs imported.tar -t NAME:TAG",
        "ocilayout import {file}/rootfs imported.tar -t NAME:TAG",
    ),
    TreeKind(
        _at_top("config.dump", "spec.dump"),
        "is a checkpoint of a container, not an image",
        "podman container restore -i {file}",
        "podman container restore -i a tar of it",
    ),
    TreeKind(
        _ends_in(".ovf"),
        "is a virtual machine (OVF)",
        "tar xf {file}, and name its disk",
        "name its disk",
    ),
    TreeKind(
        _at_top("box.img"),
        "is a box of Vagrant",
        "tar xf {file} box.img, and name that",
        "name {file}/box.img",
    ),
    TreeKind(
        _at_top(".PKGINFO"),
        "is a package of Alpine or Arch Linux, not an image",
        "name what docker save, podman save or buildx wrote",
        "name what docker save, podman save or buildx wrote",
    ),
    TreeKind(
        _at_top("overlay2", "image", "containers"),
        "is the storage of docker, not an image",
        "docker save -o app.tar NAME, where it runs",
        "docker save -o app.tar NAME",
    ),
    TreeKind(
        _at_top("overlay-images"),
        "is the storage of podman, not an image",
        "podman save -o app.tar NAME, where it runs",
        "podman --root {file} save -o app.tar NAME",
    ),
    TreeKind(
        _at_top("io.containerd.content.v1.content"),
        "is the storage of containerd, not an image",
        "ctr images export app.tar NAME, where it runs",
        "ctr images export app.tar NAME",
    ),
)
# These may stand beside what is meant: archives are looked for first.
LATE_KINDS = (
    TreeKind(
        _at_top("Dockerfile"),
        "is a build context, not an image",
        "docker buildx build -o type=oci,dest=app.tar - < {file}",
        "docker buildx build -o type=oci,dest=app.tar {file}",
    ),
    TreeKind(
        _at_top("Containerfile"),
        "is a build context, not an image",
        "podman build -t NAME:TAG - < {file}",
        "podman build -t NAME:TAG {file}",
    ),
    TreeKind(
        _at_top("blobs"),
        "has blobs, but no index.json that names an image in them",
        "pack it again with all of its files",
        "copy it again with all of its files",
    ),
)


def kind_of(names: TreeNames, kinds: tuple[TreeKind, ...] = KINDS) -> TreeKind | None:
    """The first of `kinds` that a tar or directory with these names is of, if any."""
    return next((kind for kind in kinds if kind.fits(names)), None)
