"""Jobs that grow: the same work on more and more images, layers and bytes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from scripts.benchmarks import images
from scripts.benchmarks.jobs import Job, Plan, ours
from scripts.benchmarks.running import Contender
from scripts.benchmarks.workspace import NAME, Workspace

_GIB = 1 << 30


def _plan(
    amounts: Iterable[float],
    source: Callable[[float], Path],
    contender: Callable[[Path], Contender],
) -> Plan:
    sources = {amount: source(amount) for amount in amounts}
    contenders = [
        replace(contender(path), amount=amount, name=f"{amount:g}")
        for amount, path in sources.items()
    ]
    return Plan(contenders, list(sources.values()))


def _listed_images(work: Workspace) -> Plan:
    return _plan(
        work.growth.images,
        lambda count: images.many_images(work, int(count)),
        lambda path: ours(work, None, "ls", path),
    )


def _copied_images(work: Workspace) -> Plan:
    return _plan(
        work.growth.images,
        lambda count: images.many_images(work, int(count)),
        lambda path: ours(
            work, "images.tar", "convert", path, f"docker-archive:{work.output('images.tar')}"
        ),
    )


def _copied_layers(work: Workspace) -> Plan:
    return _plan(
        work.growth.layers,
        lambda count: images.many_layers(work, int(count)),
        lambda path: ours(
            *(work, "layers.tar", "convert", path, f"docker-archive:{work.output('layers.tar')}"),
            *("--compression", "gzip"),
        ),
    )


def _compressed_bytes(work: Workspace) -> Plan:
    return _plan(
        work.growth.gibibytes,
        lambda size: images.zeros(work, int(size * _GIB)),
        lambda path: ours(
            *(work, "grown", "convert", path, f"oci:{work.output('grown')}"),
            *("--compression", "gzip"),
        ),
    )


def _linked_bytes(work: Workspace) -> Plan:
    def linked(path: Path) -> Contender:
        sources = sorted(path.iterdir())
        target = f"oci:{work.output('linked')}"
        return ours(work, "linked", "merge", *sources, "-o", target, "-t", NAME, "--link")

    sizes = [work.size / _GIB / part for part in (16, 4, 1)]
    return _plan(sizes, lambda size: images.seven(work, int(size * _GIB)).pop().parent, linked)


JOBS = (
    Job("growth-ls", "ls of a layout of many images", _listed_images, grows="images"),
    Job("growth-images", "Layout of many images → Docker archive", _copied_images, grows="images"),
    Job("growth-layers", "One image of many layers, compressed", _copied_layers, grows="layers"),
    Job("growth-bytes", "One layer of zeros, compressed", _compressed_bytes, grows="GiB"),
    Job("growth-link", "Seven OCI folders → one, by links", _linked_bytes, grows="GiB"),
)
