"""Names given to, and taken from, one image of many; the other entries stay as they are."""

from collections.abc import Collection, Iterator, Sequence

from ocilayout import notices, pick
from ocilayout.graph import View, listing
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.marked_entries import following
from ocilayout.spec.marks import mark_of, unmarked
from ocilayout.spec.names import full_name, names_of, renamed, with_distinct_tags


def tag(source: ImageSource, image: Descriptor, names: Sequence[str]) -> View:
    """The source whose `image`, an entry or a member of one, has these names too.

    A name that another image had moves, as with docker; an image that loses its last name so
    stays, without one.
    """
    wanted = dict.fromkeys(map(full_name, names))
    entries: list[Descriptor] = []
    known: set[str] = set()
    for entry in source.index.children:
        own = names_of(entry)
        if entry.digest == image.digest:
            known.update(own)
            entries.append(entry)
            continue
        lost = [name for name in own if name in wanted]
        for name in lost:
            notices.note(f"{name} was {entry.digest}, and is {image.digest} now")
        entries.extend(_without(entry, own, lost))
    new = [name for name in wanted if name not in known]
    return _view(source, list(_with_names(entries, image, new)), {image.digest})


def untag(
    source: ImageSource, image: Descriptor, names: Collection[str], *, drop: bool = False
) -> View:
    """The source whose `image` lost these names.

    Without a name left it stays a nameless entry; with `drop` it goes, and what speaks of it.
    """
    wanted = set(map(full_name, names))
    entries: list[Descriptor] = []
    left: list[str] = []
    for entry in source.index.children:
        own = names_of(entry)
        if entry.digest != image.digest:
            entries.append(entry)
            continue
        lost = [name for name in own if name in wanted]
        left.extend(name for name in own if name not in lost)
        entries.extend(_without(entry, own, lost))
    if drop and not left:
        picked = pick.by_digest(source, image.digest, "the source").index.children
        gone = {entry.digest for entry in picked}
        return _view(source, [entry for entry in entries if entry.digest not in gone], ())
    if drop:
        notices.note(f"{image.digest} stays, since it is {', '.join(left)} too")
    return _view(source, entries, {image.digest})


def _without(entry: Descriptor, own: Sequence[str], lost: Sequence[str]) -> list[Descriptor]:
    return renamed(entry, [name for name in own if name not in lost]) if lost else [entry]


def _with_names(
    entries: Sequence[Descriptor], image: Descriptor, new: Sequence[str]
) -> Iterator[Descriptor]:
    """The entries, and those of the new names behind the last one of the image."""
    own = [entry for entry in entries if entry.digest == image.digest]
    last = own[-1] if own else image
    for entry in entries:
        yield entry
        if entry is last:
            yield from renamed(unmarked(last), new) if new else ()
    if not own:
        yield from renamed(unmarked(image), new)


def _view(source: ImageSource, entries: Sequence[Descriptor], touched: Collection[Digest]) -> View:
    """The source with these entries; no nameless one is left behind for an image with a name."""
    named = {entry.digest for entry in entries if names_of(entry)}
    kept: list[Descriptor] = []
    for entry in entries:
        is_double = entry.digest in named or entry in kept
        is_as_it_was = entry.digest not in touched and entry in source.index.children
        is_mark = mark_of(entry) is not None
        if names_of(entry) or is_as_it_was or is_mark or not is_double:
            kept.append(entry)
    _say_what_is_nameless(source, kept, named)
    return listing(source, with_distinct_tags(following(source.index, kept)))


def _say_what_is_nameless(
    source: ImageSource, entries: Sequence[Descriptor], named: Collection[Digest]
) -> None:
    had = {entry.digest for entry in source.index.children if names_of(entry)}
    for digest in {entry.digest: None for entry in entries}:
        if digest in had and digest not in named:
            notices.note(f"{digest} has no name now, but stays: untag --drop takes it out")
