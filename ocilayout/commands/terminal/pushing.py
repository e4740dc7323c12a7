"""Where the images of a push go: to one repository, or each to its own below a prefix."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ocilayout.commands.terminal.deliveries import Delivery, names_in_repository
from ocilayout.errors import UsageError
from ocilayout.notices import some_of
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import names_of
from ocilayout.stores.places import Place, registry_place
from ocilayout.stores.registry import NAME
from ocilayout.stores.registry_words import place_in_registry, prefix_in_registry
from ocilayout.transforms.repositories import Labels, named_below, with_all_tags


@dataclass(frozen=True)
class Destination:
    """What DEST of a push says, with its options."""

    place: Place
    tags: tuple[str, ...]
    all_tags: bool
    prefix: str | None
    """The path below which images keep their names; None where DEST is a repository."""

    @classmethod
    def parse(cls, text: str, tags: tuple[str, ...], all_tags: bool) -> "Destination":
        """The destination that the command line names; raises UsageError."""
        if not text.endswith("/"):
            found = cls(place_in_registry(text), tags, all_tags, None)
            found._check()
            return found
        if tags or all_tags:
            raise UsageError(f"{text} keeps all names, so there is no use for --tag and --all-tags")
        place = prefix_in_registry(text)
        return cls(place, (), False, place.reference.path.rpartition("/")[0])

    def _check(self) -> None:
        if self.place.digest is not None:
            raise UsageError(f"{self.place.text}: a digest follows from what is pushed")
        if self.all_tags and (self.tags or not self.place.is_repository):
            raise UsageError("--all-tags keeps the tags, so write HOST/REPOSITORY, and no --tag")

    @property
    def whole(self) -> Delivery:
        """The destination as a whole."""
        keeps_names = self.prefix is not None or self.all_tags
        names = () if keeps_names else names_in_repository(self.place, self.tags)
        return Delivery(self.place, NAME, tuple(dict.fromkeys(names)))

    def deliveries(
        self, source: ImageSource, named: Iterable[ImageSource], labels: Labels
    ) -> Iterator[tuple[Delivery, ImageSource]]:
        """Each repository, with the images that go there under their names in it.

        `named` are the sources that were picked by a name, `labels` call images in messages.
        Raises UsageError where an image has no name to keep, AmbiguousName where two would get
        one.
        """
        reference = self.place.reference
        if self.prefix is not None:
            for repository, images in named_below(source, reference.domain, self.prefix, labels):
                place = registry_place(str(repository), f"docker://{repository}")
                yield Delivery(place, NAME, ()), images
        elif self.all_tags:
            yield self.whole, with_all_tags(source, reference, labels)
        else:
            self._refuse_several(source, labels)
            yield self.whole, self.whole.renamed(source, named)

    def _refuse_several(self, source: ImageSource, labels: Labels) -> None:
        images = images_listed(source)
        if len(images) > 1:
            called = [labels.get(image.digest, str(image.digest)) for image in images]
            one_name = ", ".join(self.whole.names) or str(self.place.reference)
            raise UsageError(
                f"{len(images)} images cannot all be {one_name}: {some_of(called)}: "
                f"push them one by one, to {self.place.reference.domain}/PROJECT/ (with the slash) "
                "where they keep their names, with --all-tags, or as one image with --index"
            )


def labels_of(places: Sequence[Place], parts: Sequence[ImageSource]) -> Labels:
    """How the images of `parts`, each read from its place, are picked on the command line."""
    labels: dict[Digest, str] = {}
    for place, part in zip(places, parts, strict=True):
        known = Counter(name for entry in part.index.children for name in names_of(entry))
        for entry in part.index.children:
            unique = (name for name in names_of(entry) if known[name] == 1)
            behind = next((f":{name}" for name in unique), f"@{entry.digest}")
            is_picked = place.file is None or place.name is not None or place.digest is not None
            labels[entry.digest] = place.text if is_picked else f"{place.text}{behind}"
    return labels
