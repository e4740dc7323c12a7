"""The commands that are tortured: what is there before, and where they write."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocilayout.copy_engine import transfer
from ocilayout.stores import open_destination
from tests.image_files import write_docker_archive, write_layout, write_oci_archive
from tests.images import make_image, make_layer, make_source
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

OLD, NEW, OTHER = (f"registry.example/{name}:v1" for name in ("old", "new", "other"))
_LAYERS = [make_layer("one", 20_000), make_layer("two", 30_000)]


@dataclass(frozen=True)
class Command:
    """A command of a folder that holds `in.tar`, `in`, and perhaps what it writes to."""

    name: str
    arguments: tuple[str, ...]
    target: str
    prepare: Callable[[Path], object] = lambda folder: None
    """Makes what is there beforehand, in that folder."""
    repeats: bool = True
    """Whether it can be run again where its result is there already."""
    durable: bool = True
    """Whether its result outlives a power cut: a root file system's files are not synced."""


def prepare(command: Command, folder: Path) -> None:
    """The inputs of every command, and what this one expects."""
    folder.mkdir()
    write_docker_archive(folder / "in.tar", NEW, layers=_LAYERS)
    image = make_image("linux/arm64", layers=[*_LAYERS, make_layer("three")]).named(NEW)
    write_layout(folder / "in", make_source(image))
    command.prepare(folder)


def layout(folder: Path) -> None:
    """`layout`: two images, one of which shares a layer with what is added."""
    first = make_image(layers=[_LAYERS[0], make_layer("old")]).named(OLD)
    second = make_image("linux/arm64", layers=[make_layer("other")]).named(OTHER)
    write_layout(folder / "layout", make_source(first, second))


def archive(folder: Path) -> None:
    """`image.tar`: an OCI archive."""
    image = make_image(layers=[make_layer("old")]).named(OLD)
    write_oci_archive(folder / "image.tar", make_source(image))


def docker_archive(folder: Path) -> None:
    """`image.tar`: a Docker archive without an OCI half."""
    write_docker_archive(folder / "image.tar", OLD)


def with_garbage(folder: Path) -> None:
    """`layout`, in which nothing refers to two blobs."""
    layout(folder)
    stray = make_image(layers=[make_layer("garbage")])
    write_layout(folder / "layout", make_source(stray.named(OLD)))
    layout(folder)


_ALONE = ("--jobs", "1")
COMMANDS = (
    Command("convert to a new layout", ("convert", "in.tar", "oci:layout", *_ALONE), "layout"),
    Command("convert to new folders", ("convert", "in", "oci:a/b/layout", *_ALONE), "a/b/layout"),
    Command("convert into a layout", ("convert", "in.tar", "layout", *_ALONE), "layout", layout),
    Command("convert by links", ("convert", "in", "layout", "--link", *_ALONE), "layout", layout),
    Command("convert to a tar", ("convert", "in", "image.tar", "--force", *_ALONE), "image.tar"),
    Command(
        "convert onto a tar",
        ("convert", "in", "oci-archive:image.tar", "--force", *_ALONE),
        "image.tar",
        archive,
    ),
    Command("convert to dir:", ("convert", "in", "dir:image", *_ALONE), "image", repeats=False),
    Command(
        "merge into a layout",
        ("merge", "in.tar", "in", "--output", "layout", "--tag", NEW, *_ALONE),
        "layout",
        layout,
    ),
    Command("tag in a layout", ("tag", f"layout:{OLD}", NEW), "layout", layout),
    Command("tag in a tar", ("tag", "image.tar", NEW), "image.tar", archive),
    Command("tag in a Docker archive", ("tag", "image.tar", NEW), "image.tar", docker_archive),
    Command("untag in a layout", ("untag", f"layout:{OLD}"), "layout", layout, repeats=False),
    Command(
        "annotate in a layout",
        ("annotate", f"layout:{OLD}", "--annotation", "manifest:a=b"),
        "layout",
        layout,
    ),
    Command("gc", ("gc", "layout"), "layout", with_garbage),
    Command(
        "export to a folder", ("export", "in", "rootfs"), "rootfs", repeats=False, durable=False
    ),
)


@contextmanager
def pulls() -> Iterator[tuple[Command, ...]]:
    """`pull` into a new layout and into one that is there, from a registry that runs meanwhile."""
    image = make_image("linux/arm64", layers=_LAYERS)
    with running(OciRegistry()) as registry:
        place = f"docker://{registry.host}/new:v1"
        with open_destination(place) as destination:
            transfer(make_source(image.named("v1")), destination)
        pull = ("pull", place, "layout", *_ALONE)
        yield (
            Command("pull to a new layout", pull, "layout"),
            Command("pull into a layout", pull, "layout", layout),
        )
