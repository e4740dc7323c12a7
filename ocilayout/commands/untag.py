"""Names taken from images, in place."""

from typing import TYPE_CHECKING

import click

from ocilayout.commands.terminal import options
from ocilayout.commands.terminal.verb import verb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocilayout.protocols import ImageSource
    from ocilayout.spec.damaged_entries import DamagedEntry
    from ocilayout.spec.digest import Digest
    from ocilayout.stores.places import Place


@verb("ocilayout untag layout:old app.tar:registry.example/app:latest")
@click.argument("places", nargs=-1, required=True, metavar="PLACE...")
@click.option("--drop", is_flag=True, help="Take an image out that has no name left.")
@options.editing
def command(
    places: tuple[str, ...],
    drop: bool,
    dry_run: bool,
    as_json: bool,
    lock_timeout: float,
    quiet: bool,
) -> None:
    """Take names from images, in place.

    PLACE:NAME takes this name, PLACE alone all names of its one image. An image that loses its
    last name stays, without one. With --drop it is no longer listed, nor what speaks of it, as
    with docker manifest rm: gc then frees its blobs in a layout, and a tar is written without
    them.
    """
    from ocilayout.commands.terminal.messages import listen
    from ocilayout.commands.terminal.printing import echo, echo_json
    from ocilayout.stores.places import parse_source

    messages = listen(quiet)
    found = [parse_source(place) for place in places]
    listed = [item for place in found for item in _untagged(place, drop, lock_timeout, dry_run)]
    if as_json:
        said = {"warnings": messages.warnings, "notes": messages.notes}
        echo_json({"dry_run": dry_run, "untagged": listed, **said})
    elif not quiet:
        would = "would be " if dry_run else ""
        for item in listed:
            done = "dropped" if item["dropped"] else "untagged"
            echo(f"{would}{done} {item['name']} {item['digest'] or '(no digest)'}")


def _untagged(
    place: "Place", drop: bool, lock_timeout: float, dry_run: bool
) -> list[dict[str, object]]:
    from ocilayout.stores.in_place import edited_in_place

    untagging = _Untagging(place, drop)
    with edited_in_place(
        place, untagging.transform, lock_timeout=lock_timeout, dry_run=dry_run
    ) as done:
        left = {entry.digest for entry in done.source.index.children}
    return [
        {
            "place": place.text,
            "name": name,
            "digest": None if untagging.digest is None else str(untagging.digest),
            "dropped": untagging.digest not in left,
        }
        for name in untagging.names or ("(no name)",)
    ]


class _Untagging:
    """Takes the names of the one image that a place names, and remembers what it took."""

    def __init__(self, place: "Place", drop: bool) -> None:
        self._place = place
        self._drop = drop
        self.names: list[str] = []
        self.digest: Digest | None = None

    def transform(self, source: "ImageSource", label: str) -> "ImageSource":
        """The source without them."""
        from ocilayout import pick
        from ocilayout.errors import UsageError
        from ocilayout.spec.names import names_of
        from ocilayout.transforms.missing import with_gaps
        from ocilayout.transforms.tag import untag

        place = self._place
        # What is dropped is walked, and may have gaps.
        whole = with_gaps(source) if self._drop else source
        if place.name is not None or place.digest is not None:
            damaged = pick.damaged_entries(whole, place.name, place.digest)
            if damaged:
                return self._without(whole, damaged, label)
        target = pick.target(source, place.name, place.digest, label)
        if target.member is not None:
            raise UsageError(f"{target.member.digest} is a member of an index, with no name")
        image = target.entry
        same = [entry for entry in source.index.children if entry.digest == image.digest]
        own = [image] if place.name is not None else same
        self.names = list(dict.fromkeys(name for entry in own for name in names_of(entry)))
        self.digest = image.digest
        return untag(whole, image, self.names, drop=self._drop)

    def _without(
        self, source: "ImageSource", damaged: "Sequence[DamagedEntry]", label: str
    ) -> "ImageSource":
        from ocilayout.errors import InvalidDocument
        from ocilayout.graph import View
        from ocilayout.spec.names import names_of

        if not self._drop:
            raise InvalidDocument(
                f"{label}: an entry cannot be read: {damaged[0].reason}",
                remedy="untag --drop takes it out",
            )
        self.names = [name for entry in damaged for name in names_of(entry)]
        self.digest = damaged[0].digest
        return View(source, source.index.without_damaged(damaged), absent=source.absent)
