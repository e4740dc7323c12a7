"""Verifying a source: its documents first, then what they lead to, in parallel."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import itemgetter
from threading import Lock

from ocilayout.capabilities import SuspectSource
from ocilayout.crew import Crew
from ocilayout.problems import Problem
from ocilayout.protocols import ImageSource
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from ocilayout.streams import Progress, Watch, unwatched
from ocilayout.verify.contents import problems_of_content, problems_of_head
from ocilayout.verify.leaf import Leaf
from ocilayout.verify.stacks import stack_problems
from ocilayout.verify.survey import Survey

MAX_OF_A_KIND = 1000
"""Findings of one code that a person may want to see."""

_BATCH_SIZE, _BATCH_LENGTH = 1024 * 1024, 500
_Batch = list[tuple[int, Leaf]]


def find_problems(
    source: ImageSource,
    *,
    platforms: Sequence[Platform] = (),
    fast: bool = False,
    limit: int | None = MAX_OF_A_KIND,
    jobs: int = 1,
    watch: Watch = unwatched,
) -> Iterator[Problem]:
    """What is wrong with a source, in the order in which it lists its images.

    `open_suspect` opens sources so that as much as possible is found. `platforms` limits it to
    images of these. `fast` reads no layers. `limit` findings of one code are told, and the rest is
    counted; None is all. `jobs` threads read; `watch` sees each blob that is read.
    """
    verification = Verification(source, platforms=platforms, fast=fast, limit=limit)
    yield from verification.documents()
    yield from verification.contents(jobs, watch)


class Verification:
    """One look at all of a source: `documents` first, then `contents`, each to its end."""

    def __init__(
        self,
        source: ImageSource,
        *,
        platforms: Sequence[Platform] = (),
        fast: bool = False,
        limit: int | None = MAX_OF_A_KIND,
    ) -> None:
        """The options are those of find_problems."""
        self._source = source
        self._files = source if isinstance(source, SuspectSource) else None
        label = self._files.index_label if self._files else "index"
        self._survey = Survey(source, label, platforms)
        self._is_limited = bool(platforms)
        self._fast = fast
        self._limit = limit
        self._sizes: dict[Digest, int] = {}
        self._unreferenced: list[Leaf] = []
        self._found: Counter[str] = Counter()
        self._counted = 0
        self._lock = Lock()

    @property
    def images(self) -> int:
        """The images, of one platform each, that were found."""
        return self._survey.images

    @property
    def layers(self) -> int:
        """The different layers that they have."""
        return sum(leaf.is_layer for leaf in self._survey.leaves.values())

    @property
    def counts(self) -> Mapping[str, int]:
        """How many findings there were so far of each code, be they told or not."""
        return self._found

    @property
    def platforms_absent(self) -> Sequence[Platform]:
        """The platforms of which nothing was found, of those that were asked for."""
        return self._survey.platforms_absent

    @property
    def bytes_read(self) -> int:
        """Bytes of blobs that were read."""
        return self._survey.bytes_read + self._counted

    @property
    def size(self) -> int:
        """Bytes that `contents` is going to read, as descriptors and files state them."""
        return 0 if self._fast else sum(leaf.descriptor.size for leaf in self._leaves())

    def documents(self) -> Iterator[Problem]:
        """What documents say, and what the files say that hold them."""
        yield from self._limited(self._of_documents())

    def _of_documents(self) -> Iterator[Problem]:
        yield from self._survey.problems()
        if self._files is None:
            return
        whole = self._survey.is_whole and not self._is_limited
        yield from self._files.problems(self._survey.image_lists if whole else None)
        for blob in self._files.stored():
            self._sizes[blob.digest] = blob.size
            if not self._is_limited and not self._survey.has_met(blob.digest):
                self._unreferenced.append(Leaf(blob, blob.digest.blob_path))
                # What could not be read may refer to anything.
                if whole:
                    text = f"nothing refers to its {blob.size} bytes"
                    yield Problem("blob-unreferenced", blob.digest.blob_path, text)

    def contents(self, jobs: int = 1, watch: Watch = unwatched) -> Iterator[Problem]:
        """What the blobs hold that are no documents; `jobs` threads read them."""
        leaves = list(enumerate(self._leaves()))
        # The largest first, so that none is left to one thread while the others have ended.
        leaves.sort(key=lambda numbered: -numbered[1].descriptor.size)
        tasks = (partial(self._look_at, batch, watch) for batch in _batches(leaves))
        with Crew() as crew:
            looks = crew.in_order(tasks, "verifying", jobs)
            found = sorted(chain.from_iterable(looks), key=itemgetter(0))
        yield from self._limited(problem for _, problems in found for problem in problems)
        if not self._fast:
            yield from self._limited(
                stack_problems(self._source, self._survey.stacked, self._survey.leaves)
            )
        for code, count in self._found.items():
            if self._limit is not None and count > self._limit:
                text = f"{count - self._limit} more of this kind are not listed"
                yield Problem(code, "in all", text)

    def _limited(self, problems: Iterable[Problem]) -> Iterator[Problem]:
        for problem in problems:
            self._found[problem.code] += 1
            if self._limit is None or self._found[problem.code] <= self._limit:
                yield problem

    def _leaves(self) -> list[Leaf]:
        return [*self._survey.leaves.values(), *self._unreferenced]

    def _look_at(self, batch: _Batch, watch: Watch) -> list[tuple[int, list[Problem]]]:
        looks = ((number, self._look(leaf, watch)) for number, leaf in batch)
        return [(number, problems) for number, problems in looks if problems]

    def _look(self, leaf: Leaf, watch: Watch) -> list[Problem]:
        if not self._fast:
            with watch(leaf.descriptor) as on_bytes:
                return problems_of_content(self._source, leaf, self._counting(on_bytes))
        size = self._sizes.get(leaf.descriptor.digest, leaf.descriptor.size)
        if size != leaf.descriptor.size:
            text = f"{size} bytes, its descriptor says {leaf.descriptor.size}"
            return [Problem("blob-damaged", leaf.where, f"{leaf.descriptor.digest} has {text}")]
        return problems_of_head(self._source, leaf)

    def _counting(self, on_bytes: Progress) -> Progress:
        def count(number: int) -> None:
            with self._lock:
                self._counted += number
            on_bytes(number)

        return count


def _batches(leaves: Iterable[tuple[int, Leaf]]) -> Iterator[_Batch]:
    """Small leaves together, as there may be very many, and a thread's task is no small thing."""
    batch: _Batch = []
    size = 0
    for numbered in leaves:
        batch.append(numbered)
        size += numbered[1].descriptor.size
        if size >= _BATCH_SIZE or len(batch) == _BATCH_LENGTH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
