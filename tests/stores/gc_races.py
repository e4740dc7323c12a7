"""gc, writers and readers that use one layout at once, as many rounds as one likes.

python -m tests.stores.gc_races FOLDER ROUNDS
"""

import itertools
import multiprocessing
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

from ocilayout.copy_engine import transfer
from ocilayout.stores import open_destination, open_source
from ocilayout.stores.layout_gc import collect_garbage
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, names_in

LAYERS = [make_layer(text, 200) for text in ("a", "b", "c", "d")]
NAMES = [f"registry.example/app:{number}" for number in range(3)]


def race(layout: Path, rounds: int, seed: int = 0) -> int:
    """Names move between images that share layers, while gc runs; the number of blobs removed.

    What a writer finds there is often garbage that another round left. Raises AssertionError, or
    what reading raises, where a name or a blob got lost.
    """
    random = Random(seed)
    removed = 0
    write(layout, NAMES[0], make_image(layers=LAYERS))
    with multiprocessing.get_context("fork").Pool(len(NAMES) + 2, heed_signals) as pool:
        for _ in range(rounds):
            images = [_image(random) for _ in NAMES]
            jobs: list[Callable[[], int]] = [
                partial(write, layout, name, image)
                for name, image in zip(NAMES, images, strict=True)
            ]
            jobs += [partial(_gc, layout), partial(_read, layout)]
            random.shuffle(jobs)
            removed += sum(pool.map(_call, jobs, chunksize=1))
            with open_source(str(layout)) as source:
                expected = [image.descriptor.digest for image in images]
                assert names_in(source) == dict(zip(NAMES, expected, strict=True))
                contents_of(source)
    return removed


def heed_signals() -> None:
    """Let a pool end this process, whose parent may have had other plans for the signal."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def write(layout: Path, name: str, image: Made) -> int:
    """Add an image, or move its name."""
    with open_destination(f"oci:{layout}") as destination:
        transfer(make_source(image.named(name)), destination)
    return 0


_FEW = [list(few) for count in (1, 2) for few in itertools.combinations(LAYERS, count)]


def _image(random: Random) -> Made:
    images = [make_image(p, layers=random.choice(_FEW)) for p in ("linux/amd64", "linux/arm64")]
    return random.choice([images[0], make_index(*images)])


def _gc(layout: Path) -> int:
    return len(collect_garbage(layout).blobs)


def _read(layout: Path) -> int:
    with open_source(str(layout)) as source:
        contents_of(source)
    return 0


def _call(job: Callable[[], int]) -> int:
    return job()


if __name__ == "__main__":
    removed_in_all = race(Path(sys.argv[1]), int(sys.argv[2]))
    sys.stdout.write(f"{removed_in_all} blobs removed, nothing lost\n")
