"""How a place is opened for writing: by its transport, or by the end of its name."""

from collections.abc import Iterator
from contextlib import contextmanager

from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import UsageError
from ocilayout.outputs import is_stream, is_tar_name, refuse_other_suffix
from ocilayout.protocols import ImageDestination
from ocilayout.stores import kinds
from ocilayout.stores.places import Place, parse_destination


@contextmanager
def open_destination(
    place: Place | str,
    options: DestinationOptions | None = None,
    *,
    transport: str | None = None,
) -> Iterator[ImageDestination]:
    """An output that appears, whole, when it is committed.

    `transport` is what to write where the place does not say. Raises DestinationExists,
    UsageError.
    """
    found = parse_destination(place) if isinstance(place, str) else place
    if found.is_engine:
        from ocilayout.stores import engine

        client = engine.client_of(found)
        with engine.open_pipe(client, options or DestinationOptions()) as (destination, _):
            yield destination
        return
    if found.is_registry:
        from ocilayout.stores import registry

        with registry.open_destination(found, options or DestinationOptions()) as repository:
            yield repository
        return
    store = kinds.store(destination_transport(found, transport))
    with store.open_destination(found.path, options or DestinationOptions()) as destination:
        yield destination


def destination_transport(place: Place, wanted: str | None = None) -> str:
    """What is written to a place: as it says, as `wanted`, or by the end of its name.

    A layout that exists is added to; raises UsageError where the place contradicts `wanted`, or
    where its suffix is that of another kind of archive.
    """
    stated = place.transport
    if stated is not None and wanted is not None and stated != wanted:
        raise UsageError(f"{place.text} says {stated}, --to says {wanted}")
    if stated or wanted:
        return stated or wanted or ""
    if place.path is None:
        return "docker-archive"
    if place.path.is_dir():
        return "oci"
    refuse_other_suffix(place.path)
    if is_tar_name(place.path) or is_stream(place.path):
        return "docker-archive"
    return "oci"
