"""Images in an engine, as a store like any other: `docker-daemon:NAME`, `podman:NAME`.

An engine saves a Docker archive and loads one, so that is what goes through the pipe.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import EngineFailed, UsageError
from ocilayout.protocols import ImageDestination
from ocilayout.stores.docker_output import TarDestination
from ocilayout.stores.engine_clients import Client, answering
from ocilayout.stores.engine_pipes import Loading, loading
from ocilayout.stores.layout_tar import LayoutTar
from ocilayout.stores.places import ENGINE_TRANSPORTS, Place, checked_engine_name
from ocilayout.streams import FileWriter
from ocilayout.tar_writer import TarWriter

_ENGINES = {"docker-daemon": "docker", "podman": "podman", "containerd": None}
_CLIENTS = {
    "docker-daemon": ("docker",),
    "podman": ("podman",),
    "containerd": ("containerd", "nerdctl", "ctr"),
}
"""What `--engine` may say beside a transport."""


def client_of(place: Place) -> Client:
    """The client for a place in an engine; raises EngineFailed."""
    return _client_for(place.transport or "")


def _client_for(transport: str, namespace: str | None = None) -> Client:
    engine = _ENGINES[transport]
    if engine is not None:
        return answering(engine, namespace)
    try:
        return answering("nerdctl", namespace)
    except EngineFailed:
        return answering("containerd", namespace)


def images_meant(
    texts: Sequence[str], engine: str | None, namespace: str | None
) -> tuple[list[str], Callable[[], Client]]:
    """Names in one engine, and what finds its client, as `--engine` or `podman:NAME` says.

    Raises UsageError where they contradict one another.
    """
    names: list[str] = []
    stated: dict[str, str] = {}
    for text in texts:
        transport, _, name = text.partition(":")
        has_transport = transport in ENGINE_TRANSPORTS
        if has_transport:
            stated[transport] = text
        names.append(checked_engine_name(name if has_transport else text))
    if len(stated) > 1:
        raise UsageError(f"{' and '.join(stated.values())} are in several engines: save each alone")
    if not stated:
        return names, partial(answering, engine, namespace)
    ((transport, text),) = stated.items()
    if engine is None:
        return names, partial(_client_for, transport, namespace)
    if engine not in _CLIENTS[transport]:
        raise UsageError(
            f"{text} is an image in {_CLIENTS[transport][0]}, but --engine says {engine}: leave "
            f"one out (what {engine} calls {text} is docker.io/library/{text})"
        )
    return names, partial(answering, engine, namespace)


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
