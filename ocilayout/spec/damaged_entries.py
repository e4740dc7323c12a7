"""Entries of an index that cannot be read: kept as they stand, so that one closes no place."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ocilayout.errors import InvalidDocument, OciLayoutError
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.fields import Fields


class DamagedEntry(NamedTuple):
    """An entry of an index that cannot be read, or leads to what cannot be."""

    position: int
    """Among all entries of the index."""
    value: object
    """Its JSON, which an edit of other entries leaves as it is."""
    reason: str

    @property
    def annotations(self) -> Mapping[str, str]:
        """Those that are text."""
        found = self.value.get("annotations") if isinstance(self.value, Mapping) else None
        items = found.items() if isinstance(found, Mapping) else ()
        return {key: item for key, item in items if isinstance(item, str)}

    @property
    def digest(self) -> Digest | None:
        """What it states, where that is a digest."""
        stated = self.value.get("digest") if isinstance(self.value, Mapping) else None
        try:
            return Digest.parse(stated) if isinstance(stated, str) else None
        except InvalidDocument:
            return None


Damaged = tuple[DamagedEntry, ...]


def readable_descriptors(fields: Fields, key: str) -> tuple[tuple[Descriptor, ...], Damaged]:
    """The descriptors under `key`, and those that are none."""
    document = fields.where.rpartition(": ")[2]
    readable: list[Descriptor] = []
    damaged: list[DamagedEntry] = []
    for position, item in enumerate(fields.objects(key)):
        try:
            readable.append(Descriptor.parse(item, f"{document}: {key}[{position}]"))
        except OciLayoutError as error:
            damaged.append(DamagedEntry(position, item, str(error)))
    return tuple(readable), tuple(damaged)


def set_aside(
    children: Sequence[Descriptor], damaged: Damaged, reasons: Mapping[int, str]
) -> tuple[tuple[Descriptor, ...], Damaged]:
    """The children but for those at these positions, and what is damaged with them."""
    taken = {entry.position for entry in damaged}
    places = (at for at in range(len(children) + len(damaged)) if at not in taken)
    numbered = list(enumerate(zip(places, children, strict=True)))
    added = [
        DamagedEntry(place, child.fields, reasons[number])
        for number, (place, child) in numbered
        if number in reasons
    ]
    kept = tuple(child for number, (_, child) in numbered if number not in reasons)
    return kept, tuple(sorted((*damaged, *added), key=_position))


def merged(children: Iterable[Descriptor], damaged: Damaged) -> tuple[list[object], Damaged]:
    """The JSON of all entries of an index, with those that are damaged where they stood."""
    values: list[object] = [dict(entry.fields) for entry in children]
    moved: list[DamagedEntry] = []
    for entry in sorted(damaged, key=_position):
        position = min(entry.position, len(values))
        values.insert(position, entry.value)
        moved.append(entry._replace(position=position))
    return values, tuple(moved)


def _position(entry: DamagedEntry) -> int:
    return entry.position
