"""Where the images of a push go: to one repository, or each to its own below a prefix."""

from collections.abc import Iterator
from dataclasses import dataclass

from ocilayout.commands.terminal.deliveries import Delivery, in_repository
from ocilayout.errors import UsageError
from ocilayout.protocols import ImageSource
from ocilayout.stores.places import Place, registry_place
from ocilayout.stores.registry import NAME
from ocilayout.transforms.rename import rename
from ocilayout.transforms.repositories import named_below, with_all_tags


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
        name = text.removeprefix("docker:").removeprefix("//")
        if not name.endswith("/"):
            found = cls(registry_place(name, text), tags, all_tags, None)
            found._check()
            return found
        if tags or all_tags:
            raise UsageError(f"{text} keeps all names, so there is no use for --tag and --all-tags")
        place = registry_place(f"{name}names", text)
        return cls(place, (), False, place.reference.path.rpartition("/")[0])

    def _check(self) -> None:
        if self.place.digest is not None:
            raise UsageError(f"{self.place.text}: a digest follows from what is pushed")
        if self.all_tags and (self.tags or not self.place.is_repository):
            raise UsageError("--all-tags keeps the tags, so write HOST/REPOSITORY, and no --tag")

    @property
    def whole(self) -> Delivery:
        """The destination as a whole."""
        return Delivery(self.place, NAME, ())

    def deliveries(self, source: ImageSource) -> Iterator[tuple[Delivery, ImageSource]]:
        """Each repository, with the images that go there under their names in it.

        Raises UsageError where an image has no name to keep, or where several would get one.
        """
        reference = self.place.reference
        if self.prefix is not None:
            for repository, images in named_below(source, reference.domain, self.prefix):
                place = registry_place(str(repository), f"docker://{repository}")
                yield Delivery(place, NAME, ()), images
        elif self.all_tags:
            yield self.whole, with_all_tags(source, reference)
        else:
            names = [reference, *(in_repository(tag, reference) for tag in self.tags)]
            yield self.whole, rename(source, [str(name) for name in names])
