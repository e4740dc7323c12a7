"""Images in an engine, as a store like any other: `docker-daemon:NAME`, `podman:NAME`.

An engine saves a Docker archive and loads one, so that is what goes through the pipe.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from ocilayout.protocols import DestinationOptions, ImageDestination
from ocilayout.stores.docker_output import TarDestination
from ocilayout.stores.engine_clients import Client, answering
from ocilayout.stores.engine_pipes import Loading, loading
from ocilayout.stores.layout_tar import LayoutTar
from ocilayout.stores.places import Place
from ocilayout.streams import FileWriter
from ocilayout.tar_writer import TarWriter

_ENGINES = {"docker-daemon": "docker", "podman": "podman", "containerd": None}


def client_of(place: Place) -> Client:
    """The client for a place in an engine; raises EngineFailed."""
    from ocilayout.errors import EngineFailed

    engine = _ENGINES[place.transport or ""]
    if engine is not None:
        return answering(engine)
    try:
        return answering("nerdctl")
    except EngineFailed:
        return answering("containerd")


@contextmanager
def open_pipe(
    client: Client, options: DestinationOptions
) -> Iterator[tuple[ImageDestination, Loading]]:
    """A destination that the engine loads as it is written; raises EngineFailed.

    What the client has said is known once the context is left.
    """
    with loading(client) as pipe:
        tar = LayoutTar(TarWriter(FileWriter(pipe.descriptor, "the engine's client")))
        yield TarDestination(tar, options), pipe
        pipe.finished = tar.finished
